"""The tables of the store, and how an older file comes to have them."""

from pathlib import Path

from leger_runtime.errors import Kind, LegerError
from sqlcipher3 import dbapi2

from leger_secrets.adapters import sqlcipher

# Entry n brings a file from version n to n + 1. Entries are never changed once released.
_MIGRATIONS = (
    """
    CREATE TABLE revision (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        value INTEGER NOT NULL
    ) STRICT;
    INSERT INTO revision VALUES (1, 0);

    CREATE TABLE secret (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        active INTEGER NOT NULL,
        latest INTEGER NOT NULL,    -- the highest number ever used
        revision INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE version (
        id INTEGER PRIMARY KEY,
        secret INTEGER NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
        number INTEGER NOT NULL CHECK (number BETWEEN 1 AND 4294967295),
        value BLOB,                 -- NULL when deleted: the row keeps the number used
        created INTEGER NOT NULL,   -- microseconds since 1970, UTC
        created_by TEXT NOT NULL,
        UNIQUE (secret, number)
    ) STRICT;

    -- By the secret's name, not its id: a binding may be there before the secret is, and stays
    -- when the secret is deleted.
    CREATE TABLE binding (
        unit TEXT NOT NULL,
        credential TEXT NOT NULL,
        secret TEXT NOT NULL,
        stack TEXT NOT NULL,
        PRIMARY KEY (unit, credential)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX binding_of_secret ON binding (secret);
    CREATE INDEX binding_of_stack ON binding (stack);
    """,
)


class StoreTooNew(LegerError):
    """The store was written by a newer leger than this one."""

    kind, reason = Kind.CONFLICT, "STORE_TOO_NEW"

    def __init__(self, path: Path, version: int) -> None:
        super().__init__(
            f"The store {path} cannot be used by this leger.",
            why=f"Its schema is version {version}, and this leger knows {len(_MIGRATIONS)}.",
            next_step="Install the leger that wrote it, or a newer one.",
        )


def migrate(connection: dbapi2.Connection, path: Path) -> None:
    """Bring the file to the newest schema, one transaction a step.

    Raises StoreTooNew when it is newer than this leger, and StoreUnavailable; the connection is to
    be closed then, which undoes a step that was not finished.
    """
    with sqlcipher.translated():
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(_MIGRATIONS):
            raise StoreTooNew(path, version)
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            connection.executescript(
                f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;"
            )
