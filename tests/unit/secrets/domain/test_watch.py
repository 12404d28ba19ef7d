import threading
from collections.abc import Generator, Iterator, Sequence

import pytest
from leger_runtime.errors import LegerError
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.audit import Action
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.changes import Change
from leger_secrets.domain.errors import AuditUnavailable, InvalidName, StoreSealed
from leger_secrets.domain.grants import Authorizer, Grant, Permission, Rule
from leger_secrets.domain.notes import NoteKeeper, NotesAsked
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Author
from leger_secrets.domain.value import SecretValue
from leger_secrets.domain.watch import RevisionGone, Watches
from leger_secrets.domain.watch_slots import LIMIT, TooManyWatches, WatchEnded, WatchSlots
from unit.secrets.fakes import ME, AuditEntries, Clock


@pytest.fixture
def waits(store: SqlcipherSecretStore, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as somebody waits for a change of the store."""
    begun, wait = threading.Event(), store.wait

    def announced(*, after: int, timeout: float) -> bool:
        begun.set()
        return wait(after=after, timeout=timeout)

    monkeypatch.setattr(store, "wait", announced)
    return begun


class Watcher:
    """A client that leaves as soon as it has to wait."""

    def __init__(self) -> None:
        self.here = True

    def is_active(self) -> bool:
        return self.here

    def cancel(self) -> None:
        self.here = False


def put(secrets: Secrets, name: str, value: bytes, *, activate: bool = False) -> None:
    secrets.put(name, SecretValue(value), activate=activate, by=ME)


def begin(
    watches: Watches,
    after: int = 0,
    patterns: Sequence[str] = (),
    *,
    by: Caller = ME,
    client: Watcher | None = None,
) -> Generator[Change, None, None]:
    for changes in watches.watch(after=after, patterns=patterns, by=by, client=client or Watcher()):
        yield from changes


def take(watch: Iterator[Change], count: int) -> list[tuple[int, str, str, int, bool]]:
    changes = [next(watch) for _ in range(count)]
    return [(c.revision, c.kind, c.secret, c.version, c.last) for c in changes]


def test_every_change_is_told_in_order(
    secrets: Secrets, notes: NoteKeeper, watches: Watches
) -> None:
    put(secrets, "a", b"one")
    put(secrets, "a", b"two", activate=True)
    notes.update("a", NotesAsked(labels={}, description="x"), mask=["description"], by=ME)
    watch = begin(watches)
    assert take(watch, 5) == [
        (1, "version-added", "a", 1, False),
        (1, "activated", "a", 1, True),
        (2, "version-added", "a", 2, False),
        (2, "activated", "a", 2, True),
        (3, "updated", "a", 0, True),
    ]
    secrets.delete_version("a", 1, by=ME)
    secrets.delete("a", force=False, by=ME)
    assert take(watch, 2) == [
        (4, "version-deleted", "a", 1, True),
        (5, "deleted", "a", 0, True),
    ]


def test_a_watch_goes_on_from_the_revision_of_a_list(secrets: Secrets, watches: Watches) -> None:
    put(secrets, "a", b"one")
    _, revision = secrets.list_secrets(by=ME)
    watch = begin(watches, after=revision)
    put(secrets, "b", b"one")
    assert take(watch, 1) == [(2, "version-added", "b", 1, False)]


def test_a_change_that_is_made_while_the_watch_waits_is_told(
    secrets: Secrets, watches: Watches, waits: threading.Event
) -> None:
    watch = begin(watches)
    told: list[object] = []
    waiting = threading.Thread(target=lambda: told.extend(take(watch, 1)))
    waiting.start()
    assert waits.wait(30)
    put(secrets, "a", b"one")
    waiting.join(timeout=30)
    assert told == [(1, "version-added", "a", 1, False)]


def test_only_secrets_that_match_a_pattern_are_told(secrets: Secrets, watches: Watches) -> None:
    with_patterns = begin(watches, patterns=["prod/*", "a"])
    for name in ("a", "dev/x", "ab", "prod/x/y"):
        put(secrets, name, b"one")
    assert [name for _, _, name, _, _ in take(with_patterns, 4)] == [
        "a",
        "a",
        "prod/x/y",
        "prod/x/y",
    ]


class Rules:
    def __init__(self) -> None:
        self.secrets: tuple[str, ...] = ("mine",)

    def rules(self) -> list[Rule]:
        grant = Grant(actions=frozenset({Permission.INFO}), secrets=self.secrets)
        return [Rule(source="test", number=1, principals=("token:ci",), grant=grant)]


def test_only_what_the_caller_may_see_at_that_moment_is_told(
    secrets: Secrets, store: SqlcipherSecretStore, audit: AuditEntries, slots: WatchSlots
) -> None:
    rules = Rules()
    watches = Watches(store=store, audit=audit, grants=Authorizer(rules), slots=slots)
    watch = begin(watches, by=Caller("token:ci"))
    put(secrets, "other", b"one")
    put(secrets, "mine", b"one")
    assert [name for _, _, name, _, _ in take(watch, 2)] == ["mine", "mine"]
    rules.secrets = ("other",)
    put(secrets, "mine", b"two")
    put(secrets, "other", b"two")
    assert [name for _, _, name, _, _ in take(watch, 1)] == ["other"]


def test_the_last_change_told_of_a_revision_is_marked_when_others_are_left_out(
    store: SqlcipherSecretStore, watches: Watches, clock: Clock
) -> None:
    with store.writing(Author("operator:root", clock())) as writer:
        writer.add_version("a", 1, SecretValue(b"one"))
        writer.add_version("b", 1, SecretValue(b"one"))
    assert [last for *_, last in take(begin(watches, patterns=["a"]), 2)] == [False, True]


def test_a_commit_that_changes_no_secret_tells_nothing_and_is_passed_over(
    store: SqlcipherSecretStore, secrets: Secrets, watches: Watches, clock: Clock
) -> None:
    watch = begin(watches)
    with store.writing(Author("operator:root", clock())) as writer:
        writer.set_recovery_recipients(["age1x"])
    put(secrets, "a", b"one")
    assert take(watch, 1) == [(2, "version-added", "a", 1, False)]


def test_the_beginning_of_a_watch_is_audited_once(
    secrets: Secrets, watches: Watches, audit: AuditEntries
) -> None:
    put(secrets, "a", b"one")
    audit.entries.clear()
    take(begin(watches, patterns=["a", "b/*"]), 2)
    [entry] = audit.entries
    assert (entry.by, entry.action, entry.outcome) == (ME, Action.WATCH, "allowed")
    assert entry.detail == "a b/*"


def test_without_a_line_nothing_is_told(
    secrets: Secrets, watches: Watches, audit: AuditEntries
) -> None:
    put(secrets, "a", b"one")
    audit.full = True
    with pytest.raises(AuditUnavailable):
        next(begin(watches))


@pytest.mark.parametrize("pattern", ["", "a\n", "x" * 256])
def test_a_pattern_that_no_name_can_match_is_refused(
    watches: Watches, audit: AuditEntries, pattern: str
) -> None:
    with pytest.raises(InvalidName) as caught:
        next(begin(watches, patterns=["a", pattern]))
    assert [v.field for v in caught.value.violations] == ["patterns[1]"]
    assert audit.last.outcome == "INVALID_NAME"


def test_more_patterns_than_a_request_takes_are_refused(watches: Watches) -> None:
    with pytest.raises(InvalidName):
        next(begin(watches, patterns=["a"] * 1001))


def test_a_revision_that_the_store_never_had_is_gone(
    secrets: Secrets, watches: Watches, audit: AuditEntries
) -> None:
    put(secrets, "a", b"one")
    with pytest.raises(RevisionGone):
        next(begin(watches, after=2))
    assert audit.last.outcome == "REVISION_GONE"


def replace_the_store(store: SqlcipherSecretStore) -> None:
    with store.writing(Author("operator:root", Clock()())) as writer:
        writer.replace_contents(writer.contents())


def test_a_watch_ends_when_the_store_is_replaced(
    secrets: Secrets, store: SqlcipherSecretStore, watches: Watches
) -> None:
    put(secrets, "a", b"one")
    watch = begin(watches)
    take(watch, 2)
    replace_the_store(store)
    with pytest.raises(WatchEnded, match="replaced"):
        next(watch)
    with pytest.raises(RevisionGone):
        next(begin(watches, after=1))


def test_a_watch_ends_when_the_store_is_sealed(
    secrets: Secrets, store: SqlcipherSecretStore, watches: Watches, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(secrets, "a", b"one")
    watch = begin(watches)
    take(watch, 2)

    def sealed(**_: object) -> bool:
        raise StoreSealed("Somebody sealed it.")

    monkeypatch.setattr(store, "wait", sealed)
    with pytest.raises(WatchEnded, match="sealed"):
        next(watch)


def test_a_watch_ends_when_the_service_stops(
    watches: Watches, slots: WatchSlots, waits: threading.Event
) -> None:
    watch = begin(watches)
    ended: list[LegerError] = []

    def wait() -> None:
        try:
            next(watch)
        except LegerError as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert waits.wait(30)
    slots.end()
    waiting.join(timeout=30)
    assert [error.reason for error in ended] == ["WATCH_ENDED"]
    with pytest.raises(WatchEnded):
        next(begin(watches))


def test_a_watch_whose_client_has_gone_ends_and_frees_its_slot(
    secrets: Secrets, watches: Watches
) -> None:
    put(secrets, "a", b"one")
    for _ in range(LIMIT + 1):
        client = Watcher()
        watch = begin(watches, client=client)
        take(watch, 2)
        client.here = False
        assert list(watch) == []


def test_one_watch_more_than_there_can_be_is_refused(
    secrets: Secrets, watches: Watches, audit: AuditEntries
) -> None:
    put(secrets, "a", b"one")
    running = [begin(watches) for _ in range(LIMIT)]
    for watch in running:
        take(watch, 1)
    with pytest.raises(TooManyWatches):
        next(begin(watches))
    assert audit.last.outcome == "TOO_MANY_WATCHES"
    running.pop().close()
    take(begin(watches), 1)
