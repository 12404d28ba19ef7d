"""The lines of the audit log and the hashes that chain them.

A line is a JSON object. `previous` is the SHA-256 of the line before it, without its newline, as
hexadecimal digits; the first line has zeros there. Changing or removing a line breaks the chain at
the next one.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from leger_secrets.domain.audit import AuditEntry

_MAX_TEXT = 255  # characters of a field that may come from a refused, absurdly long request
_OPTIONAL = ("stack", "unit", "credential")


@dataclass(frozen=True, kw_only=True)
class Link:
    """Where a chain ends: the last line's number and hash."""

    seq: int
    digest: str


GENESIS = Link(seq=0, digest="0" * 64)


class BrokenChain(ValueError):
    """A line that does not follow from the one before it; the text says which and why."""


def encode(link: Link, entry: AuditEntry, time: datetime) -> tuple[bytes, Link]:
    """Return the line, newline included, that continues the chain at `link`, and its own link."""
    fields: dict[str, object] = {
        "seq": link.seq + 1,
        "time": time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "principal": entry.principal[:_MAX_TEXT],
        "action": entry.action,
        "secret": entry.secret[:_MAX_TEXT],
        "version": entry.version,
        "outcome": entry.outcome,
    }
    for name in _OPTIONAL:
        text = getattr(entry, name)
        if text:
            fields[name] = text[:_MAX_TEXT]
    fields["previous"] = link.digest
    line = json.dumps(fields, separators=(",", ":")).encode()
    return line + b"\n", Link(seq=link.seq + 1, digest=hashlib.sha256(line).hexdigest())


def follow(lines: Sequence[bytes], *, start: Link | None) -> Link:
    """Check that the lines form a chain and return its end.

    `start` is the link before the first line, None when that is not known. Raises BrokenChain.
    """
    link = start
    for line in lines:
        seq, previous = _parse(line)
        if link and (seq, previous) != (link.seq + 1, link.digest):
            raise BrokenChain(f"line {seq} does not follow from line {link.seq}")
        link = Link(seq=seq, digest=hashlib.sha256(line).hexdigest())
    return link or GENESIS


def _parse(line: bytes) -> tuple[int, str]:
    try:
        fields = json.loads(line)
        return int(fields["seq"]), str(fields["previous"])
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenChain(f"a line is not one of the log's: {line[:60]!r}") from error
