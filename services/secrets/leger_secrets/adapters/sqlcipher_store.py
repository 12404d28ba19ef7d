"""The store of secrets in one encrypted SQLite file."""

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlcipher3 import dbapi2

from leger_secrets.adapters import schema, sqlcipher
from leger_secrets.domain.store import (
    Binding,
    Found,
    Numbers,
    SecretInfo,
    StackBinding,
    Version,
)
from leger_secrets.domain.value import SecretValue

_READERS = 4  # a read takes microseconds: more would only cost memory
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SqlcipherSecretStore:
    """A store in the file `path`, encrypted with a raw 256-bit key.

    Readers see the last commit and never wait for the writer (write-ahead log); there is one
    writer. All connections are opened at once, so that the key need not be kept.
    """

    def __init__(self, *, path: Path, key: bytes | bytearray) -> None:
        """Open or create the file. Raises StoreKeyWrong, StoreTooNew, StoreUnavailable, OSError."""
        path.touch(mode=0o600)  # SQLite gives its other files the mode that this one has
        self._write_lock = threading.Lock()
        self._writer = sqlcipher.connect(path, key, writable=True)
        self._all = [self._writer]
        self._readers: queue.SimpleQueue[dbapi2.Connection] = queue.SimpleQueue()
        try:
            schema.migrate(self._writer, path)
            for _ in range(_READERS):
                reader = sqlcipher.connect(path, key, writable=False)
                self._all.append(reader)
                self._readers.put(reader)
        except BaseException:
            self.close()
            raise

    def find(self, name: str, version: int) -> Found | None:
        """Look up a version, 0 meaning the active one. Raises StoreUnavailable.

        One statement is a consistent view by itself. A transaction around it would be two more, at
        each of which the interpreter goes to another thread first: measurable with 32 callers.
        """
        with self._reader() as connection, sqlcipher.translated():
            return _Reader(connection).find(name, version)

    @contextmanager
    def reading(self) -> Iterator["_Reader"]:
        """Open a view of the last commit. Raises StoreUnavailable."""
        with self._reader() as connection, sqlcipher.transaction(connection, "BEGIN"):
            yield _Reader(connection)

    @contextmanager
    def writing(self) -> Iterator["_Writer"]:
        """Open the changing view; leaving it commits durably. Raises StoreUnavailable."""
        with self._write_lock, sqlcipher.transaction(self._writer, "BEGIN IMMEDIATE"):
            yield _Writer(self._writer)

    @contextmanager
    def _reader(self) -> Iterator[dbapi2.Connection]:
        connection = self._readers.get()
        try:
            yield connection
        finally:
            self._readers.put(connection)

    def close(self) -> None:
        """Close the file; no view may be open."""
        for connection in reversed(self._all):  # the writer last: it ends the write-ahead log
            connection.close()


class _Reader:
    def __init__(self, connection: dbapi2.Connection) -> None:
        self._execute = connection.execute

    def revision(self) -> int:
        (value,) = self._execute("SELECT value FROM revision").fetchone()
        return int(value)

    def find(self, name: str, version: int) -> Found | None:
        row = self._execute(
            """
            SELECT version.number, version.value FROM secret
            LEFT JOIN version ON version.secret = secret.id
                AND version.number = iif(?2 = 0, secret.active, ?2)
            WHERE secret.name = ?1
            """,
            (name, version),
        ).fetchone()
        if row is None:
            return None
        number, value = row
        return Found(number or version, None if value is None else SecretValue(value))

    def numbers(self, name: str) -> Numbers | None:
        row = self._execute("SELECT active, latest FROM secret WHERE name = ?", (name,)).fetchone()
        return Numbers(active=row[0], latest=row[1]) if row else None

    def was_used(self, name: str, version: int) -> bool:
        row = self._execute(
            """
            SELECT 1 FROM version JOIN secret ON secret.id = version.secret
            WHERE secret.name = ? AND version.number = ?
            """,
            (name, version),
        ).fetchone()
        return row is not None

    def info(self, name: str) -> SecretInfo | None:
        infos = self._infos("WHERE secret.name = ?", "WHERE secret = ?", (name,))
        return infos[0] if infos else None

    def infos(self) -> list[SecretInfo]:
        return self._infos("", "", ())

    def bindings(self, *, stack: str = "", secret: str = "") -> list[StackBinding]:
        rows = self._execute(
            """
            SELECT stack, unit, credential, secret FROM binding
            WHERE ?1 IN ('', stack) AND ?2 IN ('', secret) ORDER BY stack, unit, credential
            """,
            (stack, secret),
        )
        return [StackBinding(stack, Binding(*binding)) for stack, *binding in rows]

    def bound_secret(self, unit: str, credential: str) -> str | None:
        row = self._execute(
            "SELECT secret FROM binding WHERE unit = ? AND credential = ?", (unit, credential)
        ).fetchone()
        return str(row[0]) if row else None

    def _infos(
        self, of_secrets: str, of_bindings: str, arguments: tuple[str, ...]
    ) -> list[SecretInfo]:
        units: dict[str, list[str]] = {}
        for secret, unit in self._execute(
            f"SELECT DISTINCT secret, unit FROM binding {of_bindings} ORDER BY unit",  # noqa: S608 - two fixed texts
            arguments,
        ):
            units.setdefault(secret, []).append(unit)
        secrets: dict[str, tuple[int, int]] = {}
        versions: dict[str, list[Version]] = {}
        for name, active, revision, number, created, created_by in self._execute(
            f"""
            SELECT name, active, revision, number, created, created_by
            FROM secret JOIN version ON version.secret = secret.id AND version.value IS NOT NULL
            {of_secrets} ORDER BY name, number
            """,  # noqa: S608 - two fixed texts
            arguments,
        ):
            secrets[name] = active, revision
            versions.setdefault(name, []).append(
                Version(
                    number=number,
                    create_time=_EPOCH + created * _MICROSECOND,
                    created_by=created_by,
                )
            )
        return [
            SecretInfo(
                name=name,
                versions=tuple(versions[name]),
                active=active,
                revision=revision,
                units=tuple(units.get(name, ())),
            )
            for name, (active, revision) in secrets.items()
        ]


class _Writer(_Reader):
    """Every change to a secret gets the revision of its transaction."""

    def __init__(self, connection: dbapi2.Connection) -> None:
        super().__init__(connection)
        self._revision: int | None = None

    def add_version(self, name: str, version: Version, value: SecretValue) -> None:
        self._execute(
            """
            INSERT INTO secret (name, active, latest, revision) VALUES (?1, ?2, ?2, ?3)
            ON CONFLICT (name) DO UPDATE SET latest = max(latest, ?2), revision = ?3
            """,
            (name, version.number, self._next_revision()),
        )
        self._execute(
            """
            INSERT INTO version (secret, number, value, created, created_by)
            SELECT id, ?, ?, ?, ? FROM secret WHERE name = ?
            """,
            (
                version.number,
                value.reveal(),
                (version.create_time - _EPOCH) // _MICROSECOND,
                version.created_by,
                name,
            ),
        )

    def activate(self, name: str, version: int) -> None:
        self._execute(
            "UPDATE secret SET active = ?, revision = ? WHERE name = ?",
            (version, self._next_revision(), name),
        )

    def delete_version(self, name: str, version: int) -> None:
        self._execute(
            """
            UPDATE version SET value = NULL
            WHERE number = ? AND secret = (SELECT id FROM secret WHERE name = ?)
            """,
            (version, name),
        )
        self._execute(
            "UPDATE secret SET revision = ? WHERE name = ?", (self._next_revision(), name)
        )

    def delete_secret(self, name: str) -> None:
        self._next_revision()
        self._execute("DELETE FROM secret WHERE name = ?", (name,))

    def replace_bindings(self, stack: str, bindings: Sequence[Binding]) -> None:
        self._execute("DELETE FROM binding WHERE stack = ?", (stack,))
        for binding in bindings:
            self._execute(
                "INSERT INTO binding (unit, credential, secret, stack) VALUES (?, ?, ?, ?)",
                (*binding, stack),
            )

    def _next_revision(self) -> int:
        if self._revision is None:
            (self._revision,) = self._execute(
                "UPDATE revision SET value = value + 1 RETURNING value"
            ).fetchone()
        return self._revision
