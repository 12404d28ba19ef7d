"""Decisions about secrets, as the audit log has them."""

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from leger_cli import output
from leger_cli.output import Cell, Tone
from leger_cli.views import words

if TYPE_CHECKING:
    from leger.secrets.v1.audit_pb2 import AuditEntry, VerifyAuditResponse

_GRANTED = frozenset({"allowed", "unchanged"})
_FURTHER = ("version", "stack", "unit", "credential", "detail", "process", "address", "request_id")
_LEGER = re.compile(r"leger/\S+ \((.*); pid \d+\)")  # what this program calls itself
# What a reader of lines may take for the end of a value.
_NEEDS_QUOTES = re.compile(r'[^!-~]|["=]')


def entries(found: "Iterable[AuditEntry]") -> None:
    """Write a table at a terminal, else a line for each entry as it comes."""
    if not output.is_terminal(sys.stdout):
        for entry in found:
            line(entry)
        return
    rows = [_row(entry) for entry in found]
    if rows:
        columns = ("TIME", "PRINCIPAL", "ACTION", "SECRET", "OUTCOME", "DETAILS")
        output.table(columns, rows, unwrapped=("TIME", "ACTION", "OUTCOME"))
    else:
        output.remark("The audit log has no such entry.")


def line(entry: "AuditEntry") -> None:
    """Write an entry as one line: five words that are always there, then name=value."""
    moment = datetime.fromtimestamp(entry.time.seconds).astimezone().isoformat()
    outcome, tone = _outcome(entry)
    said = [
        output.paint(moment, Tone.FAINT),
        _word(entry.principal),
        _word(entry.action),
        _word(entry.secret),
        output.paint(_word(outcome), tone) if tone else _word(outcome),
        *(f"{name}={_word(str(value))}" for name in _FURTHER if (value := getattr(entry, name))),
    ]
    output.line(" ".join(said))


def intact(found: "VerifyAuditResponse") -> None:
    """Write that a log is whole, and what it comprises."""
    span = ""
    if found.lines:
        span = f", from {words.moment(found.first_time)} to {words.moment(found.last_time)}"
    count = f"{words.counted(found.lines, 'line')} in {words.counted(found.files, 'file')}"
    output.line(f"{output.paint('intact', Tone.GOOD)}: {count}{span}")
    if not found.anchored:
        output.remark(
            "The store is sealed, so its anchor cannot tell whether lines are missing at the end."
            "\n→ leger secrets unseal"
        )


def _row(entry: "AuditEntry") -> list[Cell]:
    outcome, tone = _outcome(entry)
    version = f" v{entry.version}" if entry.version else ""
    return [
        (_brief(entry.time.seconds), Tone.FAINT),
        entry.principal,
        entry.action,
        f"{entry.secret}{version}" if entry.secret else ("-", Tone.FAINT),
        (outcome, tone) if tone else outcome,
        (", ".join(_details(entry)), Tone.FAINT),
    ]


def _details(entry: "AuditEntry") -> Iterator[str]:
    if entry.unit and entry.principal != f"unit:{entry.unit}":
        yield entry.unit
    if entry.stack:
        yield f"stack {entry.stack}"
    own = _LEGER.fullmatch(entry.process)
    yield from filter(None, (entry.detail, own[1] if own else entry.process, entry.address))


def _brief(seconds: int) -> str:
    """Return the time, without the year where that is the one it is now."""
    moment = datetime.fromtimestamp(seconds).astimezone()
    is_this_year = moment.year == datetime.fromtimestamp(time.time()).astimezone().year
    return f"{moment:%b %d %H:%M:%S}" if is_this_year else f"{moment:%Y-%m-%d %H:%M}"


def _outcome(entry: "AuditEntry") -> tuple[str, Tone | None]:
    return entry.outcome, None if entry.outcome in _GRANTED else Tone.BAD


def _word(text: str) -> str:
    """Return the text as one word, in JSON's quotes where it is none."""
    if not text:
        return "-"
    return json.dumps(text, ensure_ascii=False) if _NEEDS_QUOTES.search(text) else text
