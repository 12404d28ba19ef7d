import pytest
from leger_runtime.errors import LegerError
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.credentials import Credentials
from leger_secrets.domain.errors import InvalidName, NotBound, SecretEmpty, SecretNotFound
from leger_secrets.domain.refusals import Refusals
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Binding
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import DEPLOYER, ME, AuditEntries, Clock, JournalLines


@pytest.fixture(autouse=True)
def bound(secrets: Secrets, bindings: Bindings) -> None:
    """Stack notes binds web.service and the template job@.service; blog binds blog.service."""
    for name, value in [("a", b"one"), ("b", b"two")]:
        secrets.put(name, SecretValue(value), activate=False, by=ME)
    notes = [Binding("web.service", "token", "a"), Binding("job@.service", "token", "a")]
    bindings.bind_stack("notes", notes, by=DEPLOYER)
    bindings.bind_stack("blog", [Binding("blog.service", "token", "b")], by=DEPLOYER)


def refused(credentials: Credentials, unit: str, credential: str) -> LegerError:
    with pytest.raises(LegerError) as caught:
        credentials.hand_out(unit, credential)
    return caught.value


def test_a_unit_gets_the_active_value_of_its_secret(
    credentials: Credentials, secrets: Secrets
) -> None:
    assert credentials.hand_out("web.service", "token") == SecretValue(b"one")
    secrets.put("a", SecretValue(b"new"), activate=False, by=ME)
    assert credentials.hand_out("web.service", "token") == SecretValue(b"one")
    secrets.activate("a", 2, by=ME)
    assert credentials.hand_out("web.service", "token") == SecretValue(b"new")


def test_a_unit_of_one_stack_cannot_obtain_a_secret_of_another(credentials: Credentials) -> None:
    assert isinstance(refused(credentials, "web.service", "b"), NotBound)
    assert isinstance(refused(credentials, "other.service", "token"), NotBound)


def test_an_empty_value_is_refused_as_systemd_could_not_tell_it_from_a_broken_answer(
    credentials: Credentials, secrets: Secrets
) -> None:
    secrets.put("a", SecretValue(b""), activate=True, by=ME)
    assert isinstance(refused(credentials, "web.service", "token"), SecretEmpty)


def test_a_binding_of_a_template_serves_its_instances(credentials: Credentials) -> None:
    assert credentials.hand_out("job@nightly.service", "token") == SecretValue(b"one")
    assert isinstance(refused(credentials, "job.service", "token"), NotBound)


def test_an_instances_own_binding_goes_before_its_templates(
    credentials: Credentials, bindings: Bindings
) -> None:
    own = Binding("job@x.service", "token", "b")
    bindings.bind_stack("notes", [Binding("job@.service", "token", "a"), own], by=DEPLOYER)
    assert credentials.hand_out("job@x.service", "token") == SecretValue(b"two")
    assert credentials.hand_out("job@y.service", "token") == SecretValue(b"one")


def test_a_secret_that_is_not_stored_is_refused_by_name(
    credentials: Credentials, secrets: Secrets, audit: AuditEntries
) -> None:
    secrets.delete("a", force=True, by=ME)
    error = refused(credentials, "web.service", "token")
    assert isinstance(error, SecretNotFound)
    assert (
        error.next_step == "Store it: `leger secrets put a`. Those there are: `leger secrets list`."
    )
    assert (audit.last.secret, audit.last.outcome) == ("a", "SECRET_NOT_FOUND")


def test_a_refusal_is_in_the_units_journal_and_says_what_to_do(
    credentials: Credentials, journal: JournalLines
) -> None:
    refused(credentials, "web.service", "other")
    [(unit, message)] = journal.lines
    assert unit == "web.service"
    assert message == (
        "leger refuses the credential other: web.service may not have the credential other."
        " No stack that is installed names that secret for that unit."
        " Name it by `Secret=` in the unit's Quadlet, then install its stack again."
    )


def test_a_name_that_no_unit_has_is_refused(credentials: Credentials) -> None:
    assert isinstance(refused(credentials, "web\n.service", "token"), InvalidName)
    assert isinstance(refused(credentials, "web.service", "to ken"), InvalidName)


def test_the_latest_refusal_of_each_unit_is_listed(
    credentials: Credentials, bindings: Bindings
) -> None:
    for unit, credential in [("web.service", "x"), ("web.service", "y"), ("db.service", "z")]:
        refused(credentials, unit, credential)
    refusals = bindings.list_refusals()
    assert [(r.unit, r.credential, r.reason) for r in refusals] == [
        ("db.service", "z", "NOT_BOUND"),
        ("web.service", "y", "NOT_BOUND"),
    ]
    assert refusals[0].time > refusals[1].time
    assert refusals[0].message.startswith("db.service may not have the credential z.")


def test_a_refusal_is_forgotten_once_that_credential_is_given(
    credentials: Credentials, secrets: Secrets, bindings: Bindings
) -> None:
    secrets.delete("a", force=True, by=ME)
    refused(credentials, "web.service", "token")
    secrets.put("a", SecretValue(b"one"), activate=False, by=ME)
    assert bindings.list_refusals()
    credentials.hand_out("web.service", "token")
    assert bindings.list_refusals() == []


def test_another_credential_given_does_not_hide_a_refusal(
    credentials: Credentials, bindings: Bindings
) -> None:
    refused(credentials, "web.service", "other")
    credentials.hand_out("web.service", "token")
    assert [r.credential for r in bindings.list_refusals()] == ["other"]


def test_binding_the_stack_anew_forgets_its_refusals(
    credentials: Credentials, bindings: Bindings
) -> None:
    for unit in ("web.service", "job@x.service", "blog.service"):
        refused(credentials, unit, "other")
    bindings.bind_stack("notes", [], by=DEPLOYER)
    assert [r.unit for r in bindings.list_refusals()] == ["blog.service"]


def test_refusals_are_kept_of_a_thousand_units_at_most(clock: Clock) -> None:
    refusals = Refusals(clock=clock)
    for number in range(1001):
        refusals.note(f"{number}.service", "x", NotBound("u", "x"))
    units = {refusal.unit for refusal in refusals.latest()}
    assert len(units) == 1000
    assert "0.service" not in units
