"""Changing the tables of the store, in one transaction, by one author."""

from collections.abc import Iterable, Sequence

from sqlcipher3 import dbapi2

from leger_secrets.adapters import sqlcipher_columns as columns
from leger_secrets.adapters.sqlcipher_reader import SqlcipherReader
from leger_secrets.domain.changes import ChangeKind
from leger_secrets.domain.stored import Author, Binding, Contents, Notes, StoredSecret, Token
from leger_secrets.domain.value import SecretValue

CHANGES_KEPT = 100_000
"""At least so many changes are kept for watches."""

_PRUNED_EVERY = 1_000  # revisions, so that one commit in so many pays, and not much

_ADD_VERSION = "INSERT INTO version (id, created, created_by, value) VALUES (?, ?, ?, ?)"


class SqlcipherWriter(SqlcipherReader):
    """The changing view of the transaction that its connection is in; the port's Writer.

    The first change gives the store its next revision, which all changes of the transaction have.
    `erased` says whether values were deleted, which older pages of the file may still hold.
    """

    def __init__(self, connection: dbapi2.Connection, author: Author, *, after: int) -> None:
        """Begin; the last commit has the revision `after`."""
        super().__init__(connection)
        self._after = after
        self._author = author
        self._time = columns.micros(author.time)
        self._revision: int | None = None
        self._changes = 0
        self.erased = False

    def add_version(self, name: str, number: int, value: SecretValue) -> None:
        """See Writer."""
        # No version has the number yet, so that it can be the active one of a new secret alone.
        identity, is_first = self._execute(
            """
            INSERT INTO secret (
                name, active, latest, revision, created, created_by, updated, updated_by, activated
            ) VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?4, ?5, ?4)
            ON CONFLICT (name) DO UPDATE SET
                latest = max(latest, ?2), revision = ?3, updated = ?4, updated_by = ?5
            RETURNING id, active = ?2
            """,
            (name, number, self._next_revision(), self._time, self._author.principal),
        ).fetchone()
        self._execute(
            _ADD_VERSION,
            (identity << 32 | number, self._time, self._author.principal, value.reveal()),
        )
        self._note(ChangeKind.VERSION_ADDED, name, number)
        if is_first:
            self._note(ChangeKind.ACTIVATED, name, number)

    def activate(self, name: str, version: int, previous: int | None = None) -> None:
        """See Writer."""
        self._execute(
            """
            UPDATE secret SET previous = coalesce(?, active), active = ?, activated = ?
            WHERE name = ?
            """,
            (previous, version, self._time, name),
        )
        self._changed(ChangeKind.ACTIVATED, name, version)

    def set_notes(self, name: str, notes: Notes) -> None:
        """See Writer."""
        self._execute(
            """
            UPDATE secret SET description = ?, labels = ?, expires = ?, rotate_after = ?
            WHERE name = ?
            """,
            (*columns.of_notes(notes), name),
        )
        self._changed(ChangeKind.UPDATED, name, 0)

    def delete_version(self, name: str, version: int) -> None:
        """See Writer."""
        self._execute(
            """
            UPDATE version SET value = NULL
            WHERE id = (SELECT id FROM secret WHERE name = ?) << 32 | ?
            """,
            (name, version),
        )
        self._execute(
            "UPDATE secret SET previous = 0 WHERE name = ? AND previous = ?", (name, version)
        )
        self._changed(ChangeKind.VERSION_DELETED, name, version)
        self.erased = True

    def delete_secret(self, name: str) -> None:
        """See Writer."""
        (identity,) = self._execute(
            "DELETE FROM secret WHERE name = ? RETURNING id", (name,)
        ).fetchone()
        self._execute("DELETE FROM version WHERE id > ?1 << 32 AND id < ?1 + 1 << 32", (identity,))
        self._note(ChangeKind.DELETED, name, 0)
        self.erased = True

    def replace_bindings(self, stack: str, bindings: Sequence[Binding]) -> None:
        """See Writer."""
        if {bound.binding for bound in self.bindings(stack=stack)} == set(bindings):
            return
        self._next_revision()
        self._execute("DELETE FROM binding WHERE stack = ?", (stack,))
        for binding in bindings:
            self._execute(
                "INSERT INTO binding (unit, credential, secret, stack) VALUES (?, ?, ?, ?)",
                (*binding, stack),
            )

    def add_token(self, token: Token) -> None:
        """See Writer."""
        self._next_revision()
        self._execute(
            """
            INSERT INTO token (name, digest, grants, created, created_by, expires)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            (
                token.name,
                token.digest,
                columns.of_grants(token.grants),
                columns.micros(token.created.time),
                token.created.principal,
                columns.optional_micros(token.expire_time),
            ),
        )

    def delete_token(self, name: str) -> bool:
        """See Writer."""
        deleted = bool(self._execute("DELETE FROM token WHERE name = ?", (name,)).rowcount)
        if deleted:
            self._next_revision()
        return deleted

    def set_recovery_recipients(self, recipients: Iterable[str]) -> None:
        """See Writer."""
        self._next_revision()
        self._execute("DELETE FROM recovery_recipient")
        for recipient in recipients:
            self._execute("INSERT INTO recovery_recipient (recipient) VALUES (?)", (recipient,))

    def replace_contents(self, contents: Contents) -> None:
        """See Writer."""
        for table in ("secret", "version", "token", "change"):
            self._execute(f"DELETE FROM {table}")  # noqa: S608 - four fixed names
        revision = max(self._next_revision(), contents.revision + 1)
        self._revision, self._changes = revision, 0
        self._execute("UPDATE revision_floor SET kept_after = ?", (revision,))
        for secret in contents.secrets:
            self._store(secret, revision)
        for token in contents.tokens:
            self.add_token(token)
        self.set_recovery_recipients(contents.recovery_recipients)
        self.erased = True

    def finish(self) -> int | None:
        """Bound the changes that are kept; return the revision if anything was changed.

        The last call before the transaction is committed.
        """
        if self._revision is None:
            return None
        if not self._changes:
            self._execute("UPDATE revision_floor SET value = ?", (self._revision,))
        if self._revision % _PRUNED_EVERY == 0:  # whatever the commit changed that has it
            (kept,) = self._execute("SELECT count(*) FROM change").fetchone()
            if kept > CHANGES_KEPT:
                self._prune(kept - CHANGES_KEPT)
        return self._revision

    def _prune(self, surplus: int) -> None:
        """Forget the oldest revisions, which have at most `surplus` changes together."""
        (oldest_kept,) = self._execute(
            "SELECT revision FROM change ORDER BY revision, place LIMIT 1 OFFSET ?", (surplus,)
        ).fetchone()
        self._execute("DELETE FROM change WHERE revision < ?", (oldest_kept,))
        self._execute("UPDATE revision_floor SET kept_after = ?", (oldest_kept - 1,))

    def _store(self, secret: StoredSecret, revision: int) -> None:
        (identity,) = self._execute(
            """
            INSERT INTO secret (
                name, active, latest, previous, revision,
                created, created_by, updated, updated_by, activated,
                description, labels, expires, rotate_after
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            RETURNING id
            """,
            (
                secret.name,
                secret.active,
                secret.latest,
                secret.previous,
                revision,
                columns.micros(secret.created.time),
                secret.created.principal,
                columns.micros(secret.updated.time),
                secret.updated.principal,
                columns.micros(secret.activate_time),
                *columns.of_notes(secret.notes),
            ),
        ).fetchone()
        for version, value in secret.versions:
            self._execute(
                _ADD_VERSION,
                (
                    identity << 32 | version.number,
                    columns.micros(version.create_time),
                    version.created_by,
                    None if value is None else value.reveal(),
                ),
            )

    def _changed(self, kind: ChangeKind, name: str, version: int) -> None:
        """Note a change of a secret that stays."""
        self._execute(
            "UPDATE secret SET revision = ?, updated = ?, updated_by = ? WHERE name = ?",
            (self._next_revision(), self._time, self._author.principal, name),
        )
        self._note(kind, name, version)

    def _note(self, kind: ChangeKind, name: str, version: int) -> None:
        revision = self._next_revision()
        self._changes += 1
        self._execute(
            """
            INSERT INTO change (revision, place, kind, secret, version, time, principal)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            (revision, self._changes, kind, name, version, self._time, self._author.principal),
        )

    def _next_revision(self) -> int:
        if self._revision is None:
            self._revision = self._after + 1
        return self._revision
