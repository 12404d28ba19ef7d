from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from leger_runtime import version
from leger_secrets.adapters import schema, sqlcipher
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.errors import StoreUnavailable
from leger_secrets.domain.stored import (
    Author,
    Binding,
    Found,
    Notes,
    Numbers,
    SecretInfo,
    StackBinding,
    Version,
)
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import KEY
from unit.secrets.pages import decrypted

VALUES_OF_VERSION_1 = """
    INSERT INTO secret VALUES (1, 'a', 2, 3, 5), (2, 'b', 1, 1, 4);
    INSERT INTO version VALUES
        (1, 1, 1, CAST('one' AS BLOB), 1000000, 'operator:root'),
        (2, 1, 2, CAST('two' AS BLOB), 2000000, 'operator:alice'),
        (3, 1, 3, NULL, 3000000, 'operator:bob'),
        (4, 2, 1, CAST('' AS BLOB), 4000000, 'operator:root');
    INSERT INTO binding VALUES ('web.service', 'token', 'a', 'notes');
    UPDATE revision SET value = 5;
"""


def at(second: int) -> datetime:
    return datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file as the first release made it, with two secrets and a binding."""
    path = tmp_path / "secrets.db"
    connection = sqlcipher.connect(path, KEY, writable=True)
    connection.executescript(
        f"BEGIN; {schema._MIGRATIONS[0]} PRAGMA user_version = 1; {VALUES_OF_VERSION_1} COMMIT;"
    )
    connection.close()
    return path


@pytest.fixture
def migrated(path: Path) -> Iterator[SqlcipherSecretStore]:
    store = SqlcipherSecretStore(path=path, key=KEY)
    yield store
    store.close()


def test_an_older_file_keeps_every_value_number_and_binding(migrated: SqlcipherSecretStore) -> None:
    with migrated.reading() as view:
        assert view.find("a", 0) == Found(2, SecretValue(b"two"))
        assert view.find("a", 1) == Found(1, SecretValue(b"one"))
        assert view.find("a", 3) == Found(3, None)
        assert view.find("b", 0) == Found(1, SecretValue(b""))
        assert view.was_used("a", 3)
        assert view.numbers("a") == Numbers(active=2, latest=3, previous=0)
        assert view.bindings() == [StackBinding("notes", Binding("web.service", "token", "a"))]
        assert view.revision() == 5


def test_what_an_older_file_did_not_note_is_taken_from_its_versions(
    migrated: SqlcipherSecretStore,
) -> None:
    with migrated.reading() as view:
        assert view.info("a") == SecretInfo(
            name="a",
            versions=(
                Version(number=1, create_time=at(1), created_by="operator:root"),
                Version(number=2, create_time=at(2), created_by="operator:alice"),
            ),
            active=2,
            previous=0,
            revision=5,
            units=("web.service",),
            notes=Notes(),
            created=Author("operator:root", at(1)),
            updated=Author("operator:bob", at(3)),
            activate_time=at(2),
        )


def test_changes_of_an_older_file_were_not_kept(migrated: SqlcipherSecretStore) -> None:
    with migrated.writing(Author("operator:root", at(9))) as writer:
        writer.activate("a", 1)
    with migrated.reading() as view:
        for gone in (0, 4):
            assert view.changes(after=gone, limit=10) is None
        assert [c.revision for c in view.changes(after=5, limit=10) or ()] == [6]


def test_an_older_file_that_was_migrated_once_is_not_again(path: Path) -> None:
    SqlcipherSecretStore(path=path, key=KEY).close()
    before = path.read_bytes()
    SqlcipherSecretStore(path=path, key=KEY).close()
    assert path.read_bytes() == before


def test_a_value_is_not_left_in_the_table_that_was_replaced(path: Path) -> None:
    store = SqlcipherSecretStore(path=path, key=KEY)
    with store.writing(Author("operator:root", at(9))) as writer:
        writer.delete_secret("a")
    store.close()
    assert b"two" not in decrypted(path, KEY)


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = schema._MIGRATIONS
    monkeypatch.setattr(schema, "_MIGRATIONS", (first, f"{second} INSERT INTO absent VALUES (1);"))
    connection = sqlcipher.connect(path, KEY, writable=True)
    with pytest.raises(StoreUnavailable):
        schema.migrate(connection, path)
    connection.close()
    monkeypatch.undo()
    store = SqlcipherSecretStore(path=path, key=KEY)
    assert store.find("a", 0) == Found(2, SecretValue(b"two"))
    store.close()


def test_the_schema_is_the_one_that_every_part_of_leger_tells() -> None:
    assert version.STORE_SCHEMA == schema.VERSION
