"""Points and lengths of time as they are written on a command line."""

import re
from datetime import UTC, datetime, timedelta

from leger_cli.errors import UsageError

NEVER = "never"

_LENGTH = re.compile(r"(\d{1,4})([dw])", re.ASCII)
_DAYS = {"d": 1, "w": 7}
_AGO = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}


def point(text: str, *, option: str) -> datetime | None:
    """Return when "2027-01-01" begins here, "2027-01-01T12:00Z" is, or 90d from now is; or never.

    None is never. Raises UsageError, naming the option.
    """
    if text == NEVER:
        return None
    try:
        if length := _LENGTH.fullmatch(text):
            return datetime.now(UTC) + timedelta(days=int(length[1]) * _DAYS[length[2]])
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refused(option, "a date such as 2027-01-01, a time such as 90d, or never") from None


def past(text: str, *, option: str) -> datetime:
    """Return when 2h ago was, "2027-01-01" began here, or "2027-01-01T12:00Z" was.

    Raises UsageError, naming the option.
    """
    try:
        if ago := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(seconds=int(ago[1]) * _SECONDS[ago[2]])
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refused(option, "a length of time such as 2h or 3d, a date or a time") from None


def days(text: str, *, option: str) -> int:
    """Return how many days "90d" or "12w" are; 0 for never. Raises UsageError."""
    if text == NEVER:
        return 0
    length = _LENGTH.fullmatch(text)
    if not length or int(length[1]) == 0:
        raise _refused(option, "a number of days such as 90d, or never")
    return int(length[1]) * _DAYS[length[2]]


def _refused(option: str, expected: str) -> UsageError:
    return UsageError(
        f"{option} was given something that leger does not understand.",
        why=f"It takes {expected}.",
        next_step="Write it like that.",
    )
