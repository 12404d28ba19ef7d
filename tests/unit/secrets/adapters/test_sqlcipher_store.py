import os
import re
import shutil
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from leger_runtime.errors import Kind, LegerError
from leger_secrets.adapters import schema, sqlcipher
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.schema import StoreTooNew
from leger_secrets.adapters.sqlcipher_reader import SqlcipherReader
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore, StoreClosed
from leger_secrets.domain.errors import StoreUnavailable
from leger_secrets.domain.grants import Authorizer
from leger_secrets.domain.sealing_errors import StoreKeyWrong
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Author, Binding, Found
from leger_secrets.domain.value import SecretValue
from sqlcipher3 import dbapi2
from unit.secrets.disks import small_disk
from unit.secrets.fakes import KEY, ME, AuditEntries, Clock
from unit.secrets.pages import decrypted

CANARY = b"correct-horse-battery-staple"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
AUTHOR = Author("operator:root", NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlcipherSecretStore]:
    store = SqlcipherSecretStore(path=path, key=KEY)
    yield store
    store.close()


def add(store: SqlcipherSecretStore, name: str, number: int, value: bytes) -> None:
    with store.writing(AUTHOR) as writer:
        writer.add_version(name, number, SecretValue(value))


def test_what_was_stored_is_there_after_opening_again(
    store: SqlcipherSecretStore, path: Path
) -> None:
    add(store, "a", 1, CANARY)
    store.close()
    again = SqlcipherSecretStore(path=path, key=KEY)
    assert again.find("a", 0) == Found(1, SecretValue(CANARY))
    with again.reading() as reader:
        info = reader.info("a")
    assert info is not None
    assert info.versions[0].create_time == NOW
    again.close()


def test_the_file_shows_neither_values_nor_names(store: SqlcipherSecretStore, path: Path) -> None:
    add(store, "name-of-a-secret", 1, CANARY)
    files = list(path.parent.iterdir())
    assert {file.name for file in files} >= {"secrets.db", "secrets.db-wal"}
    for file in files:
        content = file.read_bytes()
        assert CANARY not in content
        assert b"name-of-a-secret" not in content
        assert b"SQLite format" not in content


def test_another_key_is_refused_without_showing_either(
    store: SqlcipherSecretStore, path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = bytes(32)
    with pytest.raises(StoreKeyWrong) as caught:
        SqlcipherSecretStore(path=path, key=other)
    error = caught.value
    assert error.kind is Kind.CONFLICT
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert other.hex() not in f"{error} {error.next_step}"
    assert capfd.readouterr().err == ""  # SQLCipher's own log is off


def test_the_key_is_in_no_statement_that_the_connection_keeps(path: Path) -> None:
    seen: list[str] = []
    connection = sqlcipher.connect(path, KEY, writable=True)
    connection.set_trace_callback(seen.append)
    connection.execute("SELECT 1")
    assert KEY.hex() not in "".join(seen)
    connection.close()


def test_a_file_of_a_newer_leger_is_refused(store: SqlcipherSecretStore, path: Path) -> None:
    store._writer.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew, match="cannot be used by this leger") as caught:
        SqlcipherSecretStore(path=path, key=KEY)
    assert caught.value.kind is Kind.CONFLICT
    assert "99" in caught.value.why


def test_a_file_is_made_with_the_newest_schema_and_safe_settings(
    store: SqlcipherSecretStore,
) -> None:
    def setting(name: str) -> object:
        return store._writer.execute(f"PRAGMA {name}").fetchone()[0]

    assert setting("user_version") == schema.VERSION
    assert setting("journal_mode") == "wal"
    assert setting("synchronous") == 2
    assert setting("secure_delete") == 1
    assert setting("temp_store") == 2


def test_a_view_that_is_left_by_an_error_changes_nothing(store: SqlcipherSecretStore) -> None:
    add(store, "a", 1, b"one")
    with suppress(LookupError), store.writing(AUTHOR) as writer:
        writer.delete_secret("a")
        writer.replace_bindings("notes", [Binding("web.service", "a", "a")])
        raise LookupError
    with store.reading() as reader:
        assert reader.find("a", 0) == Found(1, SecretValue(b"one"))
        assert reader.bindings() == []
        assert reader.revision() == 1


def test_a_reading_view_is_of_one_moment(store: SqlcipherSecretStore) -> None:
    add(store, "a", 1, b"one")
    with store.reading() as reader:
        before = reader.revision()
        add(store, "a", 2, b"two")
        assert reader.revision() == before
        assert reader.find("a", 2) == Found(2, None)


def test_a_reading_view_cannot_write(store: SqlcipherSecretStore) -> None:
    with pytest.raises(StoreUnavailable), store.reading() as reader:
        reader._execute("DELETE FROM secret")


def test_what_was_found_before_a_commit_is_not_found_after_it(
    store: SqlcipherSecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, "a", 1, b"old")
    assert store.find("a", 0) == store.find("a", 0) == Found(1, SecretValue(b"old"))
    with store.writing(AUTHOR) as writer:
        writer.add_version("a", 2, SecretValue(b"new"))
        writer.activate("a", 2)
        assert store.find("a", 0) == Found(1, SecretValue(b"old"))
    assert store.find("a", 0) == Found(2, SecretValue(b"new"))
    find = SqlcipherReader.find

    def overtaken(view: SqlcipherReader, name: str, version: int) -> Found | None:
        found = find(view, name, version)
        monkeypatch.undo()
        with store.writing(AUTHOR) as writer:
            writer.delete_version("a", 1)
        return found

    monkeypatch.setattr(SqlcipherReader, "find", overtaken)
    assert store.find("a", 1) == Found(1, SecretValue(b"old"))
    assert store.find("a", 1) == Found(1, None)


def test_a_closed_store_finds_nothing_that_it_found_before(store: SqlcipherSecretStore) -> None:
    add(store, "a", 1, b"x")
    store.find("a", 0)
    store.close()
    with pytest.raises(StoreClosed):
        store.find("a", 0)


def test_only_so_many_short_values_are_kept_in_memory(store: SqlcipherSecretStore) -> None:
    with store.writing(AUTHOR) as writer:
        for number in range(2_000):
            writer.add_version(f"short/{number}", 1, SecretValue(bytes(3_000)))
        for number in range(20):
            writer.add_version(f"long/{number}", 1, SecretValue(bytes(200_000)))
    tracemalloc.start()
    try:
        for name in (*(f"short/{n}" for n in range(2_000)), *(f"long/{n}" for n in range(20))):
            assert store.find(name, 0)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_500_000


def test_a_wait_ends_as_soon_as_something_is_changed(store: SqlcipherSecretStore) -> None:
    add(store, "a", 1, b"one")
    assert store.wait(after=0, timeout=0)
    assert not store.wait(after=1, timeout=0)
    waiting = threading.Thread(target=add, args=[store, "a", 2, b"two"])
    waiting.start()
    assert store.wait(after=1, timeout=20)
    waiting.join()
    assert not store.wait(after=2, timeout=0)


def test_a_wait_ends_when_the_store_is_closed(store: SqlcipherSecretStore) -> None:
    ended: list[bool] = []
    waiting = threading.Thread(target=lambda: ended.append(store.wait(after=0, timeout=20)))
    waiting.start()
    store.close()
    waiting.join(timeout=10)
    assert ended == [False]


def test_many_threads_read_and_write_at_once(store: SqlcipherSecretStore) -> None:
    secrets = Secrets(store=store, audit=AuditEntries(), grants=Authorizer(), clock=Clock())
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for value in range(20):
                text = f"{number}-{value}".encode()
                secrets.put("shared", SecretValue(text), activate=True, by=ME)
                secrets.get("shared", by=ME)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    versions = secrets.info("shared", by=ME).versions
    assert [version.number for version in versions] == list(range(1, 161))


@pytest.fixture
def secrets(store: SqlcipherSecretStore) -> Secrets:
    secrets = Secrets(store=store, audit=AuditEntries(), grants=Authorizer(), clock=Clock())
    for value in (b"a value that stays", CANARY, CANARY * 1000):
        secrets.put("a", SecretValue(value), activate=False, by=ME)
    secrets.put("b", SecretValue(CANARY), activate=False, by=ME)
    return secrets


def delete_both(secrets: Secrets, store: SqlcipherSecretStore) -> None:
    secrets.delete_version("a", 2, by=ME)
    secrets.delete_version("a", 3, by=ME)
    secrets.delete("b", force=False, by=ME)


def replace_all(secrets: Secrets, store: SqlcipherSecretStore) -> None:
    secrets.put("b", SecretValue(b"a value that stays"), activate=True, by=ME)
    secrets.delete_version("b", 1, by=ME)
    secrets.delete("a", force=False, by=ME)
    with store.reading() as view:
        contents = view.contents()
    secrets.put("c", SecretValue(CANARY * 1000), activate=True, by=ME)
    with store.writing(AUTHOR) as writer:
        writer.replace_contents(contents)


@pytest.mark.parametrize("take_away", [delete_both, replace_all])
def test_a_deleted_value_is_gone_from_every_page_of_the_file_and_its_log(
    secrets: Secrets,
    store: SqlcipherSecretStore,
    path: Path,
    take_away: Callable[[Secrets, SqlcipherSecretStore], None],
) -> None:
    assert CANARY in decrypted(path, KEY)
    take_away(secrets, store)
    pages = decrypted(path, KEY)
    assert b"a value that stays" in pages
    assert CANARY not in pages
    store.close()
    assert CANARY not in decrypted(path, KEY)


def test_a_deleted_value_is_gone_once_the_view_that_still_sees_it_is_closed(
    secrets: Secrets, store: SqlcipherSecretStore, path: Path
) -> None:
    with store.reading() as view:
        assert view.find("b", 0) == Found(1, SecretValue(CANARY))
        delete_both(secrets, store)
        assert view.find("b", 0) == Found(1, SecretValue(CANARY))
    assert CANARY not in decrypted(path, KEY)


def test_nobody_is_held_up_for_a_deleted_value_as_long_as_a_view_keeps_it(
    secrets: Secrets, store: SqlcipherSecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[bool] = []

    def truncate_log(connection: dbapi2.Connection) -> bool:
        attempts.append(original(connection))
        return attempts[-1]

    original = sqlcipher.truncate_log
    with store.reading() as view:
        view.revision()
        secrets.delete("b", force=False, by=ME)
        monkeypatch.setattr(sqlcipher, "truncate_log", truncate_log)
        secrets.put("a", SecretValue(b"a value that stays"), activate=True, by=ME)
        secrets.info("a", by=ME)
        assert attempts == []
    assert attempts == [True]
    secrets.info("a", by=ME)
    assert attempts == [True]


def test_a_deleted_value_that_a_killed_service_left_is_gone_after_opening(
    secrets: Secrets, store: SqlcipherSecretStore, path: Path, tmp_path: Path
) -> None:
    with store.reading() as view:  # keeps the log, as being killed right after the commit does
        view.revision()
        delete_both(secrets, store)
        left = tmp_path / "left.db"
        shutil.copy(path, left)
        shutil.copy(f"{path}-wal", f"{left}-wal")
    assert CANARY in decrypted(left, KEY)
    again = SqlcipherSecretStore(path=left, key=KEY)
    assert CANARY not in decrypted(left, KEY)
    again.close()


@pytest.mark.parametrize("place", [100, 4096 + 100, -100])
def test_a_damaged_file_is_refused_not_misread(
    store: SqlcipherSecretStore, path: Path, place: int
) -> None:
    for number in range(1, 9):
        add(store, "a", number, CANARY * 20)
    store.close()
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(LegerError) as caught:
        read_everything(path)
    assert caught.value.reason in ("STORE_KEY_WRONG", "STORE_DAMAGED")


def read_everything(path: Path) -> None:
    store = SqlcipherSecretStore(path=path, key=KEY)
    try:
        with store.reading() as reader:
            reader.infos()
            reader.bindings()
            for number in range(1, 9):
                reader.find("a", number)
            # The pages that no query above needs.
            reader._execute("PRAGMA integrity_check").fetchall()
    finally:
        store.close()


def test_a_full_disk_changes_nothing_and_is_survived(tmp_path: Path) -> None:
    audit = AuditFile(path=tmp_path / "audit.log", clock=Clock())
    with small_disk(tmp_path / "disk") as disk:
        store = SqlcipherSecretStore(path=disk.path / "secrets.db", key=KEY)
        secrets = Secrets(store=store, audit=audit, grants=Authorizer(), clock=Clock())
        secrets.put("a", SecretValue(b"one"), activate=False, by=ME)
        disk.fill()
        for _ in range(3):
            with pytest.raises(StoreUnavailable) as caught:
                secrets.put("a", SecretValue(os.urandom(200_000)), activate=True, by=ME)
            assert caught.value.kind is Kind.UNAVAILABLE
            assert caught.value.why == "No space left on device."
        assert secrets.get("a", by=ME).value == SecretValue(b"one")
        assert len(secrets.info("a", by=ME).versions) == 1
        disk.free()
        assert secrets.put("a", SecretValue(b"two"), activate=True, by=ME).version == 2
        store.close()
    audit.close()
    # The commit fails after its line: a second line says so.
    outcomes = re.findall(
        r'"action":"put",.*?"outcome":"(\w+)"', (tmp_path / "audit.log").read_text()
    )
    assert outcomes == ["allowed", *["allowed", "STORE_UNAVAILABLE"] * 3, "allowed"]
