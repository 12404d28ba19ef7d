"""Restarting running units, with what systemd and Quadlet restart along with them.

Two things make more of a restart than one job. systemd restarts what requires a unit, or is bound
to it, together with it; if that does not come back, somebody has to notice. And a pod of Quadlet
ends with its last running container (`--exit-policy=stop`), and then the start of that container
finds the unit that it is bound to stopped and fails; so in the place of the last containers of a
pod the pod's unit is restarted, which restarts them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from leger_deployer.domain import installed
from leger_deployer.domain.errors import SecretNotFound
from leger_deployer.domain.ports.container_engine import ContainerEngine
from leger_deployer.domain.ports.secrets_directory import SecretsDirectory
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import UnitAction, UnitManager
from leger_deployer.domain.progress import Report
from leger_deployer.domain.stack import StackUnit, UnitKind
from leger_deployer.domain.start import Starter
from leger_deployer.domain.unit_name import template_of


@dataclass(frozen=True, kw_only=True)
class Restart:
    """The units that systemd is asked to restart, and those that it restarts along with them.

    Each in the order in which they start.
    """

    asked: tuple[StackUnit, ...]
    along: tuple[StackUnit, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All units that are restarted."""
        return tuple(unit.unit for unit in (*self.asked, *self.along))


@dataclass(frozen=True, kw_only=True)
class Restarter:
    """Restarts units of installed stacks, and waits until all that was touched is up and well."""

    files: StackFiles
    units: UnitManager
    engine: ContainerEngine
    secrets: SecretsDirectory
    starter: Starter

    def in_order(self, names: Collection[str]) -> list[str]:
        """Return those that are services of installed stacks, in the order of their start."""
        return [name for name in installed.services(self.files, self.units) if name in names]

    def plan(self, wanted: Collection[str]) -> Restart:
        """Return what restarting these services, by their units, comes to."""
        services = installed.services(self.files, self.units)
        states = self.units.states(services)
        running = {name for name in services if states[name].is_running}
        pods = set(_pods_that_end(services, set(wanted), running))
        asked = pods | {name for name in wanted if services[name].pod not in pods}
        # A container of such a pod may have been stopped: then nothing but this starts it.
        along = {*wanted, *(self.units.dependents(asked) & running)} - asked
        return Restart(
            asked=tuple(unit for name, unit in services.items() if name in asked),
            along=tuple(unit for name, unit in services.items() if name in along),
        )

    def require_secrets(self, restart: Restart) -> None:
        """Raise SecretNotFound when a unit would be stopped that could not start again."""
        templates = {template_of(name) for name in restart.names} | set(restart.names)
        users: dict[str, set[str]] = {}
        for generation in installed.all_stacks(self.files):
            for use in generation.secrets:
                if use.unit in templates:
                    users.setdefault(use.secret, set()).add(use.unit)
        missing = sorted(users.keys() - self.secrets.stored()) if users else []
        if missing:
            needing = sorted({unit for name in missing for unit in users[name]})
            raise SecretNotFound(
                f"Nothing was restarted, as {_not_stored(missing)}.",
                why=f"Without {'it' if len(missing) == 1 else 'them'} {', '.join(needing)}"
                " would be stopped and could not start again.",
                next_step="Store "
                + ", ".join(f"`leger secrets put {name}`" for name in missing)
                + ".",
            )

    def run(self, restart: Restart, report: Report) -> None:
        """Restart the units and wait. Raises UnitFailed or UnitUnhealthy for the first that fails.

        Those that are not running are started.
        """
        # A unit that failed too often is not tried again unless that is forgotten.
        self.units.reset_failed(restart.names)
        since = self.starter.clock()
        states = self.units.states(restart.names)
        for unit in (*restart.asked, *restart.along):
            # While a unit is on its way up, or its start has timed out, systemd can only signal it,
            # and waits for long when the container takes no notice; podman knows how to end that.
            if states[unit.unit].is_changing and unit.kind is UnitKind.CONTAINER:
                self.engine.stop_container(unit.resource)
        self.starter.run(UnitAction.RESTART, restart.asked, report, since=since)
        if restart.along:
            # Their jobs are queued, or done: a start waits for what is under way.
            self.starter.run(UnitAction.START, restart.along, report, since=since)

    def run_again(self, restart: Restart, report: Report) -> None:
        """Start what a restart that failed has left down, and wait, as `run` does.

        Systemd's own next try comes first: what kept a unit from its start may pass with time.
        """
        self.starter.await_automatic_restart(restart.names)
        self.units.reset_failed(restart.names)
        since = self.starter.clock()
        wanted = (*restart.asked, *restart.along)
        self.starter.run(UnitAction.START, wanted, report, since=since)


def _pods_that_end(
    services: Mapping[str, StackUnit], wanted: set[str], running: set[str]
) -> Iterator[str]:
    """Yield the pods of which no container would be left running, or that are wanted themselves."""
    for pod in {services[name].pod for name in wanted} - {""}:
        containers = {name for name in running if services[name].pod == pod}
        if pod in wanted or (pod in running and containers <= wanted):
            yield pod


def _not_stored(names: list[str]) -> str:
    if len(names) == 1:
        return f"the secret {names[0]} is not stored"
    return f"{len(names)} secrets are not stored: {', '.join(names)}"
