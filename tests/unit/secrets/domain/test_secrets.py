import tracemalloc
from collections.abc import Callable

import pytest
from leger_runtime.errors import Kind, LegerError
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import (
    InvalidName,
    InvalidVersion,
    NotForEnvironment,
    SecretInUse,
    SecretNotFound,
    ValueTooLarge,
    VersionActive,
    VersionClaimed,
    VersionNotFound,
)
from leger_secrets.domain.limits import MAX_RESOLVED, MAX_VALUE, MAX_VERSION
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Binding
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import DEPLOYER, ME


def put(secrets: Secrets, name: str, value: bytes, *, activate: bool = False) -> int:
    return secrets.put(name, SecretValue(value), activate=activate, by=ME).version


def active(secrets: Secrets, name: str) -> bytes:
    value = secrets.get(name, by=ME).value
    assert value is not None
    return value.reveal()


def test_the_first_version_is_active_and_later_ones_wait(secrets: Secrets) -> None:
    first = secrets.put("a", SecretValue(b"one"), activate=False, by=ME)
    second = secrets.put("a", SecretValue(b"two"), activate=False, by=ME)
    assert (first.version, first.active, first.created) == (1, True, True)
    assert (second.version, second.active, second.created) == (2, False, True)
    assert active(secrets, "a") == b"one"
    assert secrets.get("a", version=2, by=ME).value == SecretValue(b"two")


def test_a_put_may_activate_at_once(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    assert secrets.put("a", SecretValue(b"two"), activate=True, by=ME).active
    assert active(secrets, "a") == b"two"


def test_putting_the_latest_value_again_stores_nothing(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two")
    again = secrets.put("a", SecretValue(b"two"), activate=False, by=ME)
    assert (again.version, again.active, again.created) == (2, False, False)
    assert [v.number for v in secrets.info("a", by=ME).versions] == [1, 2]


def test_putting_an_older_value_again_stores_a_version(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two")
    assert put(secrets, "a", b"one") == 3


def test_putting_the_latest_value_again_with_activate_activates_it(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two")
    again = secrets.put("a", SecretValue(b"two"), activate=True, by=ME)
    assert (again.version, again.active, again.created) == (2, True, False)
    assert active(secrets, "a") == b"two"


def test_an_empty_value_is_a_value(secrets: Secrets) -> None:
    put(secrets, "a", b"")
    assert active(secrets, "a") == b""


def test_an_empty_value_is_stored_after_the_latest_version_was_deleted(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two")
    secrets.delete_version("a", 2, by=ME)
    assert put(secrets, "a", b"") == 3
    assert secrets.get("a", version=3, by=ME).value == SecretValue(b"")


def test_a_number_of_a_deleted_version_is_never_used_again(secrets: Secrets) -> None:
    for value in (b"one", b"two", b"three"):
        put(secrets, "a", value)
    secrets.delete_version("a", 3, by=ME)
    assert put(secrets, "a", b"three") == 4
    with pytest.raises(VersionClaimed):
        secrets.create_version("a", 3, SecretValue(b"x"), by=ME)


def test_a_deleted_secret_begins_at_one_again(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two")
    secrets.delete("a", force=False, by=ME)
    with pytest.raises(SecretNotFound):
        secrets.get("a", by=ME)
    assert put(secrets, "a", b"three") == 1


def test_get_of_a_deleted_version_is_not_found(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two")
    secrets.delete_version("a", 2, by=ME)
    with pytest.raises(VersionNotFound):
        secrets.get("a", version=2, by=ME)


def test_get_of_what_the_caller_has_answers_no_value(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two")
    same = secrets.get("a", if_version_not=1, by=ME)
    assert (same.version, same.value) == (1, None)
    assert secrets.get("a", version=2, if_version_not=2, by=ME).value is None
    assert secrets.get("a", if_version_not=2, by=ME).value == SecretValue(b"one")


def test_resolve_answers_in_the_order_asked_for(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "b", b"two")
    resolved, revision = secrets.resolve(["b", "a", "b"], by=ME)
    assert [(r.name, r.value.reveal()) for r in resolved] == [
        ("b", b"two"),
        ("a", b"one"),
        ("b", b"two"),
    ]
    assert revision == 2


def test_resolve_names_every_secret_that_is_missing(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    with pytest.raises(SecretNotFound) as caught:
        secrets.resolve(["x", "a", "y", "x"], by=ME)
    assert [v.field for v in caught.value.violations] == ["x", "y"]


def test_resolve_takes_one_to_a_thousand_names(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    assert len(secrets.resolve(["a"] * 1000, by=ME)[0]) == 1000
    for wanted in ([], ["a"] * 1001):
        with pytest.raises(InvalidName):
            secrets.resolve(wanted, by=ME)


def test_resolve_of_more_than_an_answer_carries_is_refused(secrets: Secrets) -> None:
    put(secrets, "a", b"x" * MAX_VALUE)
    with pytest.raises(ValueTooLarge):
        secrets.resolve(["a"] * 8, by=ME)


def test_resolve_holds_no_more_in_memory_than_an_answer_carries(secrets: Secrets) -> None:
    put(secrets, "a", b"x" * MAX_VALUE)
    tracemalloc.start()
    try:
        with pytest.raises(ValueTooLarge):
            secrets.resolve(["a"] * 100, by=ME)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * MAX_RESOLVED


def test_what_is_missing_is_told_before_that_the_rest_is_too_much(secrets: Secrets) -> None:
    put(secrets, "a", b"x" * MAX_VALUE)
    with pytest.raises(SecretNotFound) as caught:
        secrets.resolve(["a"] * 8 + ["z"], by=ME)
    assert "The secret z is not stored." in caught.value.what


def test_create_version_activates_and_later_puts_count_on_from_it(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    secrets.create_version("a", 7, SecretValue(b"seven"), by=ME)
    assert active(secrets, "a") == b"seven"
    assert put(secrets, "a", b"eight") == 8
    secrets.create_version("a", 3, SecretValue(b"three"), by=ME)
    assert put(secrets, "a", b"nine") == 9


def test_create_version_makes_a_secret_that_is_not_there(secrets: Secrets) -> None:
    secrets.create_version("a", 5, SecretValue(b"five"), by=ME)
    assert secrets.info("a", by=ME).active == 5


def test_a_version_number_is_used_once(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    with pytest.raises(VersionClaimed):
        secrets.create_version("a", 1, SecretValue(b"x"), by=ME)
    assert active(secrets, "a") == b"one"


def test_a_put_after_the_highest_number_is_refused(secrets: Secrets) -> None:
    secrets.create_version("a", MAX_VERSION, SecretValue(b"last"), by=ME)
    with pytest.raises(VersionClaimed):
        put(secrets, "a", b"one more")
    assert put(secrets, "a", b"last") == MAX_VERSION


def test_activate_answers_what_was_active(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two")
    assert secrets.activate("a", 2, by=ME) == 1
    assert secrets.activate("a", 2, by=ME) == 2
    assert active(secrets, "a") == b"two"


def test_a_version_that_no_environment_variable_can_hold_is_not_activated_for_one(
    secrets: Secrets,
) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"t\0wo")
    with pytest.raises(NotForEnvironment) as raised:
        secrets.activate("a", 2, for_environment=True, by=ME)
    assert "t\0wo" not in str(raised.value)
    assert active(secrets, "a") == b"one"
    assert secrets.activate("a", 1, for_environment=True, by=ME) == 1
    secrets.activate("a", 2, by=ME)
    assert active(secrets, "a") == b"t\0wo"


def test_an_activation_is_taken_back_as_if_it_had_not_been(secrets: Secrets) -> None:
    for value in (b"one", b"two", b"three"):
        put(secrets, "a", value)
    for active_before, previous in ((1, 0), (2, 1)):
        secrets.activate("a", active_before, by=ME)
        assert secrets.info("a", by=ME).previous == previous
        secrets.activate("a", 3, by=ME)
        assert secrets.activate("a", active_before, previous=previous, by=ME) == 3
        info = secrets.info("a", by=ME)
        assert (info.active, info.previous) == (active_before, previous)


def test_what_counts_as_active_before_must_be_stored_and_another_version(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two")
    with pytest.raises(VersionNotFound):
        secrets.activate("a", 2, previous=3, by=ME)
    assert active(secrets, "a") == b"one"
    secrets.activate("a", 2, previous=2, by=ME)
    assert secrets.info("a", by=ME).previous == 0


def test_the_active_version_is_not_deleted_alone(secrets: Secrets) -> None:
    put(secrets, "a", b"one")
    with pytest.raises(VersionActive):
        secrets.delete_version("a", 1, by=ME)
    assert active(secrets, "a") == b"one"


def test_a_bound_secret_is_deleted_only_by_force(secrets: Secrets, bindings: Bindings) -> None:
    put(secrets, "a", b"one")
    bindings.bind_stack("notes", [Binding("web.service", "a", "a")], by=DEPLOYER)
    with pytest.raises(SecretInUse) as caught:
        secrets.delete("a", force=False, by=ME)
    assert "web.service" in caught.value.why
    secrets.delete("a", force=True, by=ME)
    with pytest.raises(SecretNotFound):
        secrets.info("a", by=ME)


def test_info_tells_versions_units_and_by_whom(secrets: Secrets, bindings: Bindings) -> None:
    put(secrets, "a", b"one")
    secrets.put("a", SecretValue(b"two"), activate=False, by=Caller("operator:alice"))
    bindings.bind_stack(
        "notes",
        [Binding(unit, "c", "a") for unit in ("web.service", "db.service")],
        by=DEPLOYER,
    )
    info = secrets.info("a", by=ME)
    assert [(v.number, v.created_by) for v in info.versions] == [
        (1, "operator:root"),
        (2, "operator:alice"),
    ]
    assert info.versions[0].create_time < info.versions[1].create_time
    assert info.units == ("db.service", "web.service")
    assert (info.active, info.revision) == (1, 2)


def test_list_is_sorted_and_leaves_out_deleted_versions(secrets: Secrets) -> None:
    for name in ("b", "a"):
        put(secrets, name, b"one")
        put(secrets, name, b"two")
    secrets.delete_version("b", 2, by=ME)
    infos, revision = secrets.list_secrets(by=ME)
    assert [(i.name, len(i.versions)) for i in infos] == [("a", 2), ("b", 1)]
    assert revision == 5


def test_the_revision_grows_with_each_change_and_only_then(secrets: Secrets) -> None:
    def revision() -> int:
        return secrets.list_secrets(by=ME)[1]

    put(secrets, "a", b"one")
    put(secrets, "a", b"one")
    assert revision() == 1
    put(secrets, "a", b"two", activate=True)
    assert revision() == 2
    secrets.activate("a", 2, by=ME)
    assert revision() == 2
    secrets.delete("a", force=False, by=ME)
    assert revision() == 3


def test_a_value_has_a_million_bytes_at_most(secrets: Secrets) -> None:
    put(secrets, "a", b"x" * MAX_VALUE)
    for refused in (
        lambda: put(secrets, "b", b"x" * (MAX_VALUE + 1)),
        lambda: secrets.create_version("b", 1, SecretValue(b"x" * (MAX_VALUE + 1)), by=ME),
    ):
        with pytest.raises(ValueTooLarge):
            refused()
    assert len(secrets.list_secrets(by=ME)[0]) == 1


@pytest.mark.parametrize("version", [0, -1, MAX_VERSION + 1])
def test_versions_count_from_one(secrets: Secrets, version: int) -> None:
    put(secrets, "a", b"one")
    for refused in (
        lambda: secrets.create_version("a", version, SecretValue(b"x"), by=ME),
        lambda: secrets.activate("a", version, by=ME),
        lambda: secrets.delete_version("a", version, by=ME),
    ):
        with pytest.raises(InvalidVersion):
            refused()


def test_every_request_refuses_a_bad_name_and_an_absent_secret(secrets: Secrets) -> None:
    by_name: list[Callable[[str], object]] = [
        lambda name: secrets.get(name, by=ME),
        lambda name: secrets.resolve([name], by=ME),
        lambda name: secrets.info(name, by=ME),
        lambda name: secrets.activate(name, 1, by=ME),
        lambda name: secrets.delete(name, force=True, by=ME),
        lambda name: secrets.delete_version(name, 1, by=ME),
    ]
    for request in by_name:
        with pytest.raises(InvalidName):
            request("a/../b")
        with pytest.raises(SecretNotFound):
            request("absent")
    with pytest.raises(InvalidName):
        put(secrets, "a/../b", b"x")
    with pytest.raises(InvalidName):
        secrets.create_version("a/../b", 1, SecretValue(b"x"), by=ME)


def test_every_error_has_three_parts(secrets: Secrets) -> None:
    with pytest.raises(LegerError) as caught:
        secrets.get("absent", by=ME)
    error = caught.value
    assert error.kind is Kind.NOT_FOUND
    assert error.what == "The secret absent is not stored."
    assert error.why
    assert error.next_step == (
        "Store it: `leger secrets put absent`. Those there are: `leger secrets list`."
    )
