"""Times and counts as a person says them."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))


def moment(time: "Timestamp") -> str:
    """Return the time in the local zone, to the second."""
    return datetime.fromtimestamp(time.seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def age(seconds: float) -> str:
    """Return a length of time in its largest whole unit, such as "3m"."""
    for name, size in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)}{name}"
    return f"{max(int(seconds), 0)}s"


def span(seconds: float) -> str:
    """Return a length of time in words, such as "12 days" or "1 hour"; "0 seconds" at least."""
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return counted(int(seconds // size), name)
    return counted(max(int(seconds), 0), "second")


def elapsed(seconds: float) -> str:
    """Return how long work took so far, such as "0.4s" or "2m 05s"."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    return f"{int(seconds // 60)}m {int(seconds % 60):02}s"


def counted(count: int, thing: str) -> str:
    """Return the count with its noun, such as "1 unit" or "3 units"."""
    return f"{count} {thing}{'s' * (count != 1)}"


def size(count: int) -> str:
    """Return a number of bytes in the largest unit of a thousand, such as "1.2 MB"."""
    if count < 1_000:
        return f"{count} B"
    amount, unit = count / 1_000, "kB"
    for larger in ("MB", "GB", "TB"):
        if amount < 999.95:
            break
        amount, unit = amount / 1_000, larger
    return f"{amount:.1f} {unit}"
