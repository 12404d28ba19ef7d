"""Taking a stack off the host: the one way, for a removal and for undoing an apply."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from leger_runtime.errors import LegerError

from leger_deployer.domain.intent import Intent, Operation
from leger_deployer.domain.ports.container_engine import ContainerEngine
from leger_deployer.domain.ports.secrets_directory import SecretsDirectory
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import UnitAction, UnitManager
from leger_deployer.domain.progress import Phase, Report, Step
from leger_deployer.domain.stack import Generation, UnitKind


@dataclass(kw_only=True)
class Removed:
    """What was stopped, deleted and kept, by the names of systemd and podman."""

    stopped_units: list[str] = field(default_factory=list)
    kept_volumes: list[str] = field(default_factory=list)
    deleted_volumes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Teardown:
    """Takes away all that an intent names. Doing it again is safe, at any point."""

    units: UnitManager
    engine: ContainerEngine
    secrets: SecretsDirectory
    files: StackFiles

    def run(self, intent: Intent, report: Report) -> Removed:
        """Take the stack away and clear the intent.

        A step that fails keeps none of the others from being tried; then the first failure is
        raised and the intent stays, for a later try.
        """
        generation = intent.generation
        removed, problems = Removed(), list[LegerError]()

        def attempt(step: Callable[[], None]) -> None:
            try:
                step()
            except LegerError as error:
                problems.append(error)

        def clean(phase: Phase) -> None:
            for step in self._cleaning(intent, removed, phase):
                attempt(step)
            if problems:
                raise problems[0]
            self.files.drop_generations(generation.stack)
            self.files.clear_intent(generation.stack)

        if intent.operation is Operation.APPLY:
            with Phase(report, Step.ROLL_BACK) as phase:
                attempt(lambda: self._stop(generation, removed, phase))
                clean(phase)
        else:
            with Phase(report, Step.STOP) as phase:
                attempt(lambda: self._stop(generation, removed, phase))
            with Phase(report, Step.CLEAN) as phase:
                clean(phase)
        return removed

    def _stop(self, generation: Generation, removed: Removed, phase: Phase) -> None:
        templates = [unit.unit for unit in generation.units if unit.is_template]
        instances = self.units.instances(templates) if templates else []
        names = [*instances, *(unit.unit for unit in reversed(generation.startable))]
        states = self.units.states(names)
        for unit in generation.startable:
            # While a unit is on its way up, or its start has timed out, systemd can only signal it;
            # podman knows how to end a container that takes no notice of that.
            if states[unit.unit].is_changing and unit.kind is UnitKind.CONTAINER:
                self.engine.stop_container(unit.resource)
        running = [n for n in names if states[n].active not in ("inactive", "failed")]
        phase.expect(len(running))
        for ended in self.units.jobs(UnitAction.STOP, running):
            if ended is None:
                continue
            if ended.result == "done":
                removed.stopped_units.append(ended.unit)
                phase.done(ended.unit)
            else:  # podman takes its container away all the same
                phase.failed(ended.unit, ended.detail or ended.result)

    def _cleaning(
        self, intent: Intent, removed: Removed, phase: Phase
    ) -> Iterable[Callable[[], None]]:
        generation, engine = intent.generation, self.engine
        names = {unit.unit for unit in generation.startable} | set(removed.stopped_units)
        yield partial(self.files.withdraw, generation.stack)
        yield self.units.reload
        yield partial(self.units.reset_failed, sorted(names))

        def network(name: str) -> None:
            if not engine.remove_network(name):
                phase.failed(name, "something else still uses the network")

        def volume(name: str) -> None:
            if engine.remove_volume(name):
                removed.deleted_volumes.append(name)
            else:
                removed.kept_volumes.append(name)
                phase.failed(name, "something else still uses the volume")

        for unit in generation.units:
            if unit.kind is UnitKind.CONTAINER and unit.resource:
                yield partial(engine.remove_container, unit.resource)
        for unit in generation.units:
            if unit.kind is UnitKind.POD and unit.resource:
                yield partial(engine.remove_pod, unit.resource)
        for name in generation.networks:
            yield partial(network, name)
        for name in generation.volumes:
            if name in intent.doomed_volumes:
                yield partial(volume, name)
            else:
                removed.kept_volumes.append(name)
        for name in generation.podman_secrets:
            yield partial(engine.remove_secret, name)
        if generation.secrets:
            yield partial(self.secrets.bind, generation.stack, ())
