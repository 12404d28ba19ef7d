"""What a unit was last handed is known of each binding, of templates for every instance."""

import pytest
from leger_runtime.errors import LegerError
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.credentials import Credentials
from leger_secrets.domain.handouts import Handouts
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Binding
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import DEPLOYER, ME, Clock

WEB = Binding("web.service", "token", "a")
JOB = Binding("job@.service", "token", "a")


@pytest.fixture(autouse=True)
def bound(secrets: Secrets, bindings: Bindings) -> None:
    """Stack notes binds web.service and the template job@.service."""
    for name in ("a", "b"):
        secrets.put(name, SecretValue(b"one"), activate=False, by=ME)
    bindings.bind_stack("notes", [WEB, JOB], by=DEPLOYER)


def served(bindings: Bindings, binding: Binding) -> list[tuple[str, int]]:
    return [(handout.unit, handout.version) for handout in bindings.handed_out(binding)]


def test_the_version_that_a_unit_was_last_handed_is_known(
    credentials: Credentials, secrets: Secrets, bindings: Bindings
) -> None:
    assert served(bindings, WEB) == []
    credentials.hand_out("web.service", "token")
    (first,) = bindings.handed_out(WEB)
    secrets.put("a", SecretValue(b"two"), activate=True, by=ME)
    assert served(bindings, WEB) == [("web.service", 1)]
    credentials.hand_out("web.service", "token")
    (second,) = bindings.handed_out(WEB)
    assert (first.version, second.version) == (1, 2)
    assert second.time > first.time


def test_a_templates_binding_has_a_handout_for_each_instance(
    credentials: Credentials, bindings: Bindings
) -> None:
    for unit in ("web.service", "job@y.service", "job@x.service"):
        credentials.hand_out(unit, "token")
    assert served(bindings, JOB) == [("job@x.service", 1), ("job@y.service", 1)]


def test_what_was_handed_out_for_another_secret_does_not_count(
    credentials: Credentials, bindings: Bindings
) -> None:
    own = Binding("job@x.service", "token", "b")
    bindings.bind_stack("notes", [WEB, JOB, own], by=DEPLOYER)
    credentials.hand_out("job@x.service", "token")
    assert served(bindings, own) == [("job@x.service", 1)]
    assert served(bindings, JOB) == []
    credentials.hand_out("web.service", "token")
    assert served(bindings, Binding("web.service", "token", "b")) == []


def test_a_refused_credential_is_not_handed_out(
    credentials: Credentials, secrets: Secrets, bindings: Bindings
) -> None:
    secrets.delete("a", force=True, by=ME)
    with pytest.raises(LegerError):
        credentials.hand_out("web.service", "token")
    assert served(bindings, WEB) == []


def test_the_latest_ten_thousand_are_kept(clock: Clock) -> None:
    handouts = Handouts(clock=clock)
    handouts.note("job@0.service", "token", secret="a", version=1)
    for number in range(10_000):
        handouts.note(f"job@{number}.service", "token", secret="a", version=2)
    assert len(handouts.of(JOB)) == 10_000  # the first was taken anew, so it is none too many
    handouts.note("job@10000.service", "token", secret="a", version=2)
    assert "job@0.service" not in {handout.unit for handout in handouts.of(JOB)}
