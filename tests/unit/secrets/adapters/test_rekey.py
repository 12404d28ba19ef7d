"""A store is copied into a new file under another key."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from leger_secrets.adapters import rekey, schema, sqlcipher
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.sealing_errors import StoreDamaged, StoreKeyWrong
from leger_secrets.domain.stored import Author, Found
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import KEY

NEW_KEY = bytes(reversed(KEY))
AUTHOR = Author("operator:root", datetime(2026, 1, 1, tzinfo=UTC))


def copied(store: SqlcipherSecretStore, target: Path) -> int:
    with store.frozen() as source:
        return rekey.copy(source, target, NEW_KEY)


def test_the_copy_has_every_page_and_opens_with_the_new_key_alone(
    store: SqlcipherSecretStore, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    pages = copied(store, target)
    assert target.stat().st_size == pages * 4096
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    with pytest.raises(StoreKeyWrong):
        sqlcipher.connect(target, KEY, writable=False)
    connection = sqlcipher.connect(target, NEW_KEY, writable=False)
    try:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA cipher_integrity_check").fetchall() == []
    finally:
        connection.close()


def test_the_two_files_have_no_bytes_in_common(store: SqlcipherSecretStore, tmp_path: Path) -> None:
    """Another salt, too: SQLCipher keeps it in the first 16 bytes."""
    copied(store, tmp_path / "copy.db")
    old, new = ((tmp_path / name).read_bytes() for name in ("secrets.db", "copy.db"))
    assert old[:16] != new[:16]
    assert not {old[at : at + 16] for at in range(0, len(old), 16)} & {
        new[at : at + 16] for at in range(0, len(new), 16)
    }


def test_what_was_left_of_another_copy_is_replaced(
    store: SqlcipherSecretStore, tmp_path: Path
) -> None:
    (tmp_path / "copy.db").write_bytes(b"half a copy" * 1000)
    assert copied(store, tmp_path / "copy.db")
    sqlcipher.connect(tmp_path / "copy.db", NEW_KEY, writable=False).close()


def test_a_page_that_is_damaged_while_it_serves_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "secrets.db"
    store = SqlcipherSecretStore(path=path, key=KEY)
    with store.writing(AUTHOR) as view:
        view.add_version("a", 1, SecretValue(b"x" * 50_000))
    store.close()
    whole = path.read_bytes()
    for start in range(4096, len(whole), 4096):
        store = SqlcipherSecretStore(path=path, key=KEY)
        content = bytearray(whole)
        content[start + 1000] ^= 1
        path.write_bytes(content)
        try:
            copied(store, tmp_path / "copy.db")
        except StoreDamaged:
            pass
        else:  # the page was in memory: the copy has what was read when it was whole
            copy = SqlcipherSecretStore(path=tmp_path / "copy.db", key=NEW_KEY)
            found = copy.find("a", 1)
            assert found == Found(1, SecretValue(b"x" * 50_000))
            copy.close()
        finally:
            store.close()
            path.write_bytes(whole)
