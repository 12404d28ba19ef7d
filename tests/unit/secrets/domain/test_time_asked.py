from datetime import UTC, datetime

import pytest
from leger_secrets.domain.time_asked import NoSuchTime, TimeAsked


@pytest.mark.parametrize(
    ("asked", "time"),
    [
        (TimeAsked(0), datetime(1970, 1, 1, tzinfo=UTC)),
        (TimeAsked(-1, 999_999_999), datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        (TimeAsked(-62_135_596_800), datetime.min.replace(tzinfo=UTC)),
        (TimeAsked(253_402_300_799, 999_999_999), datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_time_is_taken_to_the_microsecond_below(asked: TimeAsked, time: datetime) -> None:
    assert asked.moment() == time


@pytest.mark.parametrize(
    "asked",
    [
        TimeAsked(-62_135_596_801, 999_999_999),
        TimeAsked(253_402_300_800),
        TimeAsked(2**63 - 1),
        TimeAsked(-(2**63)),
        TimeAsked(0, -1),
        TimeAsked(0, 1_000_000_000),
    ],
)
def test_what_no_calendar_has_is_no_time(asked: TimeAsked) -> None:
    with pytest.raises(NoSuchTime):
        asked.moment()
