"""Starting, stopping and restarting services of installed stacks."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from leger_deployer.domain import installed
from leger_deployer.domain.errors import ServiceNotFound, UnitFailed
from leger_deployer.domain.ports.container_engine import ContainerEngine
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import JobResult, UnitAction, UnitManager
from leger_deployer.domain.progress import Phase, Report, Step
from leger_deployer.domain.rebinding import Rebinder
from leger_deployer.domain.restart import Restarter
from leger_deployer.domain.stack import StackUnit, UnitKind
from leger_deployer.domain.start import Starter


@dataclass(frozen=True, kw_only=True)
class Controller:
    """Acts on services by the names that a person uses for them."""

    files: StackFiles
    units: UnitManager
    engine: ContainerEngine
    starter: Starter
    restarter: Restarter
    rebinder: Rebinder
    changing: threading.RLock

    def control(
        self, action: UnitAction, names: Sequence[str], report: Report
    ) -> tuple[StackUnit, ...]:
        """Act on services, or on all services of stacks, wait, and return those acted on.

        Raises ServiceNotFound before anything is done, UnitFailed and UnitUnhealthy; and for a
        restart, before anything is stopped, SecretNotFound and SecretsUnavailable.
        """
        with self.changing:
            chosen = self._chosen(names)
            if action is not UnitAction.STOP:
                # The store may be another one since a moment ago. If this fails, it may not matter
                # to these services; to those that it does, the start says why.
                self.rebinder.try_to_rebind()
            match action:
                case UnitAction.STOP:
                    self._stop(chosen, report)
                case UnitAction.START:
                    # A unit that failed too often is not tried again unless that is forgotten.
                    self.units.reset_failed(unit.unit for unit in chosen)
                    self.starter.run(action, chosen, report)
                case UnitAction.RESTART:
                    restart = self.restarter.plan([unit.unit for unit in chosen])
                    self.restarter.require_secrets(restart)
                    self.restarter.run(restart, report)
            return chosen

    def service(self, name: str) -> StackUnit:
        """Return one service by its name. Raises ServiceNotFound."""
        for generation in installed.all_stacks(self.files):
            for unit in generation.services:
                if name in (unit.service, unit.unit):
                    return unit
        raise _unknown([name], "service")

    def _chosen(self, names: Sequence[str]) -> tuple[StackUnit, ...]:
        """Return the services that are named, each stack's in the order in which they start."""
        unknown = set(names)
        chosen: list[StackUnit] = []
        for generation in installed.all_stacks(self.files):
            for unit in generation.services:
                called = {generation.stack, unit.service, unit.unit}
                if called & set(names):
                    chosen.append(unit)
                unknown -= called
        if unknown or not names:
            raise _unknown(sorted(unknown), "service or stack")
        return tuple(chosen)

    def _stop(self, wanted: Sequence[StackUnit], report: Report) -> None:
        states = self.units.states(unit.unit for unit in wanted)
        refused: list[JobResult] = []
        with Phase(report, Step.STOP, total=len(wanted)) as phase:
            for unit in wanted:
                if states[unit.unit].is_changing and unit.kind is UnitKind.CONTAINER:
                    self.engine.stop_container(unit.resource)
            order = [unit.unit for unit in reversed(wanted)]
            for ended in self.units.jobs(UnitAction.STOP, order):
                if ended is None:
                    continue
                if ended.result == "done":
                    phase.done(ended.unit)
                else:
                    phase.failed(ended.unit, ended.detail or ended.result)
                    refused.append(ended)
            if refused:
                raise _not_stopped(refused[0])
        # A stop that is asked for is no failure to be shown from then on.
        self.units.reset_failed(unit.unit for unit in wanted)


def _not_stopped(ended: JobResult) -> UnitFailed:
    return UnitFailed(
        f"{ended.unit} does not stop.",
        why=f"systemd says: {(ended.detail or ended.result).rstrip('.')}.",
        next_step=f"`systemctl status {ended.unit}` shows how it is (`--user` in the user scope).",
    )


def _unknown(names: Sequence[str], what: str) -> ServiceNotFound:
    return ServiceNotFound(
        f"There is no {what} named {', '.join(names)}." if names else "No service is named.",
        why="No installed stack has it." if names else "At least one is needed.",
        next_step="`leger status` shows all services.",
    )
