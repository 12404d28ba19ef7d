"""Reading the tables of the store: one view, of one moment."""

from collections.abc import Iterable, Iterator
from itertools import groupby, zip_longest
from typing import Any

from sqlcipher3 import dbapi2

from leger_secrets.adapters import sqlcipher_columns as columns
from leger_secrets.domain.changes import Change, ChangeKind
from leger_secrets.domain.stored import (
    Author,
    Binding,
    Contents,
    Found,
    Latest,
    Numbers,
    SecretInfo,
    StackBinding,
    StoredSecret,
    StoredVersion,
    Token,
    Version,
)
from leger_secrets.domain.value import SecretValue

_SECRETS = """
    SELECT id, name, active, latest, previous, revision,
        created, created_by, updated, updated_by, activated,
        description, labels, expires, rotate_after
    FROM secret
"""
_BINDINGS = "SELECT stack, unit, credential, secret FROM binding"
_CHANGES = "SELECT revision, kind, secret, version, time, principal FROM change"
_IN_ORDER = "ORDER BY revision, place"


class SqlcipherReader:
    """The view of the transaction that its connection is in; the port's Reader."""

    def __init__(self, connection: dbapi2.Connection) -> None:
        self._execute = connection.execute

    def revision(self) -> int:
        """See Reader."""
        (value,) = self._execute("SELECT value FROM revision").fetchone()
        return int(value)

    def count(self) -> int:
        """See Reader."""
        (value,) = self._execute("SELECT count(*) FROM secret").fetchone()
        return int(value)

    def find(self, name: str, version: int) -> Found | None:
        """See Reader."""
        row = self._execute(
            """
            SELECT version.number, version.value FROM secret
            LEFT JOIN version ON version.id = secret.id << 32 | iif(?2 = 0, secret.active, ?2)
            WHERE secret.name = ?1
            """,
            (name, version),
        ).fetchone()
        if row is None:
            return None
        number, value = row
        return Found(number or version, None if value is None else SecretValue(value))

    def numbers(self, name: str) -> Numbers | None:
        """See Reader."""
        row = self._execute(
            "SELECT active, latest, previous FROM secret WHERE name = ?", (name,)
        ).fetchone()
        return Numbers(active=row[0], latest=row[1], previous=row[2]) if row else None

    def latest(self, name: str) -> Latest | None:
        """See Reader."""
        row = self._execute(
            """
            SELECT secret.active, secret.latest, secret.previous, version.value FROM secret
            LEFT JOIN version ON version.id = secret.id << 32 | secret.latest
            WHERE secret.name = ?
            """,
            (name,),
        ).fetchone()
        if row is None:
            return None
        active, latest, previous, value = row
        return Latest(
            Numbers(active=active, latest=latest, previous=previous),
            None if value is None else SecretValue(value),
        )

    def was_used(self, name: str, version: int) -> bool:
        """See Reader."""
        row = self._execute(
            """
            SELECT 1 FROM secret JOIN version ON version.id = secret.id << 32 | ?2
            WHERE secret.name = ?1
            """,
            (name, version),
        ).fetchone()
        return row is not None

    def info(self, name: str) -> SecretInfo | None:
        """See Reader."""
        secret = self._execute(f"{_SECRETS} WHERE name = ?", (name,)).fetchone()
        if secret is None:
            return None
        versions = self._execute(
            """
            SELECT number, created, created_by FROM version
            WHERE id > ?1 << 32 AND id < ?1 + 1 << 32 AND value IS NOT NULL ORDER BY id
            """,
            secret[:1],
        )
        units = self._execute(
            "SELECT DISTINCT unit FROM binding WHERE secret = ? ORDER BY unit", (name,)
        )
        return _info(secret, versions, (unit for (unit,) in units))

    def infos(self) -> list[SecretInfo]:
        """See Reader."""
        versions = _grouped(
            self._execute(
                """
                SELECT secret, number, created, created_by FROM version
                WHERE value IS NOT NULL ORDER BY id
                """
            )
        )
        units = _grouped(
            self._execute("SELECT DISTINCT secret, unit FROM binding ORDER BY secret, unit")
        )
        return [
            _info(secret, versions[secret[0]], (unit for (unit,) in units.get(secret[1], ())))
            for secret in self._execute(f"{_SECRETS} ORDER BY name")
        ]

    def bindings(self, *, stack: str = "", secret: str = "") -> list[StackBinding]:
        """See Reader."""
        wanted = {"stack": stack, "secret": secret}
        terms = [f"{column} = :{column}" for column, value in wanted.items() if value]
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        rows = self._execute(f"{_BINDINGS} {where} ORDER BY stack, unit, credential", wanted)
        return [StackBinding(stack, Binding(*binding)) for stack, *binding in rows]

    def bound_secret(self, unit: str, credential: str) -> str | None:
        """See Reader."""
        row = self._execute(
            "SELECT secret FROM binding WHERE unit = ? AND credential = ?", (unit, credential)
        ).fetchone()
        return str(row[0]) if row else None

    def changes(self, *, after: int, limit: int) -> list[Change] | None:
        """See Reader."""
        kept_after, revision = self._execute("SELECT kept_after, value FROM revision").fetchone()
        if not kept_after <= after <= revision:
            return None
        rows = self._execute(
            f"{_CHANGES} WHERE revision > ? {_IN_ORDER} LIMIT ?", (after, limit + 1)
        ).fetchall()
        if len(rows) > limit:
            first, beyond = rows[0][0], rows[-1][0]
            if first == beyond:  # one revision with more changes than asked for
                rows = self._execute(
                    f"{_CHANGES} WHERE revision = ? {_IN_ORDER}", (first,)
                ).fetchall()
            else:
                rows = [row for row in rows if row[0] < beyond]
        return [
            Change(
                revision=row[0],
                kind=ChangeKind(row[1]),
                secret=row[2],
                version=row[3],
                author=Author(row[5], columns.moment(row[4])),
                last=following is None or following[0] != row[0],
            )
            for row, following in zip_longest(rows, rows[1:])
        ]

    def tokens(self) -> list[Token]:
        """See Reader."""
        return [
            Token(
                name=name,
                digest=digest,
                grants=columns.grants(grants),
                created=Author(created_by, columns.moment(created)),
                expire_time=columns.optional_moment(expires),
            )
            for name, digest, grants, created, created_by, expires in self._execute(
                """
                SELECT name, digest, grants, created, created_by, expires FROM token ORDER BY name
                """
            )
        ]

    def recovery_recipients(self) -> tuple[str, ...]:
        """See Reader."""
        rows = self._execute("SELECT recipient FROM recovery_recipient ORDER BY place")
        return tuple(recipient for (recipient,) in rows)

    def contents(self) -> Contents:
        """See Reader."""
        versions = _grouped(
            self._execute(
                """
                SELECT secret, number, created, created_by, value FROM version ORDER BY id
                """
            )
        )
        return Contents(
            revision=self.revision(),
            secrets=tuple(
                _stored_secret(secret, versions[secret[0]])
                for secret in self._execute(f"{_SECRETS} ORDER BY name")
            ),
            tokens=tuple(self.tokens()),
            recovery_recipients=self.recovery_recipients(),
        )


Row = tuple[Any, ...]


def _grouped(rows: Iterator[Row]) -> dict[Any, list[Row]]:
    """Return the rows, without their first column, by that column, which they are sorted by."""
    return {key: [row[1:] for row in group] for key, group in groupby(rows, lambda row: row[0])}


def _info(secret: Row, versions: Iterable[Row], units: Iterable[str]) -> SecretInfo:
    _, name, active, _, previous, revision, *rest = secret
    created, created_by, updated, updated_by, activated, *noted = rest
    return SecretInfo(
        name=name,
        versions=tuple(_version(row) for row in versions),
        active=active,
        previous=previous,
        revision=revision,
        units=tuple(units),
        notes=columns.notes(*noted),
        created=Author(created_by, columns.moment(created)),
        updated=Author(updated_by, columns.moment(updated)),
        activate_time=columns.moment(activated),
    )


def _stored_secret(secret: Row, versions: Iterable[Row]) -> StoredSecret:
    _, name, active, latest, previous, _, *rest = secret
    created, created_by, updated, updated_by, activated, *noted = rest
    return StoredSecret(
        name=name,
        active=active,
        latest=latest,
        previous=previous,
        notes=columns.notes(*noted),
        created=Author(created_by, columns.moment(created)),
        updated=Author(updated_by, columns.moment(updated)),
        activate_time=columns.moment(activated),
        versions=tuple(
            StoredVersion(_version(row), None if value is None else SecretValue(value))
            for *row, value in versions
        ),
    )


def _version(row: Iterable[Any]) -> Version:
    number, created, created_by = row
    return Version(number=number, create_time=columns.moment(created), created_by=created_by)
