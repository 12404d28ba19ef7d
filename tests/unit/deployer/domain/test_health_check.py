"""Health checks run when podman's options say, and early where that costs nothing."""

import pytest
from leger_deployer.domain.health_check import HealthCheck, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30s", 30), ("1m30s", 90), ("1.5h", 5400), ("500ms", 0.5), ("0", 0), ("disable", 0),
     ("2m", 120), ("1µs", 1e-6)],
)  # fmt: skip
def test_durations_are_those_of_go(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "30", "s", "30 s", "-1s", "1d"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert seconds(text) is None


@pytest.mark.parametrize(
    ("start_period", "probes"),
    [
        (0.0, (0.5,)),
        (1.0, (0.5,)),
        (4.0, (0.5, 1, 2, 3)),
        (30.0, (0.5, 1, 2, 3, 5, 8, 13, 21)),
        (900.0, (0.5, 1, 2, 3, 5, 8, 13, 21, 34, 55)),
    ],
)
def test_early_probes_lie_within_the_start_period(
    start_period: float, probes: tuple[float, ...]
) -> None:
    assert HealthCheck(start_period=start_period).early_probes == probes


def test_a_startup_check_is_probed_at_its_own_pace_as_its_failures_count() -> None:
    check = HealthCheck(start_period=60, startup_interval=4.0, startup_retries=3)
    assert check.early_probes == (0.5, 4.5, 8.5)


def test_the_time_after_which_podman_has_decided() -> None:
    check = HealthCheck(interval=10, timeout=5, retries=3, start_period=20)
    assert check.settled_after == 20 + 4 * 15
