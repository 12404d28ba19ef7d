"""Times on a command line."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from leger_cli import times
from leger_cli.errors import UsageError


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A place two hours east of UTC in winter."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX-02")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("2027-01-01", datetime(2026, 12, 31, 22, tzinfo=UTC)),
        ("2027-01-01T12:30", datetime(2027, 1, 1, 10, 30, tzinfo=UTC)),
        ("2027-01-01T12:30Z", datetime(2027, 1, 1, 12, 30, tzinfo=UTC)),
        ("never", None),
    ],
)
def test_a_date_begins_where_leger_runs(zone: None, text: str, point: datetime | None) -> None:
    assert times.point(text, option="--expires") == point


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("2026-01-01", datetime(2025, 12, 31, 22, tzinfo=UTC)),
        ("2026-01-01T12:30", datetime(2026, 1, 1, 10, 30, tzinfo=UTC)),
        ("2026-01-01T12:30:15Z", datetime(2026, 1, 1, 12, 30, 15, tzinfo=UTC)),
    ],
)
def test_a_time_in_the_past_may_be_a_date_or_a_moment(
    zone: None, text: str, point: datetime
) -> None:
    assert times.past(text, option="--since") == point


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7_200), ("3d", 259_200), ("1w", 604_800)]
)
def test_a_length_of_the_past_counts_back_from_now(text: str, seconds: int) -> None:
    past = times.past(text, option="--since")
    ago = datetime.now(UTC) - past
    assert timedelta(seconds=seconds) <= ago < timedelta(seconds=seconds + 10)


@pytest.mark.parametrize("text", ["", "h", "2", "2x", "-2h", "yesterday", "never", "9999999d"])
def test_what_is_no_time_in_the_past_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        times.past(text, option="--since")


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("2w", 14), ("12h", 0.5), ("0d", 0)])
def test_a_length_counts_from_now(text: str, days: float) -> None:
    point = times.point(text, option="--expires")
    assert point is not None
    left = point - datetime.now(UTC)
    assert timedelta(days=days) - timedelta(seconds=10) < left <= timedelta(days=days)


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "90 d", "1y", "soon", "999999w", "٣d"])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="--expires"):
        times.point(text, option="--expires")


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("12w", 84), ("never", 0)])
def test_an_interval_is_in_days(text: str, days: int) -> None:
    assert times.days(text, option="--rotate-every") == days


@pytest.mark.parametrize("text", ["", "0d", "90", "2027-01-01", "1h"])
def test_anything_else_is_no_interval(text: str) -> None:
    with pytest.raises(UsageError, match="--rotate-every"):
        times.days(text, option="--rotate-every")
