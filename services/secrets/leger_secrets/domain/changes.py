"""What happens to the secrets of the store."""

from enum import StrEnum
from typing import NamedTuple

from leger_secrets.domain.stored import Author


class ChangeKind(StrEnum):
    """What happened to a secret."""

    VERSION_ADDED = "version-added"
    ACTIVATED = "activated"
    VERSION_DELETED = "version-deleted"
    DELETED = "deleted"
    UPDATED = "updated"


class Change(NamedTuple):
    """One change; those of one transaction share its revision. `version` is 0 where none applies.

    `last` marks the last change of its revision.
    """

    revision: int
    kind: ChangeKind
    secret: str
    version: int
    author: Author
    last: bool
