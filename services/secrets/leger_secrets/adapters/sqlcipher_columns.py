"""How the domain's values are kept in columns, and read back."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from leger_secrets.domain.grants import Grant, Permission
from leger_secrets.domain.stored import Notes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

NotesColumns = tuple[str, str, int | None, int]
"""The columns description, labels, expires and rotate_after."""


def micros(time: datetime) -> int:
    """Return the microseconds from 1970 on, which all columns of times hold."""
    return (time - _EPOCH) // _MICROSECOND


def optional_micros(time: datetime | None) -> int | None:
    """Return the same of a time that may be absent."""
    return None if time is None else micros(time)


def moment(column: int) -> datetime:
    """Return the time that a column holds, in UTC."""
    return _EPOCH + column * _MICROSECOND


def optional_moment(column: int | None) -> datetime | None:
    """Return the same of a column that may be NULL."""
    return None if column is None else moment(column)


def of_notes(notes: Notes) -> NotesColumns:
    """Return the columns of what is noted."""
    return (
        notes.description,
        json.dumps(dict(notes.labels), ensure_ascii=False),
        optional_micros(notes.expire_time),
        notes.rotate_after_days,
    )


def notes(description: str, labels: str, expires: int | None, rotate_after: int) -> Notes:
    """Return what the columns say is noted."""
    return Notes(
        description=description,
        labels=json.loads(labels),
        expire_time=optional_moment(expires),
        rotate_after_days=rotate_after,
    )


def of_grants(grants: Sequence[Grant]) -> str:
    """Return the column of a token's grants."""
    return json.dumps([{"actions": sorted(g.actions), "secrets": g.secrets} for g in grants])


def grants(column: str) -> tuple[Grant, ...]:
    """Return the grants that the column holds."""
    return tuple(
        Grant(actions=frozenset(map(Permission, g["actions"])), secrets=tuple(g["secrets"]))
        for g in json.loads(column)
    )
