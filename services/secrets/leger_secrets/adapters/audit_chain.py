"""The lines of the audit log and the hashes that chain them.

A line is a JSON object in ASCII (docs/reference/audit-log.md). `previous` is the SHA-256 of the
line before it, without its newline, as hexadecimal digits; the first line of all has zeros there.
Changing or removing a line breaks the chain at the next one.

A log that was begun anew, after the one before it was found broken, starts with a line of the
action "begin-log" instead. It goes on counting, so that no number ever means two lines, and its
`previous` is the last hash that was known.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from leger_secrets.domain.audit import Action, AuditEntry

MAX_LINE = 32 * 1024
"""In bytes; no line is longer: it has ten texts, and an escaped character has at most 12 bytes."""

_MAX_TEXT = 255  # characters of a field that may come from a refused, absurdly long request
_OF_CALLER = ("request_id", "process", "address")
_OF_ENTRY = ("stack", "unit", "credential", "detail")
_ALWAYS = {"seq", "time", "principal", "action", "secret", "version", "outcome", "previous"}
_NUMBERS = {"seq": 2**63, "version": 2**32}  # what they are below; the rest are texts

# What the chain needs to know of a line. Far faster than decoding all of it.
_HEAD = re.compile(
    rb'\{"seq":([0-9]{1,18}),"time":"([0-9T:.-]{26}Z)",.*"previous":"([0-9a-f]{64})"\}'
)

# Escapes everything that is not ASCII, and every control character: whatever a name has in it, it
# stays inside its line. Far faster than encoding a whole object, on the way of every request.
_quoted = json.encoder.encode_basestring_ascii


class Link(NamedTuple):
    """Where a chain ends: the last line's number and hash."""

    seq: int
    digest: str


GENESIS = Link(0, "0" * 64)


class Head(NamedTuple):
    """What the chain needs to know of a line."""

    seq: int
    time: str
    previous: str


class BrokenChain(ValueError):
    """A line that does not follow from the one before it; the text is a sentence for people."""


def encode(link: Link, entry: AuditEntry, time: datetime) -> tuple[bytes, Link]:
    """Return the line, newline included, that continues the chain at `link`, and its own link."""
    seq, by = link.seq + 1, entry.by
    text = (
        f'{{"seq":{seq},"time":"{written_time(time)}"'
        f',"principal":{_quoted(by.principal[:_MAX_TEXT])},"action":"{entry.action}"'
        f',"secret":{_quoted(entry.secret[:_MAX_TEXT])},"version":{entry.version}'
        f',"outcome":{_quoted(entry.outcome[:_MAX_TEXT])}'
    )
    for source, names in ((by, _OF_CALLER), (entry, _OF_ENTRY)):
        for name in names:
            if value := getattr(source, name):
                text += f',"{name}":{_quoted(value[:_MAX_TEXT])}'
    line = f'{text},"previous":"{link.digest}"}}'.encode("ascii")
    return line + b"\n", Link(seq, digest(line))


def decode(line: bytes) -> dict[str, Any]:
    """Return the fields of a line without its newline; what always applies is there.

    Raises BrokenChain if it is not a line.
    """
    try:
        fields: dict[str, Any] = json.loads(line.decode("ascii"))
        if fields.keys() >= _ALWAYS and all(map(_fits, fields, fields.values())):
            return fields
    except (ValueError, AttributeError, RecursionError):
        pass
    raise BrokenChain("It is not a line of the log.")


def head(line: bytes) -> Head:
    """Return what the chain needs of a line without its newline. Raises BrokenChain."""
    found = _HEAD.fullmatch(line)
    if found is None:
        raise BrokenChain("It is not a line of the log.")
    seq, time, previous = found.groups()
    return Head(int(seq), time.decode(), previous.decode())


def begins_log(line: bytes) -> bool:
    """Tell whether a log that was begun anew may start with this line."""
    return decode(line).get("action") == Action.BEGIN_LOG


def digest(line: bytes) -> str:
    """Return the hash of a line without its newline."""
    return hashlib.sha256(line).hexdigest()


def written_time(time: datetime) -> str:
    """Return a point in time as lines have it; such texts sort as the times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def _fits(name: str, value: object) -> bool:
    limit = _NUMBERS.get(name)
    return type(value) is str if limit is None else type(value) is int and 0 <= value < limit
