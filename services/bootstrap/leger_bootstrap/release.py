"""What runs, and what was tried: the record that lets an upgrade be taken back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from leger_runtime import atomic

from leger_bootstrap.scope import Scope

NAME = "legerd.json"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Release:
    """All that makes the pod what it is: its image, and its units as placed on this host.

    `store_schema` is the newest schema of the store that the image writes; `http_socket` the
    drop-in of the socket of setec's API, or empty.
    """

    image: str
    store_schema: int
    units: Mapping[str, str]
    http_socket: str = ""

    @property
    def digest(self) -> str:
        """A name for exactly this."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An installed release that did not become healthy. `why` and `next_step` are sentences.

    `what` is the cause: the version that the package has brought, or what leger.toml says.
    """

    digest: str
    image: str
    time: datetime
    why: str
    next_step: str
    what: Literal["version", "configuration"] = "version"  # records of before do not say it


@dataclass(frozen=True, kw_only=True)
class Record:
    """`healthy` is what was healthy last; `trying` the digest of what has been started since.

    `returning` says that this is being taken back, which is finished before anything else.
    `refused` is what was tried last and taken back. What is refused is not tried again.
    `was_open` tells whether the store was open with `healthy`.
    """

    healthy: Release | None = None
    was_open: bool = False
    trying: str | None = None
    returning: bool = False
    refused: Refusal | None = None


def path(scope: Scope) -> Path:
    """Return where the scope's record is."""
    return scope.data / NAME


def read(scope: Scope) -> Record:
    """Return the scope's record; an empty one when there is none, or none that is understood.

    Then the next start is like a host's first: there is nothing to fall back to. Raises OSError.
    """
    try:
        return _record(json.loads(path(scope).read_bytes()))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Record()


def write(scope: Scope, record: Record) -> None:
    """Replace the scope's record, durably. Raises OSError."""
    refused = record.refused
    content = {
        "format": _FORMAT,
        "healthy": asdict(record.healthy) if record.healthy else None,
        "was_open": record.was_open,
        "trying": record.trying,
        "returning": record.returning,
        "refused": {**asdict(refused), "time": refused.time.isoformat()} if refused else None,
    }
    atomic.write(path(scope), (json.dumps(content, indent=2) + "\n").encode(), mode=0o600)


def _record(content: dict[str, Any]) -> Record:
    if content["format"] != _FORMAT:
        raise ValueError(f"a record of format {content['format']}")
    healthy, refused = content["healthy"], content["refused"]
    return Record(
        healthy=Release(**healthy) if healthy else None,
        was_open=content["was_open"],
        trying=content["trying"],
        returning=content["returning"],
        refused=Refusal(**{**refused, "time": datetime.fromisoformat(refused["time"])})
        if refused
        else None,
    )
