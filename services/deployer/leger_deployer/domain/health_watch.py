"""Watching the health of services that are started: saying how it stands, and when to give up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from leger_deployer.domain.errors import UnitUnhealthy
from leger_deployer.domain.failure import Explainer
from leger_deployer.domain.ports.container_engine import ContainerEngine, Health
from leger_deployer.domain.progress import Phase
from leger_deployer.domain.stack import StackUnit

TELLS_EVERY = 5.0


@dataclass(kw_only=True)
class HealthWatch:
    """Of services that are started together; `since` is when that began, in the journal's time."""

    engine: ContainerEngine
    explainer: Explainer
    monotonic: Callable[[], float]
    since: datetime
    _first_seen: dict[str, float] = field(default_factory=dict)
    _starting_since: dict[str, float] = field(default_factory=dict)
    _told: dict[str, float] = field(default_factory=dict)

    def check(self, unit: StackUnit, phase: Phase) -> str:
        """Return podman's word for a service's health, and report how it stands while that lasts.

        It is "" where nothing checks it. Raises UnitUnhealthy when podman calls it unhealthy: the
        probe has failed as often as its retries, after its start period. Podman 5.4 waits for a
        probe that hangs, whatever its timeout; then the same is raised once a verdict is due.
        """
        if not unit.healthy_within or not unit.resource:
            self._tell(unit, phase, "waiting for it to start")
            return ""
        health = self.engine.health(unit.resource)
        now = self.monotonic()
        if health.status == "starting":
            self._starting_since.setdefault(unit.unit, now)
        overdue = now - self._starting_since.get(unit.unit, now) > unit.healthy_within
        if health.status == "unhealthy" or (health.status == "starting" and overdue):
            phase.failed(unit.unit)
            raise self.unhealthy(unit, health)
        if health.status != "healthy":
            self._tell(unit, phase, "waiting for it to be healthy", _so_far(health))
        return health.status

    def unhealthy(self, unit: StackUnit, health: Health) -> UnitUnhealthy:
        """Return the failure of a unit whose health check does not pass."""
        last_words = self.explainer.last_words(unit.unit, since=self.since)
        return UnitUnhealthy(
            f"{unit.unit} does not become healthy.",
            why=f"{_verdict(health)} {last_words}".rstrip(),
            next_step=f"Look at its health check, and at `{self.explainer.journal(unit.unit)}`.",
        )

    def _tell(self, unit: StackUnit, phase: Phase, waiting: str, so_far: str = "") -> None:
        now = self.monotonic()
        begun = self._first_seen.setdefault(unit.unit, now)
        if now - self._told.setdefault(unit.unit, begun) >= TELLS_EVERY:
            self._told[unit.unit] = now
            phase.waiting(unit.unit, f"{waiting}, {now - begun:.0f} s{so_far}")


def _so_far(health: Health) -> str:
    if not health.failures:
        return ""
    said = _printed(health)
    return f"; its health check failed {_times(health)}" + (f": {said}" if said else "")


def _verdict(health: Health) -> str:
    if not health.failures:
        return "Its health check gave no answer in time."
    said = _printed(health)
    said = f"; the latest time it said: {said}" if said else ", and said nothing"
    return f"Its health check failed {_times(health)}{said}."


def _times(health: Health) -> str:
    return "once" if health.failures == 1 else f"{health.failures} times"


def _printed(health: Health) -> str:
    lines = [line.strip() for line in health.output.splitlines() if line.strip()]
    return " | ".join(lines[-5:]).rstrip(".")
