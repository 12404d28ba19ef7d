"""How the services of the stacks are, as systemd and podman say."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from leger_runtime.errors import LegerError

from leger_deployer.domain import installed
from leger_deployer.domain.failure import EXIT_CREDENTIALS, Explainer, in_words
from leger_deployer.domain.ports.container_engine import ContainerEngine, Health
from leger_deployer.domain.ports.secrets_directory import Refusal
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import UnitManager, UnitState
from leger_deployer.domain.stack import Generation, StackUnit, stem

log = logging.getLogger(__name__)


class ServiceState(Enum):
    """How a service is; the names are those of the contract."""

    RUNNING = auto()
    STARTING = auto()
    UNHEALTHY = auto()
    STOPPED = auto()
    FAILED = auto()


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """A service of a stack as it is now; `why` is "" while it runs."""

    stack: str
    unit: StackUnit
    state: ServiceState
    requires: tuple[str, ...]
    since: datetime | None
    why: str
    restarts: int


@dataclass(frozen=True, kw_only=True)
class StatusReport:
    """All services asked for, and whether the secrets service had its say."""

    services: tuple[ServiceStatus, ...]
    secrets_available: bool


@dataclass(frozen=True, kw_only=True)
class StatusReader:
    """Asks systemd, podman and the secrets service how services are."""

    files: StackFiles
    units: UnitManager
    engine: ContainerEngine
    explainer: Explainer

    def report(self, stack: str = "") -> StatusReport:
        """Return the status of one stack's services, or of all.

        Raises InvalidName, StackNotFound.
        """
        if stack:
            return self.of([installed.one_stack(self.files, stack)])
        return self.of(installed.all_stacks(self.files))

    def of_units(self, units: Iterable[StackUnit]) -> StatusReport:
        """Return the status of single services, wherever they belong."""
        names = {unit.unit for unit in units}
        everything = self.report()
        return StatusReport(
            services=tuple(s for s in everything.services if s.unit.unit in names),
            secrets_available=everything.secrets_available,
        )

    def of_applied(self, generation: Generation) -> StatusReport:
        """Return the status of a stack that was just installed; no services when nobody can tell.

        It raises no LegerError: the apply is done, and must not be called failed.
        """
        try:
            return self.of([generation])
        except LegerError as error:
            log.warning("the stack %s is installed; how it is: %s", generation.stack, error)
            return StatusReport(services=(), secrets_available=False)

    def of(self, generations: Sequence[Generation]) -> StatusReport:
        """Return the status of the services of generations, sorted by stack and service."""
        refusals = self.explainer.refusals()
        units = [unit.unit for g in generations for unit in g.startable]
        states = self.units.states(units)
        services = [
            self._status(generation, unit, states, refusals)
            for generation in generations
            for unit in generation.services
        ]
        services.sort(key=lambda status: (status.stack, status.unit.service))
        return StatusReport(services=tuple(services), secrets_available=refusals is not None)

    def _status(
        self,
        generation: Generation,
        unit: StackUnit,
        states: Mapping[str, UnitState],
        refusals: Mapping[str, Refusal] | None,
    ) -> ServiceStatus:
        state = states[unit.unit]
        health = Health(status="")
        if state.active in ("active", "activating") and unit.healthy_within and unit.resource:
            health = self.engine.health(unit.resource)
        service_state = classify(state, health.status)
        if service_state is ServiceState.FAILED:
            state = self.explainer.recalled(state)
        named = [generation.unit(name) for name in unit.requires]
        broken = [
            other.unit
            for other in named
            if other is not None and classify(states[other.unit], "") is ServiceState.FAILED
        ]
        why = _why(service_state, state, health, refusals, broken)
        # What it requires may be well again by now, and nothing starts this one then.
        is_stopped = service_state is ServiceState.STOPPED and not broken
        if is_stopped and self.explainer.was_held_back(unit.unit):
            service_state = ServiceState.FAILED
            why = (
                "It was not started, as something that it requires had failed."
                f" `leger services start {unit.service}` starts it."
            )
        return ServiceStatus(
            stack=generation.stack,
            unit=unit,
            state=service_state,
            requires=tuple(o.service for o in named if o is not None and o.kind.is_service),
            since=state.since,
            why=why,
            restarts=state.restarts,
        )


def classify(state: UnitState, health: str) -> ServiceState:
    """Return how a service is, from its unit's state and its container's health."""
    match state.active:
        case "active" | "reloading" | "refreshing":
            if health == "unhealthy":
                return ServiceState.UNHEALTHY
            return ServiceState.STARTING if health == "starting" else ServiceState.RUNNING
        case "activating":
            # Between a failure and the next try: up again and again, but not up.
            return ServiceState.FAILED if state.sub.startswith("auto-restart") else (
                ServiceState.UNHEALTHY if health == "unhealthy" else ServiceState.STARTING
            )  # fmt: skip
        case "failed":
            return ServiceState.FAILED
    return ServiceState.STOPPED if state.exists else ServiceState.FAILED


def _why(
    service: ServiceState,
    state: UnitState,
    health: Health,
    refusals: Mapping[str, Refusal] | None,
    broken: Sequence[str],
) -> str:
    match service:
        case ServiceState.RUNNING | ServiceState.STARTING:
            return ""
        case ServiceState.UNHEALTHY:
            said = " ".join(health.output.split())
            return f"Its health check fails: {said}" if said else "Its health check fails."
        case ServiceState.FAILED:
            # systemd takes it down with what it requires, and then it may not have ended well.
            follows = "" if refusals and state.unit in refusals else _requirement(broken)
            return f"{_failure(state, refusals)} {follows}".rstrip()
    if broken:
        return _requirement(broken)
    return "It is being stopped." if state.active == "deactivating" else "It was stopped, or ended."


def _requirement(broken: Sequence[str]) -> str:
    return f"It requires {', '.join(broken)}, which failed." if broken else ""


def _failure(state: UnitState, refusals: Mapping[str, Refusal] | None) -> str:
    if not state.exists:
        return "systemd has no such unit: the Quadlet generator does not make it any more."
    refusal = (refusals or {}).get(state.unit)
    reason = refusal.message if refusal else in_words(state)
    if state.sub.startswith("auto-restart"):
        return f"{reason} systemd starts it again and again.".lstrip()
    if state.result == "exit-code" and state.exit_status == EXIT_CREDENTIALS and not refusal:
        # As while leger was not installed, or its services were stopped.
        if refusals is None:
            return f"{reason} The secrets service does not answer now, either: see `leger doctor`."
        return f"{reason} `leger services start {stem(state.unit)}` has it ask again."
    return reason or f"systemd says it is {state.active} ({state.sub})."
