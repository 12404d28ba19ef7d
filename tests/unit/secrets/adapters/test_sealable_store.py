"""A store that is closed, opened and given another file while it is used."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from leger_runtime.errors import LegerError
from leger_secrets.adapters import sqlcipher
from leger_secrets.adapters.anchor import Anchor
from leger_secrets.adapters.key_wrapping import WrongKey, subkey
from leger_secrets.adapters.keyring import Keyring
from leger_secrets.adapters.sealable_store import SealableSecretStore
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.adapters.store_files import StoreFiles
from leger_secrets.adapters.store_seal import StoreSeal
from leger_secrets.domain.audit_errors import AuditLogBroken
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import StoreSealed, StoreUnavailable
from leger_secrets.domain.sealing import Unlock
from leger_secrets.domain.sealing_errors import StoreDamaged
from leger_secrets.domain.stored import Author, Found
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import KEY, ME, Clock
from waiting import wait_until

PASSPHRASE = b"correct horse battery staple"
AUTHOR = Author("operator:root", datetime(2026, 1, 1, tzinfo=UTC))
LINE = (3, "ab" * 32)


class Log:
    """An audit log that can be broken."""

    def __init__(self) -> None:
        self.anchor: Anchor | None = None
        self.broken = False
        self.begun_by: Caller | None = None

    def attach(self, anchor: Anchor) -> None:
        if self.broken:
            raise AuditLogBroken("audit.log", "Line 3 is missing.")
        self.anchor = anchor
        anchor.note_audit(*LINE)

    def detach(self) -> None:
        self.anchor = None

    def begin_anew(self, by: Caller) -> list[str]:
        if not self.broken:
            return []
        self.broken, self.begun_by = False, by
        return ["audit.log.broken"]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def files(tmp_path: Path, log: Log, clock: Clock) -> StoreFiles:
    return StoreFiles(directory=tmp_path, root_key=lambda: bytearray(KEY), audit=log, clock=clock)


@pytest.fixture
def told() -> list[LegerError | None]:
    """What is told of changes of the seal."""
    return []


@pytest.fixture
def sealed(files: StoreFiles, told: list[LegerError | None]) -> Iterator[SealableSecretStore]:
    store = SealableSecretStore(database=files.database, on_change=told.append)
    yield store
    store.close()


@pytest.fixture
def seal(sealed: SealableSecretStore, files: StoreFiles) -> StoreSeal:
    return StoreSeal(store=sealed, files=files)


def unseal(
    seal: StoreSeal, passphrase: bytes = b"", *, rollback: bool = False, begin: Caller | None = None
) -> list[str]:
    with seal.unsealing(
        SecretValue(passphrase), accept_rollback=rollback, begin_audit_log=begin
    ) as aside:
        return aside


@pytest.fixture
def opened(sealed: SealableSecretStore, seal: StoreSeal) -> SealableSecretStore:
    unseal(seal)
    return sealed


def add(store: SealableSecretStore, name: str, number: int = 1) -> None:
    with store.writing(AUTHOR) as view:
        view.add_version(name, number, SecretValue(f"{name}-{number}".encode()))


def value(store: SealableSecretStore, name: str) -> bytes:
    found = store.find(name, 0)
    assert found
    assert found.value
    return found.value.reveal()


def store_key(tmp_path: Path) -> bytes:
    keyring = Keyring.open(
        path=tmp_path / "keyring.json", root_key=lambda: bytearray(KEY), passphrase=b""
    )
    with keyring.keys() as [key]:
        return bytes(key.key)


def anchored(tmp_path: Path) -> int:
    """Return the generation that the anchor on the disk has."""
    own = subkey(store_key(tmp_path), purpose="leger anchor")
    anchor = Anchor(path=tmp_path / "anchor", keys=[own])
    anchor.close()
    return anchor.generation


def rekey(seal: StoreSeal, unlock: Unlock | None = None, passphrase: bytes = b"") -> int:
    with seal.rekeying(unlock, SecretValue(passphrase)) as pages:
        return pages


def background(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_every_method_of_a_sealed_store_says_why(
    sealed: SealableSecretStore, seal: StoreSeal
) -> None:
    seal.seal(StoreSealed("Not needed."))
    for use in (
        lambda: sealed.find("a", 0),
        lambda: sealed.reading().__enter__(),
        lambda: sealed.writing(AUTHOR).__enter__(),
        lambda: sealed.wait(after=0, timeout=5),
        sealed.recipient,
        sealed.identity,
        seal.facts,
        lambda: rekey(seal),
    ):
        with pytest.raises(StoreSealed):
            use()


def test_each_commit_is_noted_in_the_anchor_before_it_is_confirmed(
    opened: SealableSecretStore, tmp_path: Path
) -> None:
    for number in range(1, 4):
        add(opened, "a", number)
        assert anchored(tmp_path) == number


def test_what_is_undone_is_not_noted(opened: SealableSecretStore, tmp_path: Path) -> None:
    with contextlib.suppress(KeyError), opened.writing(AUTHOR) as view:
        view.add_version("a", 1, SecretValue(b"a"))
        raise KeyError
    assert anchored(tmp_path) == 0


def test_what_opens_and_closes_it_is_told(
    opened: SealableSecretStore, seal: StoreSeal, told: list[LegerError | None], log: Log
) -> None:
    assert told == [None]
    assert log.anchor
    cause = StoreSealed("Not needed.")
    seal.seal(cause)
    assert told == [None, cause]
    assert log.anchor is None
    assert seal.cause() is cause


def test_an_exception_while_it_is_unsealed_leaves_it_sealed(
    sealed: SealableSecretStore, seal: StoreSeal, log: Log
) -> None:
    with (
        pytest.raises(KeyError),
        seal.unsealing(SecretValue(b""), accept_rollback=False, begin_audit_log=None),
    ):
        raise KeyError
    assert seal.cause()
    assert log.anchor is None
    unseal(seal)
    assert seal.cause() is None


def test_sealing_waits_for_the_views_that_are_open(
    opened: SealableSecretStore, seal: StoreSeal
) -> None:
    add(opened, "a")
    with opened.reading() as view:
        sealing = background(lambda: seal.seal(StoreSealed("Now.")))
        wait_until(seal.cause)
        found = view.find("a", 0)  # it is still there for whoever has it
        assert found
        sealing.join(timeout=0.3)
        assert sealing.is_alive()
    sealing.join(timeout=30)
    assert not sealing.is_alive()


def test_it_is_closed_and_its_keys_forgotten_also_when_the_seal_cannot_be_told(
    files: StoreFiles, log: Log
) -> None:
    def untold(cause: LegerError | None) -> None:
        if cause:
            raise ConnectionRefusedError

    store = SealableSecretStore(database=files.database, on_change=untold)
    seal = StoreSeal(store=store, files=files)
    unseal(seal)
    opened = store.opened()
    with pytest.raises(ConnectionRefusedError):
        seal.seal(StoreSealed("Now."))
    assert isinstance(seal.cause(), StoreSealed)
    assert opened.store.closed
    assert log.anchor is None
    with pytest.raises(WrongKey):  # it was wiped
        opened.keyring.identity()


def test_a_wait_ends_when_it_is_sealed_and_not_when_it_is_rekeyed(
    opened: SealableSecretStore, seal: StoreSeal, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[object] = []
    begun, of_a_file = threading.Semaphore(0), SqlcipherSecretStore.wait

    def announced(self: SqlcipherSecretStore, *, after: int, timeout: float) -> bool:
        begun.release()
        return of_a_file(self, after=after, timeout=timeout)

    monkeypatch.setattr(SqlcipherSecretStore, "wait", announced)

    def wait() -> None:
        try:
            outcomes.append(opened.wait(after=0, timeout=60))
            outcomes.append(opened.wait(after=1, timeout=60))
        except StoreSealed:
            outcomes.append("sealed")

    waiting = background(wait)
    assert begun.acquire(timeout=30)
    rekey(seal)
    assert begun.acquire(timeout=30)  # of the new file
    assert outcomes == []
    add(opened, "a")
    assert begun.acquire(timeout=30)
    seal.seal(StoreSealed("Now."))
    waiting.join(timeout=30)
    assert outcomes == [True, "sealed"]


def test_a_wait_without_a_change_ends_in_time(opened: SealableSecretStore) -> None:
    assert not opened.wait(after=0, timeout=0.01)


def test_readers_go_on_while_it_is_rekeyed_and_writers_wait(
    opened: SealableSecretStore, seal: StoreSeal
) -> None:
    add(opened, "a")
    with seal.rekeying(None, SecretValue(b"")) as pages:
        assert pages > 1
        writing = background(lambda: add(opened, "b"))
        assert value(opened, "a") == b"a-1"
        writing.join(timeout=0.3)
        assert writing.is_alive()
        assert opened.find("b", 0) is None
    writing.join(timeout=30)
    assert value(opened, "b") == b"b-1"


def test_an_exception_while_it_is_rekeyed_undoes_it(
    opened: SealableSecretStore, seal: StoreSeal, tmp_path: Path
) -> None:
    add(opened, "a")
    before = (tmp_path / "secrets.db").read_bytes()
    with pytest.raises(KeyError), seal.rekeying(Unlock.PASSPHRASE, SecretValue(PASSPHRASE)):
        raise KeyError
    assert sorted(path.name for path in tmp_path.iterdir() if "rekeyed" in path.name) == []
    assert seal.unlock() is Unlock.ROOT_KEY
    add(opened, "b")
    assert value(opened, "b") == b"b-1"
    assert anchored(tmp_path) == 2
    assert (tmp_path / "secrets.db").read_bytes()[:16] == before[:16]  # its salt


def test_a_log_that_another_process_keeps_stops_the_exchange(
    opened: SealableSecretStore, seal: StoreSeal, tmp_path: Path
) -> None:
    """It would be taken for the log of the new file."""
    add(opened, "a")
    reader = sqlcipher.connect(tmp_path / "secrets.db", store_key(tmp_path), writable=False)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM secret").fetchone()
    with pytest.raises(StoreUnavailable) as caught:
        rekey(seal)
    assert caught.value.why == "Another process has the database open."
    reader.close()
    add(opened, "b")
    assert value(opened, "a") == b"a-1"
    rekey(seal)
    assert value(opened, "b") == b"b-1"


def test_the_identity_stays_the_same_over_a_rekey(
    opened: SealableSecretStore, seal: StoreSeal
) -> None:
    before = opened.recipient(), opened.identity()
    rekey(seal, Unlock.PASSPHRASE, PASSPHRASE)
    assert (opened.recipient(), opened.identity()) == before
    assert before[1].reveal().startswith(b"AGE-SECRET-KEY-1")


def test_a_passphrase_is_what_opens_it_from_then_on(
    opened: SealableSecretStore, seal: StoreSeal
) -> None:
    add(opened, "a")
    rekey(seal, Unlock.PASSPHRASE, PASSPHRASE)
    seal.seal(StoreSealed("Now."))
    with pytest.raises(LegerError) as caught:
        unseal(seal)
    assert caught.value.reason == "PASSPHRASE_NEEDED"
    assert seal.cause() is caught.value
    with pytest.raises(LegerError) as wrong:
        unseal(seal, b"another passphrase")
    assert wrong.value.reason == "PASSPHRASE_WRONG"
    assert seal.cause() is caught.value  # a wrong one is not why it is sealed
    unseal(seal, PASSPHRASE)
    assert value(opened, "a") == b"a-1"


def test_a_broken_audit_log_is_begun_anew_only_when_asked_to(
    sealed: SealableSecretStore, seal: StoreSeal, log: Log
) -> None:
    log.broken = True
    with pytest.raises(AuditLogBroken):
        unseal(seal)
    assert unseal(seal, begin=ME) == ["audit.log.broken"]
    assert log.begun_by is ME
    assert seal.cause() is None


def test_also_when_it_is_found_broken_while_the_store_is_open(
    opened: SealableSecretStore, seal: StoreSeal, log: Log
) -> None:
    log.broken = True
    assert unseal(seal, begin=ME) == ["audit.log.broken"]
    assert unseal(seal, begin=ME) == []


def test_what_the_disk_refuses_keeps_it_sealed_and_is_said(
    sealed: SealableSecretStore, seal: StoreSeal, tmp_path: Path
) -> None:
    (tmp_path / "keyring.json").mkdir()
    with pytest.raises(StoreUnavailable) as caught:
        unseal(seal)
    assert caught.value.why == f"{tmp_path}/keyring.json: Is a directory."


def test_facts_are_of_the_open_store(
    opened: SealableSecretStore, seal: StoreSeal, tmp_path: Path
) -> None:
    add(opened, "a")
    facts = seal.facts()
    assert (facts.revision, facts.secrets) == (1, 1)
    assert facts.size > (tmp_path / "secrets.db").stat().st_size
    before = facts.key_time
    rekey(seal)
    assert seal.facts().key_time > before


def test_a_view_that_read_a_damaged_page_ends_with_that_and_the_store_is_sealed(
    opened: SealableSecretStore, seal: StoreSeal, files: StoreFiles
) -> None:
    long = b"x" * 50_000
    with opened.writing(AUTHOR) as view:
        view.add_version("a", 1, SecretValue(long))
    seal.seal(StoreSealed("So that all of it is in the database."))
    whole = files.database.read_bytes()
    refusals = []
    for start in range(4096, len(whole), 4096):
        unseal(seal)
        content = bytearray(whole)
        content[start + 1000] ^= 1
        files.database.write_bytes(content)
        try:
            with opened.reading() as view:
                found = view.find("a", 1)
            assert found == Found(1, SecretValue(long))
        except StoreDamaged as damage:
            refusals.append(damage.what)
            wait_until(lambda: isinstance(seal.cause(), StoreDamaged))
        seal.seal(StoreSealed("Next."))
        files.database.write_bytes(whole)
    assert len(refusals) > 10
    assert set(refusals) == {f"{files.database} is damaged, and nothing of it is used."}
