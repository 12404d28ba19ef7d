"""Points in time as requests bring them."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS = range(1_000_000_000)


class NoSuchTime(ValueError):
    """A time that no calendar has."""


class TimeAsked(NamedTuple):
    """Seconds from 1970 on, in UTC, and nanoseconds; they may be none of a calendar's."""

    seconds: int
    nanos: int = 0

    def moment(self) -> datetime:
        """Return that time, to the microsecond. Raises NoSuchTime outside of the years 1 to 9999.

        Nanoseconds count forward, as google.protobuf.Timestamp has them.
        """
        if self.nanos not in _NANOS:
            raise NoSuchTime
        try:
            return _EPOCH + timedelta(seconds=self.seconds, microseconds=self.nanos // 1_000)
        except OverflowError:
            raise NoSuchTime from None
