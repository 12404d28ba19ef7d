import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from leger_runtime.errors import Kind, LegerError
from leger_secrets.adapters import sqlcipher
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.schema import StoreTooNew
from leger_secrets.adapters.sqlcipher import StoreKeyWrong
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.errors import StoreUnavailable
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.store import Binding, Found, Version
from leger_secrets.domain.value import SecretValue
from unit.secrets.disks import small_disk
from unit.secrets.fakes import KEY, AuditEntries, Clock

CANARY = b"correct-horse-battery-staple"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlcipherSecretStore]:
    store = SqlcipherSecretStore(path=path, key=KEY)
    yield store
    store.close()


def add(store: SqlcipherSecretStore, name: str, number: int, value: bytes) -> None:
    version = Version(number=number, create_time=NOW, created_by="operator:root")
    with store.writing() as writer:
        writer.add_version(name, version, SecretValue(value))


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

    assert setting("user_version") == 1
    assert setting("journal_mode") == "wal"
    assert setting("synchronous") == 2
    assert setting("foreign_keys") == 1
    assert setting("secure_delete") == 1
    assert setting("temp_store") == 2
    assert setting("cipher_memory_security") == "1"


def test_a_view_that_is_left_by_an_error_changes_nothing(store: SqlcipherSecretStore) -> None:
    add(store, "a", 1, b"one")
    with suppress(LookupError), store.writing() as writer:
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


def test_many_threads_read_and_write_at_once(store: SqlcipherSecretStore) -> None:
    secrets = Secrets(store=store, audit=AuditEntries(), clock=Clock())
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for value in range(20):
                text = f"{number}-{value}".encode()
                secrets.put("shared", SecretValue(text), activate=True, by="operator:root")
                secrets.get("shared", by="operator:root")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    versions = secrets.info("shared", by="operator:root").versions
    assert [version.number for version in versions] == list(range(1, 161))


def test_a_deleted_value_is_gone_from_the_decrypted_pages(
    store: SqlcipherSecretStore, path: Path
) -> None:
    secrets = Secrets(store=store, audit=AuditEntries(), clock=Clock())
    secrets.put("a", SecretValue(b"a value that stays"), activate=False, by="me")
    secrets.put("a", SecretValue(CANARY), activate=False, by="me")
    secrets.put("b", SecretValue(CANARY * 1000), activate=False, by="me")
    secrets.delete_version("a", 2, by="me")
    secrets.delete("b", force=False, by="me")
    store.close()
    pages = decrypted(path.read_bytes())
    assert b"a value that stays" in pages
    assert CANARY not in pages


def decrypted(content: bytes) -> bytes:
    """Decrypt each page as zetetic.net/sqlcipher/design lays it out: data, then IV and HMAC."""
    size, reserved, iv_size, salt_size = 4096, 80, 16, 16
    pages = []
    for start in range(0, len(content), size):
        page = content[start : start + size]
        iv = page[size - reserved :][:iv_size]
        data = page[salt_size if start == 0 else 0 : size - reserved]
        command = ["openssl", "enc", "-d", "-aes-256-cbc", "-nopad"]
        command += ["-K", KEY.hex(), "-iv", iv.hex()]
        pages.append(subprocess.run(command, input=data, capture_output=True, check=True).stdout)
    return b"".join(pages)


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
    assert caught.value.reason in ("STORE_KEY_WRONG", "STORE_UNAVAILABLE")


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
        secrets = Secrets(store=store, audit=audit, clock=Clock())
        secrets.put("a", SecretValue(b"one"), activate=False, by="me")
        disk.fill()
        for _ in range(3):
            with pytest.raises(StoreUnavailable) as caught:
                secrets.put("a", SecretValue(os.urandom(200_000)), activate=True, by="me")
            assert caught.value.kind is Kind.UNAVAILABLE
            assert caught.value.why == "No space left on device."
        assert secrets.get("a", by="me").value == SecretValue(b"one")
        assert len(secrets.info("a", by="me").versions) == 1
        disk.free()
        assert secrets.put("a", SecretValue(b"two"), activate=True, by="me").version == 2
        store.close()
    audit.close()
    # The commit fails after its line: a second line says so.
    outcomes = re.findall(
        r'"action":"put",.*?"outcome":"(\w+)"', (tmp_path / "audit.log").read_text()
    )
    assert outcomes == ["allowed", *["allowed", "STORE_UNAVAILABLE"] * 3, "allowed"]
