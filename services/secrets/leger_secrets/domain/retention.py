"""Which scheduled backups are kept as newer ones come: grandfather, father, son."""

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, timedelta

RECENT = timedelta(hours=48)
MOST_RECENT = 50
DAYS = 7
WEEKS = 4
MONTHS = 12


def expired(times: Iterable[datetime], *, newest_made: datetime) -> list[datetime]:
    """Return those backups, ascending, that are not to be kept any more.

    Kept are those of the 48 hours up to `newest_made`, the newest 50 of them: one that was made by
    hand before something risky is still there when that went wrong. And of each of the last 7 days,
    4 weeks (ISO 8601) and 12 months that have a backup at all, by UTC, the newest: counted in
    backups, not by today's date, so that a host that was off for a year, or whose clock jumps,
    loses none by that. `newest_made`, which is known to be good, is kept even when the clock has
    gone back and it looks older than the others.
    """
    newest_first = sorted({*times, newest_made}, reverse=True)
    # Not those of the future, if the clock has gone back: they would crowd out the recent ones.
    recent = [t for t in newest_first if t <= newest_made < t + RECENT]
    kept = {newest_made, *recent[:MOST_RECENT]}
    kept |= _newest_of_each(newest_first, DAYS, lambda time: time.date())
    kept |= _newest_of_each(newest_first, WEEKS, lambda time: time.isocalendar()[:2])
    kept |= _newest_of_each(newest_first, MONTHS, lambda time: (time.year, time.month))
    return [time for time in reversed(newest_first) if time not in kept]


def _newest_of_each(
    newest_first: list[datetime], count: int, period: Callable[[datetime], Hashable]
) -> set[datetime]:
    found: dict[Hashable, datetime] = {}
    for time in newest_first:
        found.setdefault(period(time), time)
    return set(list(found.values())[:count])
