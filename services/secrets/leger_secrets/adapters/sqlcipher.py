"""Opening an SQLCipher database, and telling its failures as ours."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlcipher3 import dbapi2

from leger_secrets.domain.errors import StoreUnavailable
from leger_secrets.domain.sealing_errors import StoreDamaged, StoreKeyWrong

_BUSY_TIMEOUT = 5.0  # seconds; only a person's own sqlcipher could hold the lock
_TRUNCATE_TIMEOUT = 0.1  # seconds; a look-up is over by then, a longer view is not waited for


def connect(path: Path, key: bytes | bytearray, *, writable: bool) -> dbapi2.Connection:
    """Open the database with a raw 256-bit key, creating it if need be.

    The connection is in autocommit mode and may move between threads. Raises StoreKeyWrong,
    StoreDamaged, and StoreUnavailable when the file cannot be opened or created.
    """
    connection = unlock(str(path), key)
    try:
        check_key(connection, path)
        with translated():
            # secure_delete: a deleted value's bytes are overwritten, not only unlinked.
            connection.executescript(
                """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
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


def unlock(database: str, key: bytes | bytearray) -> dbapi2.Connection:
    """Open a database, by its path or URI, and hand it its key; nothing is read yet.

    Raises StoreUnavailable.
    """
    with translated():
        connection = dbapi2.connect(
            database,
            timeout=_BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
            uri=database.startswith("file:"),
        )
    try:
        with translated():
            # Else SQLCipher writes to standard error by itself, past our logging.
            connection.execute("PRAGMA cipher_log_level = NONE")
            # It would lock, unlock and wipe each allocation: a thousand system calls a put. The
            # whole process is locked already (adapters/process.py), and Python's own copies of a
            # value could not be wiped anyway.
            connection.execute("PRAGMA cipher_memory_security = OFF")
            # Not by execute(): it would keep the text with the key in its cache of statements.
            connection.executescript(f"PRAGMA key = \"x'{bytes(key).hex()}'\"")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: dbapi2.Connection, begin: str) -> Iterator[None]:
    """Run the block in a transaction that `begin` opens.

    Raises StoreUnavailable, and StoreDamaged if what was read in it cannot be trusted.
    """
    with translated():
        connection.execute(begin)
        try:
            yield
            check_intact(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has undone it already
                connection.execute("ROLLBACK")
            raise


def check_intact(connection: dbapi2.Connection) -> None:
    """Raise StoreDamaged if a page that was read through the connection had the wrong code.

    SQLCipher puts zeros in the place of such a page, and refuses what comes *after* that. In a tree
    SQLite notices; the end of a value that is longer than a page it hands out as it is.
    """
    (status,) = connection.execute("PRAGMA cipher_status").fetchone()
    if status != "1":
        raise StoreDamaged(_DATABASE, _WRONG_CODE)


def truncate_log(connection: dbapi2.Connection) -> bool:
    """Fold the write-ahead log into the file and cut it to nothing; return whether that was done.

    It is not when a reader still needs the log, or when the disk refuses.
    """
    try:
        connection.execute(f"PRAGMA busy_timeout = {_TRUNCATE_TIMEOUT * 1000:.0f}")
        try:
            # The first of the three columns tells whether it was blocked.
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT * 1000:.0f}")
    except dbapi2.Error:
        return False
    return not busy


@contextmanager
def translated() -> Iterator[None]:
    """Raise the engine's failures as StoreUnavailable or StoreDamaged. Defects pass as they are."""
    try:
        yield
    except (dbapi2.IntegrityError, dbapi2.ProgrammingError, dbapi2.InterfaceError):
        raise
    except dbapi2.Error as error:
        # The engine's text is not repeated: it may quote what it was given.
        code = _primary_code(error)
        if code in _DAMAGE:
            raise StoreDamaged(_DATABASE, _WRONG_CODE) from None
        raise StoreUnavailable(_REASONS.get(code, _UNKNOWN)) from None


def check_key(connection: dbapi2.Connection, path: Path) -> None:
    """Read the first page. Raises StoreKeyWrong, StoreDamaged, StoreUnavailable."""
    with translated():
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except dbapi2.DatabaseError as error:
            if _primary_code(error) == dbapi2.SQLITE_NOTADB:
                raise StoreKeyWrong(path) from None
            raise


def _primary_code(error: dbapi2.Error) -> int:
    """Return the result code without its extension (sqlite.org/rescode.html)."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


_UNKNOWN = "The database engine reports an error."
_DATABASE, _WRONG_CODE = (
    "The store's database",
    "What was read of it does not have the code it should.",
)
_DAMAGE = (dbapi2.SQLITE_CORRUPT, dbapi2.SQLITE_NOTADB)
_REASONS = {
    dbapi2.SQLITE_FULL: f"{os.strerror(errno.ENOSPC)}.",
    dbapi2.SQLITE_IOERR: "Reading or writing the database file failed.",
    dbapi2.SQLITE_CANTOPEN: "The database file cannot be opened.",
    dbapi2.SQLITE_READONLY: "The database file is read-only.",
    dbapi2.SQLITE_PERM: "The database file cannot be opened.",
    dbapi2.SQLITE_BUSY: "Another process holds the database.",
}
