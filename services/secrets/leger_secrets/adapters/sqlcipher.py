"""Opening an SQLCipher database, and telling its failures as ours."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leger_runtime.errors import Kind, LegerError
from sqlcipher3 import dbapi2

from leger_secrets.domain.errors import StoreUnavailable

_BUSY_TIMEOUT = 5.0  # seconds; only a backup's or a person's own sqlcipher could hold the lock


class StoreKeyWrong(LegerError):
    """The key does not open the store."""

    kind, reason = Kind.CONFLICT, "STORE_KEY_WRONG"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The store {path} cannot be opened with this key.",
            why="It was made with another key, or its first page is damaged.",
            next_step="Restore the key that the store was made with.",
        )


def connect(path: Path, key: bytes | bytearray, *, writable: bool) -> dbapi2.Connection:
    """Open the database with a raw 256-bit key, creating it if need be.

    The connection is in autocommit mode and may move between threads. Raises StoreKeyWrong, and
    StoreUnavailable when the file cannot be opened or created.
    """
    with translated():
        connection = dbapi2.connect(
            str(path), timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
    try:
        with translated():
            # Else SQLCipher writes to standard error by itself, past our logging.
            connection.execute("PRAGMA cipher_log_level = NONE")
            # Locks and wipes SQLCipher's own memory; measured to cost nothing a query would show.
            connection.execute("PRAGMA cipher_memory_security = ON")
            # Not by execute(): it would keep the text with the key in its cache of statements.
            connection.executescript(f"PRAGMA key = \"x'{bytes(key).hex()}'\"")
        _check_key(connection, path)
        with translated():
            # secure_delete: a deleted value's bytes are overwritten, not only unlinked.
            connection.executescript(
                """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA foreign_keys = ON;
                PRAGMA secure_delete = ON;
                PRAGMA temp_store = MEMORY;
                PRAGMA cache_size = -512;
                """
            )
            if not writable:
                connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: dbapi2.Connection, begin: str) -> Iterator[None]:
    """Run the block in a transaction that `begin` opens. Raises StoreUnavailable."""
    with translated():
        connection.execute(begin)
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has undone it already
                connection.execute("ROLLBACK")
            raise


@contextmanager
def translated() -> Iterator[None]:
    """Raise the engine's failures as StoreUnavailable. Defects pass as they are."""
    try:
        yield
    except (dbapi2.IntegrityError, dbapi2.ProgrammingError, dbapi2.InterfaceError):
        raise
    except dbapi2.Error as error:
        # The engine's text is not repeated: it may quote what it was given.
        raise StoreUnavailable(_REASONS.get(_primary_code(error), _UNKNOWN)) from None


def _check_key(connection: dbapi2.Connection, path: Path) -> None:
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except dbapi2.DatabaseError as error:
        if _primary_code(error) == dbapi2.SQLITE_NOTADB:
            raise StoreKeyWrong(path) from None
        raise StoreUnavailable(_REASONS.get(_primary_code(error), _UNKNOWN)) from None


def _primary_code(error: dbapi2.Error) -> int:
    """Return the result code without its extension (sqlite.org/rescode.html)."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


_UNKNOWN = "The database engine reports an error."
_REASONS = {
    dbapi2.SQLITE_FULL: f"{os.strerror(errno.ENOSPC)}.",
    dbapi2.SQLITE_IOERR: "Reading or writing the database file failed.",
    dbapi2.SQLITE_CORRUPT: "The database file is damaged.",
    dbapi2.SQLITE_NOTADB: "The database file is damaged.",
    dbapi2.SQLITE_CANTOPEN: "The database file cannot be opened.",
    dbapi2.SQLITE_READONLY: "The database file is read-only.",
    dbapi2.SQLITE_PERM: "The database file cannot be opened.",
    dbapi2.SQLITE_BUSY: "Another process holds the database.",
}
