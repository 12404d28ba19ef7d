"""Points and lengths of time as they are written on a command line."""

import re
from datetime import UTC, datetime, timedelta

from leger_cli.errors import UsageError

NEVER = "never"

_LENGTH = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def point(text: str, *, option: str) -> datetime | None:
    """Return when "2027-01-01" begins here, "2027-01-01T12:00Z" is, or 90d from now is; or never.

    None is never. Raises UsageError, naming the option.
    """
    if text == NEVER:
        return None
    expected = "a length of time such as 12h or 90d, a date or a time, or never"
    return _moment(text, +1, option=option, expected=expected)


def past(text: str, *, option: str) -> datetime:
    """Return when 2h ago was, "2027-01-01" began here, or "2027-01-01T12:00Z" was.

    Raises UsageError, naming the option.
    """
    expected = "a length of time such as 2h or 3d, a date or a time"
    return _moment(text, -1, option=option, expected=expected)


def days(text: str, *, option: str) -> int:
    """Return how many days "90d" or "12w" are; 0 for never. Raises UsageError."""
    if text == NEVER:
        return 0
    length = _LENGTH.fullmatch(text)
    days = int(length[1]) * _UNITS[length[2]] // _UNITS["d"] if length and length[2] in "dw" else 0
    if days == 0:
        raise _refused(option, "a number of days such as 90d, or never")
    return days


def _moment(text: str, direction: int, *, option: str, expected: str) -> datetime:
    """Return the date or time, or the one at a length of time from now in a direction."""
    try:
        if length := _LENGTH.fullmatch(text):
            return datetime.now(UTC) + direction * int(length[1]) * _UNITS[length[2]]
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refused(option, expected) from None


def _refused(option: str, expected: str) -> UsageError:
    return UsageError(
        f"{option} was given something that leger does not understand.",
        why=f"It takes {expected}.",
        next_step="Write it like that.",
    )
