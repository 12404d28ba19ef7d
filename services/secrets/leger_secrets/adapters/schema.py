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
    """
    -- What earlier files did not note is taken from their versions, as near as they tell it.
    ALTER TABLE secret ADD COLUMN previous INTEGER NOT NULL DEFAULT 0;  -- 0: none is stored
    ALTER TABLE secret ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE secret ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE secret ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE secret ADD COLUMN updated_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE secret ADD COLUMN activated INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE secret ADD COLUMN description TEXT NOT NULL DEFAULT '';
    ALTER TABLE secret ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';    -- a JSON object of texts
    ALTER TABLE secret ADD COLUMN expires INTEGER;
    ALTER TABLE secret ADD COLUMN rotate_after INTEGER NOT NULL DEFAULT 0;  -- days
    UPDATE secret SET
        (created, created_by) = (
            SELECT created, created_by FROM version WHERE secret = secret.id ORDER BY id LIMIT 1
        ),
        (updated, updated_by) = (
            SELECT created, created_by FROM version WHERE secret = secret.id
            ORDER BY created DESC, id DESC LIMIT 1
        ),
        activated = (
            SELECT created FROM version WHERE secret = secret.id AND number = secret.active
        );

    -- The id is the secret's and the number in one, so that no index is needed. The value comes
    -- last now: what is after a long value lies behind all of its pages.
    CREATE TABLE reordered (
        id INTEGER PRIMARY KEY,
        secret INTEGER AS (id >> 32),
        number INTEGER AS (id & 4294967295) CHECK (number > 0),
        created INTEGER NOT NULL,   -- microseconds since 1970, UTC
        created_by TEXT NOT NULL,
        value BLOB                  -- NULL when deleted: the row keeps the number used
    ) STRICT;
    INSERT INTO reordered
        SELECT secret << 32 | number, created, created_by, value FROM version ORDER BY 1;
    DROP TABLE version;
    ALTER TABLE reordered RENAME TO version;

    -- The latest changes, for watches: all after the revision `kept_after`.
    CREATE TABLE change (
        revision INTEGER NOT NULL,
        place INTEGER NOT NULL,     -- in its revision, from 1
        kind TEXT NOT NULL,
        secret TEXT NOT NULL,       -- the name, as the secret may be deleted
        version INTEGER NOT NULL,
        time INTEGER NOT NULL,
        principal TEXT NOT NULL,
        PRIMARY KEY (revision, place)
    ) STRICT, WITHOUT ROWID;
    -- The store's revision is that of its latest change, unless the floor is higher. So a commit
    -- that has changes, as most have, need not write the floor.
    ALTER TABLE revision RENAME TO revision_floor;
    ALTER TABLE revision_floor ADD COLUMN kept_after INTEGER NOT NULL DEFAULT 0;
    UPDATE revision_floor SET kept_after = value;
    CREATE VIEW revision AS
        SELECT max(value, coalesce((SELECT max(revision) FROM change), 0)) AS value, kept_after
        FROM revision_floor;

    CREATE TABLE token (
        name TEXT PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        grants TEXT NOT NULL,       -- JSON
        created INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        expires INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE recovery_recipient (
        place INTEGER PRIMARY KEY,
        recipient TEXT NOT NULL
    ) STRICT;
    """,
)

VERSION = len(_MIGRATIONS)
"""Of the newest schema, which every open file has."""


class StoreTooNew(LegerError):
    """The store was written by a newer leger than this one."""

    kind, reason = Kind.CONFLICT, "STORE_TOO_NEW"

    def __init__(self, path: Path, version: int) -> None:
        super().__init__(
            f"The store {path} cannot be used by this leger.",
            why=f"Its schema is version {version}, and this leger knows {VERSION}.",
            next_step="Install the leger that wrote it, or a newer one.",
        )


def migrate(connection: dbapi2.Connection, path: Path) -> None:
    """Bring the file to the newest schema, one transaction a step.

    Raises StoreTooNew when it is newer than this leger, and StoreUnavailable; the connection is to
    be closed then, which undoes a step that was not finished.
    """
    with sqlcipher.translated():
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StoreTooNew(path, version)
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number};")
            sqlcipher.check_intact(connection)
            connection.execute("COMMIT")
