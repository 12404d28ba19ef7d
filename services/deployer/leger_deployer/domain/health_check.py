"""When a container's health check runs.

Podman before 6.0 makes a timer that forgets `--transient-store`, so the unit brings its own. It
keeps the meaning that podman-run(1) gives to the options; failures within the start period do not
count, so that probing early there costs nothing and lets a service be ready as soon as it is.
"""

import re
from dataclasses import dataclass

DEFAULT_INTERVAL = 30.0
DEFAULT_TIMEOUT = 30.0
DEFAULT_RETRIES = 3
# Podman probes at once when a container is up; this leaves it the time to come up.
FIRST_PROBE = 0.5
_EARLY = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0)
_MOST_STARTUP_PROBES = 30

_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A health check's timing, in seconds; `interval` 0 means that nothing runs it by itself.

    `startup_interval` and `startup_retries` are those of a startup check, 0 where there is none.
    """

    interval: float = DEFAULT_INTERVAL
    start_period: float = 0.0
    timeout: float = DEFAULT_TIMEOUT
    retries: int = DEFAULT_RETRIES
    startup_interval: float = 0.0
    startup_retries: int = 0

    @property
    def early_probes(self) -> tuple[float, ...]:
        """Seconds after the start at which to probe, before the interval takes over."""
        if self.startup_interval:
            # Failures of a startup check count from the first: only as often as it says.
            count = min(self.startup_retries or _MOST_STARTUP_PROBES, _MOST_STARTUP_PROBES)
            return tuple(FIRST_PROBE + n * self.startup_interval for n in range(count))
        within = tuple(moment for moment in _EARLY if moment < self.start_period)
        return (FIRST_PROBE, *within)

    @property
    def settled_after(self) -> float:
        """Seconds after the start by which podman has called it healthy or unhealthy."""
        startup = self.startup_interval * (self.startup_retries or _MOST_STARTUP_PROBES)
        return self.start_period + startup + (self.retries + 1) * (self.interval + self.timeout)


def seconds(duration: str) -> float | None:
    """Return a duration as Go writes it, such as "1m30s", in seconds; None for anything else."""
    if duration in ("0", "disable"):
        return 0.0
    if not duration or _DURATION.sub("", duration):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration))
