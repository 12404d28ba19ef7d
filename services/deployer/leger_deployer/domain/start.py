"""Starting units, and waiting until they are up, and well where they can tell."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leger_deployer.domain.errors import UnitFailed, UnitUnhealthy
from leger_deployer.domain.failure import Explainer
from leger_deployer.domain.health_watch import HealthWatch
from leger_deployer.domain.ports.container_engine import ContainerEngine
from leger_deployer.domain.ports.unit_manager import JobResult, UnitAction, UnitManager, UnitState
from leger_deployer.domain.progress import Phase, Report, Step
from leger_deployer.domain.stack import StackUnit

# A container counts as started when its first process runs, which tells little: it must stay up
# for a while. One that waits for others may be restarted by systemd, but not for ever.
STAYS_UP = 2.0
MOST_RESTARTS = 3
SETTLES_WITHIN = 60.0
POLL = 0.5


@dataclass(frozen=True, kw_only=True)
class Starter:
    """Starts units of a stack; `clock` tells the time, `sleep` waits for seconds."""

    units: UnitManager
    engine: ContainerEngine
    explainer: Explainer
    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(
        self,
        action: UnitAction,
        wanted: Sequence[StackUnit],
        report: Report,
        *,
        since: datetime | None = None,
    ) -> None:
        """Start or restart units, in the given order, and wait until they are up.

        Raises UnitFailed or UnitUnhealthy as soon as one cannot be, with the last lines that it
        wrote after `since`, or now; the others are left as they are then.
        """
        watch = HealthWatch(
            engine=self.engine,
            explainer=self.explainer,
            monotonic=self.monotonic,
            since=since or self.clock(),
        )
        with Phase(report, Step.START, total=len(wanted)) as phase:
            self._jobs(action, wanted, phase, watch)
        services = [unit for unit in wanted if unit.kind.is_service]
        with Phase(report, Step.HEALTH, total=len(services)) as phase:
            self._settle(services, phase, watch)

    def await_automatic_restart(self, names: Collection[str]) -> None:
        """Wait while systemd lets time pass before it restarts any of these by itself.

        No longer than a start may take to settle.
        """
        begun = self.monotonic()
        before = self.units.states(names)
        waiting = {name for name in names if before[name].awaits_restart}
        while waiting and self.monotonic() - begun < SETTLES_WITHIN:
            self.sleep(POLL)
            # One that failed again meanwhile waits again, and was restarted all the same.
            waiting = {
                name
                for name, state in self.units.states(waiting).items()
                if state.awaits_restart and state.restarts == before[name].restarts
            }

    def _jobs(
        self, action: UnitAction, wanted: Sequence[StackUnit], phase: Phase, watch: HealthWatch
    ) -> None:
        by_name = {unit.unit: unit for unit in wanted}
        pending = dict(by_name)
        coming_up = set[str]()
        failed: list[JobResult] = []
        for ended in self.units.jobs(action, list(by_name)):
            if ended is None:
                self._look_after(list(pending.values()), coming_up, phase, watch)
                continue
            pending.pop(ended.unit, None)
            if ended.result == "done":
                phase.done(ended.unit)
                continue
            phase.failed(ended.unit, ended.detail or ended.result)
            failed.append(ended)
            if ended.result != "dependency":
                break  # this one is the cause, whatever else follows from it
        if failed:
            raise self._failed(failed[-1], by_name, watch)

    def _look_after(
        self,
        pending: Sequence[StackUnit],
        coming_up: set[str],
        phase: Phase,
        watch: HealthWatch,
    ) -> None:
        """Notice a service that cannot become healthy, long before the job of its start ends.

        `coming_up` are the units that were on their way up once: a unit that is restarted still has
        its former container while that is stopped.
        """
        states = self.units.states(unit.unit for unit in pending)
        for unit in pending:
            state = states[unit.unit]
            if state.active == "activating":
                coming_up.add(unit.unit)
                watch.check(unit, phase)
            elif state.result == "timeout" and unit.unit in coming_up:
                # The job ends when the container does, which may take no notice (TimeoutStopSec=).
                phase.failed(unit.unit, state.result)
                raise self._not_started(unit, state, watch)

    def _failed(
        self, ended: JobResult, wanted: dict[str, StackUnit], watch: HealthWatch
    ) -> UnitFailed | UnitUnhealthy:
        unit = wanted[ended.unit]
        if ended.result == "refused":
            return self._unit_failed(unit.unit, ended.detail)
        state = self.units.states([ended.unit])[ended.unit]
        if ended.result == "dependency":
            return self._unit_failed(unit.unit, "A unit that it requires did not start.")
        if ended.result in ("canceled", "skipped"):
            return self._unit_failed(unit.unit, "Its start was cancelled.")
        return self._not_started(unit, state, watch)

    def _not_started(
        self, unit: StackUnit, state: UnitState, watch: HealthWatch
    ) -> UnitFailed | UnitUnhealthy:
        if state.result == "timeout" and unit.notifies_healthy and unit.resource:
            # Of a container that is gone by now nobody knows any more than that.
            return watch.unhealthy(unit, self.engine.health(unit.resource))
        return self._unit_failed(unit.unit, self.explainer.why(state, since=watch.since))

    def _settle(self, services: Sequence[StackUnit], phase: Phase, watch: HealthWatch) -> None:
        begun = self.monotonic()
        waiting = {unit.unit: _Watched(unit, since=begun) for unit in services}
        while waiting:
            states = self.units.states(waiting)
            now = self.monotonic()
            for name, watched in list(waiting.items()):
                if self._is_settled(watched, states[name], now, phase, watch):
                    del waiting[name]
                    phase.done(name)
                elif now - begun > max(SETTLES_WITHIN, watched.unit.healthy_within):
                    phase.failed(name)
                    raise self._not_in_time(watched.unit, states[name], watch)
            if waiting:
                self.sleep(POLL)

    def _is_settled(
        self,
        watched: "_Watched",
        state: UnitState,
        now: float,
        phase: Phase,
        watch: HealthWatch,
    ) -> bool:
        unit = watched.unit
        if watched.first_restarts is None:
            watched.first_restarts = watched.restarts = state.restarts
        if state.restarts != watched.restarts or state.active == "activating":
            watched.restarts, watched.since = state.restarts, now
        too_often = state.restarts - watched.first_restarts >= MOST_RESTARTS
        if state.active == "failed" or too_often:
            phase.failed(unit.unit)
            why = self.explainer.why(state, since=watch.since)
            if too_often:
                why = f"systemd restarted it {state.restarts} times. {why}"
            raise self._unit_failed(unit.unit, why)
        if state.active == "inactive":
            return True  # it did its work and ended well
        if unit.healthy_within and unit.resource:
            return watch.check(unit, phase) == "healthy" and state.active == "active"
        return now - watched.since >= STAYS_UP

    def _not_in_time(
        self, unit: StackUnit, state: UnitState, watch: HealthWatch
    ) -> UnitFailed | UnitUnhealthy:
        if unit.healthy_within and unit.resource:
            return watch.unhealthy(unit, self.engine.health(unit.resource))
        return self._unit_failed(unit.unit, self.explainer.why(state, since=watch.since))

    def _unit_failed(self, unit: str, why: str) -> UnitFailed:
        return UnitFailed(
            f"{unit} does not start.",
            why=why,
            next_step=f"Correct what stands there; more is in `{self.explainer.journal(unit)}`.",
        )


@dataclass(kw_only=True)
class _Watched:
    unit: StackUnit = field(kw_only=False)
    since: float
    first_restarts: int | None = None
    restarts: int = 0
