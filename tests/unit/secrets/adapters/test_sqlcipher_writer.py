from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from leger_secrets.adapters import sqlcipher_writer
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.adapters.sqlcipher_writer import SqlcipherWriter
from leger_secrets.domain.changes import Change
from leger_secrets.domain.grants import Grant, Permission
from leger_secrets.domain.limits import MAX_VERSION
from leger_secrets.domain.stored import (
    Author,
    Binding,
    Contents,
    Found,
    Latest,
    Notes,
    Numbers,
    SecretInfo,
    Token,
)
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import KEY

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ROOT = Author("operator:root", NOW)
ALICE = Author("operator:alice", NOW + timedelta(hours=1))
NOTES = Notes(
    description="Schlüssel",
    labels={"team": "ops", "a.b/c": ""},
    expire_time=NOW + timedelta(days=90),
    rotate_after_days=30,
)
CI = Token(
    name="ci",
    digest=bytes(range(32)),
    grants=(
        Grant(actions=frozenset({Permission.GET, Permission.INFO}), secrets=("dev/*", "a")),
        Grant(actions=frozenset(Permission), secrets=("*",)),
    ),
    created=ROOT,
    expire_time=None,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlcipherSecretStore]:
    store = SqlcipherSecretStore(path=tmp_path / "secrets.db", key=KEY)
    yield store
    store.close()


def change(
    store: SqlcipherSecretStore, *steps: Callable[[SqlcipherWriter], object], by: Author = ROOT
) -> None:
    """Make all the steps in one transaction."""
    with store.writing(by) as writer:
        for step in steps:
            step(writer)


def add(name: str, number: int, value: bytes = b"x") -> Callable[[SqlcipherWriter], None]:
    return lambda writer: writer.add_version(name, number, SecretValue(value))


def activate(name: str, version: int) -> Callable[[SqlcipherWriter], None]:
    return lambda writer: writer.activate(name, version)


def info(store: SqlcipherSecretStore, name: str = "a") -> SecretInfo:
    with store.reading() as view:
        found = view.info(name)
    assert found is not None
    assert found in view_all(store)
    return found


def view_all(store: SqlcipherSecretStore) -> list[SecretInfo]:
    with store.reading() as view:
        assert view.count() == len(view.infos())
        return view.infos()


def changes(store: SqlcipherSecretStore, after: int = 0, limit: int = 100) -> list[Change]:
    with store.reading() as view:
        found = view.changes(after=after, limit=limit)
    assert found is not None
    return found


def short(change: Change) -> tuple[int, str, str, int, bool]:
    return change.revision, change.kind, change.secret, change.version, change.last


def test_who_made_a_secret_and_who_changed_it_last_is_noted(store: SqlcipherSecretStore) -> None:
    change(store, add("a", 1))
    change(store, add("a", 2), by=ALICE)
    assert (info(store).created, info(store).updated) == (ROOT, ALICE)
    assert info(store).activate_time == NOW
    change(store, activate("a", 2), by=ALICE)
    assert info(store).activate_time == ALICE.time


def test_the_version_that_was_active_before_is_known_as_long_as_it_is_stored(
    store: SqlcipherSecretStore,
) -> None:
    change(store, add("a", 1), add("a", 2), add("a", 3))
    assert info(store).previous == 0
    change(store, activate("a", 3))
    assert info(store).previous == 1
    change(store, activate("a", 1))
    assert info(store).previous == 3
    change(store, lambda writer: writer.delete_version("a", 2))
    assert info(store).previous == 3
    change(store, lambda writer: writer.delete_version("a", 3))
    assert info(store).previous == 0
    with store.reading() as view:
        assert view.numbers("a") == Numbers(active=1, latest=3, previous=0)


def test_notes_are_stored_as_they_were_given(store: SqlcipherSecretStore) -> None:
    change(store, add("a", 1))
    assert info(store).notes == Notes()
    change(store, lambda writer: writer.set_notes("a", NOTES), by=ALICE)
    assert info(store).notes == NOTES
    assert info(store).updated == ALICE
    assert info(store).rotate_due_time == NOW + timedelta(days=30)
    change(store, lambda writer: writer.set_notes("a", Notes()))
    assert info(store).notes == Notes()
    assert info(store).rotate_due_time is None


def test_every_change_is_told_in_order_with_its_author(store: SqlcipherSecretStore) -> None:
    change(store, add("a", 1), add("b", 7), by=ALICE)
    change(store, add("a", 2), activate("a", 2))
    change(store, lambda writer: writer.set_notes("a", NOTES))
    change(store, lambda writer: writer.delete_version("a", 1))
    change(store, lambda writer: writer.delete_secret("a"))
    assert list(map(short, changes(store))) == [
        (1, "version-added", "a", 1, False),
        (1, "activated", "a", 1, False),
        (1, "version-added", "b", 7, False),
        (1, "activated", "b", 7, True),
        (2, "version-added", "a", 2, False),
        (2, "activated", "a", 2, True),
        (3, "updated", "a", 0, True),
        (4, "version-deleted", "a", 1, True),
        (5, "deleted", "a", 0, True),
    ]
    assert changes(store)[0].author == ALICE
    assert changes(store)[-1].author == ROOT


def test_changes_come_in_whole_revisions(store: SqlcipherSecretStore) -> None:
    change(store, add("a", 1))
    change(store, *(add(f"b{number}", 1) for number in range(5)))
    change(store, activate("a", 1))
    assert [c.revision for c in changes(store, after=0, limit=1)] == [1, 1]
    assert [c.revision for c in changes(store, after=0, limit=4)] == [1, 1]
    assert [c.revision for c in changes(store, after=1, limit=1)] == [2] * 10
    assert [c.revision for c in changes(store, after=0, limit=12)] == [1] * 2 + [2] * 10
    assert [c.revision for c in changes(store, after=0, limit=13)] == [1] * 2 + [2] * 10 + [3]
    assert changes(store, after=3) == []


def test_a_revision_that_the_store_never_had_is_not_gone_on_from(
    store: SqlcipherSecretStore,
) -> None:
    change(store, add("a", 1))
    with store.reading() as view:
        assert view.changes(after=2, limit=1) is None


def test_the_oldest_changes_are_forgotten_whole_and_never_too_many(
    store: SqlcipherSecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlcipher_writer, "CHANGES_KEPT", 20)
    monkeypatch.setattr(sqlcipher_writer, "_PRUNED_EVERY", 3)
    for number in range(1, 41):
        change(store, add("a", number), activate("a", number))
        with store.reading() as view:
            (kept_after,) = view._execute("SELECT kept_after FROM revision").fetchone()
            kept = view.changes(after=kept_after, limit=1000)
            assert kept is not None
            assert kept_after == 0 or 20 <= len(kept) <= 26
            assert {c.revision for c in kept} == set(range(kept_after + 1, number + 1))
            if kept_after:
                assert view.changes(after=kept_after - 1, limit=1) is None


def test_changes_are_forgotten_also_where_every_second_commit_changes_no_secret(
    store: SqlcipherSecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlcipher_writer, "CHANGES_KEPT", 20)
    monkeypatch.setattr(sqlcipher_writer, "_PRUNED_EVERY", 10)  # the revision of a second one
    for number in range(1, 61):
        change(store, add("a", number))
        change(store, lambda writer: writer.set_recovery_recipients(["age1x"]))
    with store.reading() as view:
        (kept,) = view._execute("SELECT count(*) FROM change").fetchone()
        assert kept == 20
        assert view.revision() == 120


@pytest.mark.parametrize(
    "step",
    [
        lambda writer: writer.replace_bindings("notes", [Binding("w.service", "c", "a")]),
        lambda writer: writer.add_token(CI),
        lambda writer: writer.set_recovery_recipients(["age1x"]),
    ],
)
def test_every_change_to_the_store_gives_it_a_revision(
    store: SqlcipherSecretStore, step: Callable[[SqlcipherWriter], None]
) -> None:
    change(store, add("a", 1))
    change(store, step)
    with store.reading() as view:
        assert view.revision() == 2
        assert view.changes(after=1, limit=10) == []
    assert store.wait(after=1, timeout=0)
    change(store, add("a", 2))
    assert [c.revision for c in changes(store, after=1)] == [3]


def test_what_changes_nothing_gives_no_revision(store: SqlcipherSecretStore) -> None:
    binding = Binding("w.service", "c", "a")
    change(store, lambda writer: writer.replace_bindings("notes", [binding]))
    change(store, lambda writer: writer.replace_bindings("notes", [binding]))
    change(store, lambda writer: writer.delete_token("absent"))
    with store.reading() as view:
        assert view.revision() == 1


def test_tokens_are_kept_by_name(store: SqlcipherSecretStore) -> None:
    laptop = replace(CI, name="a-laptop", digest=b"2" * 32, grants=(), expire_time=NOW)
    change(store, lambda writer: writer.add_token(CI), lambda writer: writer.add_token(laptop))
    with store.writing(ROOT) as writer:
        assert writer.tokens() == [laptop, CI]
        assert writer.delete_token("ci")
        assert not writer.delete_token("ci")
        assert writer.tokens() == [laptop]


def test_recovery_recipients_stay_in_their_order(store: SqlcipherSecretStore) -> None:
    change(store, lambda writer: writer.set_recovery_recipients(["age1b", "age1a"]))
    with store.reading() as view:
        assert view.recovery_recipients() == ("age1b", "age1a")
    change(store, lambda writer: writer.set_recovery_recipients(()))
    with store.reading() as view:
        assert view.recovery_recipients() == ()


@pytest.fixture
def full(store: SqlcipherSecretStore) -> Contents:
    """Fill the store and return what it holds."""
    change(store, add("a", 1, b"one"), add("a", 2, b""), add("a", 5, b"five"), activate("a", 2))
    change(store, lambda writer: writer.set_notes("a", NOTES), add("b", 1), by=ALICE)
    change(store, lambda writer: writer.delete_version("a", 5))
    change(store, lambda writer: writer.add_token(CI))
    change(store, lambda writer: writer.set_recovery_recipients(["age1x"]))
    change(store, lambda writer: writer.replace_bindings("n", [Binding("w.service", "c", "a")]))
    with store.reading() as view:
        return view.contents()


def test_contents_are_all_there_is_but_bindings(
    store: SqlcipherSecretStore, full: Contents, tmp_path: Path
) -> None:
    other = SqlcipherSecretStore(path=tmp_path / "other.db", key=KEY)
    change(other, add("z", 1), lambda writer: writer.add_token(replace(CI, name="z")))
    change(other, lambda writer: writer.replace_contents(full))
    with other.reading() as view:
        restored = view.contents()
        assert replace(restored, revision=full.revision) == full
        assert view.find("a", 2) == Found(2, SecretValue(b""))
        assert view.find("a", 5) == Found(5, None)
        assert view.was_used("a", 5)
        assert view.numbers("a") == Numbers(active=2, latest=5, previous=1)
        assert view.find("z", 0) is None
        assert view.bindings() == []
    for name in ("a", "b"):
        before, after = info(store, name), info(other, name)
        assert replace(after, revision=before.revision, units=before.units) == before
    other.close()


def test_replacing_the_contents_leaves_no_revision_to_go_on_from(
    store: SqlcipherSecretStore, full: Contents
) -> None:
    change(store, add("c", 1))
    change(store, lambda writer: writer.replace_contents(replace(full, revision=40)))
    with store.reading() as view:
        assert view.revision() == 41
        assert {i.revision for i in view.infos()} == {41}
        for earlier in range(41):
            assert view.changes(after=earlier, limit=1) is None
        assert view.changes(after=41, limit=1) == []
        assert len(view.bindings()) == 1
    change(store, lambda writer: writer.replace_contents(full))
    with store.reading() as view:
        assert view.revision() == 42
    change(store, add("c", 1))
    assert [c.revision for c in changes(store, after=42)] == [43, 43]


def test_the_versions_of_a_secret_are_its_own(store: SqlcipherSecretStore) -> None:
    edges = (1, MAX_VERSION)
    for name in "abc":
        change(store, *(add(name, number, f"{name}{number}".encode()) for number in edges))
    change(store, lambda writer: writer.delete_version("b", MAX_VERSION))
    with store.reading() as view:
        assert [v.number for v in view.infos()[0].versions] == list(edges)
        assert [[v.number for v in info(store, name).versions] for name in "abc"] == [
            list(edges),
            [1],
            list(edges),
        ]
        numbers = Numbers(active=1, latest=MAX_VERSION, previous=0)
        assert view.latest("a") == Latest(numbers, SecretValue(b"a4294967295"))
        assert view.latest("b") == Latest(numbers, None)
        assert view.latest("d") is None
    change(store, lambda writer: writer.delete_secret("b"))
    change(store, add("d", 1))
    with store.reading() as view:
        assert view.find("b", 1) is None
        assert view.find("d", MAX_VERSION) == Found(MAX_VERSION, None)
        for name in "ac":
            for number in edges:
                value = SecretValue(f"{name}{number}".encode())
                assert view.find(name, number) == Found(number, value)


def test_a_put_writes_three_pages(store: SqlcipherSecretStore, tmp_path: Path) -> None:
    """Of the secret, its version and the change: each is encrypted and forced to the disk."""

    def written() -> int:
        return (tmp_path / "secrets.db-wal").stat().st_size // (4096 + 24)

    change(store, *(add(f"s{n}", 1) for n in range(1_000)))
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    change(store, add("s0", 2))  # the first one finds whether a page has to be split
    before = written()
    change(store, add("s0", 3))
    assert written() - before == 3


def steps_of(store: SqlcipherSecretStore, work: Callable[[], object]) -> int:
    """Return how many instructions the engine needs, on all its connections."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    for connection in store._all:
        connection.set_progress_handler(count, 1)
    work()
    for connection in store._all:
        connection.set_progress_handler(None, 1)
    return steps


def filled(directory: Path, count: int) -> SqlcipherSecretStore:
    """Return a store with so many secrets, each of which is bound to a unit of its own."""
    store = SqlcipherSecretStore(path=directory / f"{count}.db", key=KEY)
    for first in range(0, count, 10):  # the same changes at the beginning, however many follow
        change(store, *(add(f"s{n}", 1) for n in range(first, first + 10)))
        with store.writing(ROOT) as writer:
            for n in range(first, first + 10):
                writer.replace_bindings(f"n{n}", [Binding(f"u{n}.service", "c", f"s{n}")])
    return store


@pytest.fixture(scope="module")
def few_and_many(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[SqlcipherSecretStore, SqlcipherSecretStore]]:
    directory = tmp_path_factory.mktemp("stores")
    few, many = filled(directory, 10), filled(directory, 3_000)
    yield few, many
    few.close()
    many.close()


@pytest.mark.parametrize(
    "work",
    [
        lambda store: change(store, add("s5", 9), activate("s5", 9)),
        lambda store: change(store, add("new", 1)),
        lambda store: change(store, lambda writer: writer.set_notes("s5", NOTES)),
        lambda store: change(store, lambda writer: writer.delete_version("s5", 9)),
        lambda store: change(store, lambda writer: writer.delete_secret("s6")),
        lambda store: store.find("s5", 0),
        lambda store: info_alone(store, "s5"),
        lambda store: changes(store, after=0, limit=1),
        lambda store: bindings_of(store, "s5"),
    ],
)
def test_no_request_about_one_secret_costs_more_when_thousands_are_stored(
    few_and_many: tuple[SqlcipherSecretStore, SqlcipherSecretStore],
    work: Callable[[SqlcipherSecretStore], object],
) -> None:
    few, many = (steps_of(store, partial(work, store)) for store in few_and_many)
    assert many <= 1.2 * few


def info_alone(store: SqlcipherSecretStore, name: str) -> None:
    with store.reading() as view:
        assert view.info(name)


def bindings_of(store: SqlcipherSecretStore, secret: str) -> None:
    with store.reading() as view:
        view.bindings(secret=secret)
