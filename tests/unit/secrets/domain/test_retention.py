"""Which scheduled backups stay."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from leger_secrets.domain.retention import expired

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
# Far apart, and so close that most of them are of the same 48 hours.
moments = st.one_of(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.datetimes(datetime(2026, 6, 28), datetime(2026, 7, 1), timezones=st.just(UTC)),
)


def left_after(times: list[datetime]) -> list[datetime]:
    """Return what stays when backups are made at these times, one after the other."""
    kept: list[datetime] = []
    for time in times:
        kept = [t for t in {*kept, time} if t not in expired([*kept, time], newest_made=time)]
    return sorted(kept)


def test_a_single_backup_stays() -> None:
    assert expired([NOON], newest_made=NOON) == []


def test_all_of_the_last_48_hours_stay() -> None:
    times = [NOON - timedelta(hours=hours) for hours in (47, 30, 3, 2, 1, 0)]
    assert expired(times, newest_made=NOON) == []


def test_of_an_earlier_day_the_newest_stays() -> None:
    times = [NOON - 2 * DAY - timedelta(hours=hours) for hours in (2, 1, 0)]
    assert expired([*times, NOON], newest_made=NOON) == times[:2]


def test_of_more_than_50_of_the_last_48_hours_the_newest_stay() -> None:
    times = [NOON - timedelta(minutes=minutes) for minutes in reversed(range(60))]
    assert expired(times, newest_made=NOON) == times[:10]


def test_those_of_a_clock_that_ran_ahead_do_not_crowd_out_the_recent_ones() -> None:
    ahead = [NOON + 300 * DAY + timedelta(minutes=minutes) for minutes in range(60)]
    recent = [NOON - timedelta(minutes=minutes) for minutes in range(5)]
    gone = expired([*ahead, *recent], newest_made=NOON)
    assert not set(recent) & set(gone)
    assert gone == ahead[:-1]


def test_seven_days_of_daily_backups_stay_with_one_more_a_week_and_a_month() -> None:
    kept = left_after([NOON - days * DAY for days in reversed(range(400))])
    # June 30, 2026 is a Tuesday: 24 to 30, then the Sundays before, then the ends of months.
    assert [time.strftime("%m-%d") for time in reversed(kept)] == [
        *("06-30", "06-29", "06-28", "06-27", "06-26", "06-25", "06-24"),
        *("06-21", "06-14"),
        *("05-31", "04-30", "03-31", "02-28", "01-31"),
        *("12-31", "11-30", "10-31", "09-30", "08-31", "07-31"),
    ]


def test_a_host_that_was_off_for_a_year_loses_nothing_by_that() -> None:
    before = [NOON - timedelta(days=400 + days) for days in range(5)]
    assert expired([*before, NOON], newest_made=NOON) == []


def test_the_one_just_made_stays_when_the_clock_has_gone_back() -> None:
    later = [NOON + days * DAY for days in range(1, 400)]
    gone = expired([*later, NOON], newest_made=NOON)
    assert NOON not in gone
    assert gone


@given(times=st.lists(moments, min_size=1, max_size=60, unique=True))
def test_what_stays_is_bounded_and_holds_the_newest_and_the_one_just_made(
    times: list[datetime],
) -> None:
    made = times[0]
    gone = expired(times, newest_made=made)
    kept = set(times) - set(gone)
    assert {made, max(times)} <= kept
    assert len(kept) <= 50 + 7 + 4 + 12 + 1
    assert gone == sorted(set(gone))
    assert expired(kept, newest_made=made) == []


@given(times=st.lists(moments, min_size=1, max_size=60, unique=True))
def test_no_period_that_counts_is_left_without_a_backup(times: list[datetime]) -> None:
    newest = max(times)
    kept = set(times) - set(expired(times, newest_made=newest))
    days = sorted({time.date() for time in times})[-7:]
    months = sorted({(time.year, time.month) for time in times})[-12:]
    assert set(days) <= {time.date() for time in kept}
    assert set(months) <= {(time.year, time.month) for time in kept}
