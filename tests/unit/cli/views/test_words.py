"""Times and sizes as a person says them."""

import pytest
from leger_cli.views import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (0.4, "0s"), (59, "59s"), (61, "1m"), (7_300, "2h"), (90_000, "1d")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert words.age(seconds) == text


def test_long_work_is_timed_in_minutes() -> None:
    assert (words.elapsed(0.44), words.elapsed(125)) == ("0.4s", "2m 05s")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (53_248_000_000, "53.2 GB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_a_size_is_told_in_units_of_a_thousand(count: int, text: str) -> None:
    assert words.size(count) == text
