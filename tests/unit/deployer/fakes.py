"""A host that stands behind the ports: its units, podman, secrets service and commands.

The stacks' files are real ones on the disk; what Quadlet makes of them was recorded from podman
5.4.2 on Debian 13 (`recorded/`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, cast

from leger_deployer import wiring
from leger_deployer.adapters.rollout_file import RolloutFile
from leger_deployer.adapters.stack_files import DiskStackFiles
from leger_deployer.config import Config
from leger_deployer.domain import drop_in
from leger_deployer.domain.errors import (
    ImageUnavailable,
    SecretNotFound,
    SecretsUnavailable,
    VersionNotFound,
)
from leger_deployer.domain.health_check import HealthCheck
from leger_deployer.domain.ports.container_engine import Health, Network
from leger_deployer.domain.ports.host_commands import CommandResult
from leger_deployer.domain.ports.rollout_journal import RolloutJournal
from leger_deployer.domain.ports.secret_versions import BoundUnit, SecretState, Served
from leger_deployer.domain.ports.secrets_directory import Refusal
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import JobResult, UnitAction, UnitState
from leger_deployer.domain.stack import Binding, SecretUse, StackUnit, UnitKind
from leger_deployer.domain.staging import Chunk, Header
from leger_deployer.domain.unit_name import template_of
from leger_runtime.errors import Kind, LegerError

RECORDED = Path(__file__).parent / "recorded"
SHOP = RECORDED / "shop"
IMAGES = {"localhost/shop/web:1", "localhost/shop/db:1", "localhost/shop/cache:1"}
SECRETS = {"api_key", "db/password"}


class NotForEnvironment(LegerError):
    """As the secrets service refuses a value with a byte of zero."""

    kind, reason = Kind.CONFLICT, "NOT_FOR_ENVIRONMENT"


class Killed(BaseException):
    """The process ended here: nothing of it runs any more."""


@dataclass
class Trouble:
    """Makes the n-th change of the host go wrong, before or after it is made."""

    at: int = -1
    error: BaseException | None = None
    after: bool = False
    changes: list[str] = field(default_factory=list)

    def during(self, name: str, change: Callable[[], Any]) -> Any:
        self.changes.append(name)
        strikes = len(self.changes) - 1 == self.at and self.error is not None
        if strikes and not self.after:
            raise cast("BaseException", self.error)
        result = change()
        if strikes:
            raise cast("BaseException", self.error)
        return result


class Troubled:
    """A port whose changing methods may be struck by trouble."""

    def __init__(self, port: object, trouble: Trouble, methods: Iterable[str]) -> None:
        self._port = port
        self._trouble = trouble
        self._methods = frozenset(methods)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in self._methods:
            return method
        return lambda *args, **kwargs: self._trouble.during(name, lambda: method(*args, **kwargs))


CHANGES_OF_A_ROLLOUT = ("write", "clear")
CHANGES_OF_FILES = (
    "record_intent",
    "store_generation",
    "switch",
    "withdraw",
    "drop_generations",
    "clear_intent",
)


@dataclass
class Versions:
    """The versions of a secret: those that are stored, the active one and the one before."""

    stored: set[int] = field(default_factory=lambda: {1})
    active: int = 1
    previous: int = 0


@dataclass
class FakeHost:
    """Units, podman and the secrets service, as far as the domain sees them."""

    data: Path
    quadlets: Path
    trouble: Trouble = field(default_factory=Trouble)
    states: dict[str, UnitState] = field(default_factory=dict)
    images: set[str] = field(default_factory=lambda: set(IMAGES))
    registry: set[str] = field(default_factory=set)
    image_checks: dict[str, HealthCheck] = field(default_factory=dict)
    container_names: set[str] = field(default_factory=set)
    network_list: list[Network] = field(default_factory=lambda: [Network(name="podman")])
    volume_names: set[str] = field(default_factory=set)
    podman_secrets: dict[str, str] = field(default_factory=dict)
    stored_secrets: set[str] = field(default_factory=lambda: set(SECRETS))
    bindings: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    # Of a stored secret that is not here, version 1 is active.
    versions: dict[str, Versions] = field(default_factory=dict)
    # (unit, secret) -> what the unit was last handed; (unit, secret, version) that are kept back.
    served: dict[tuple[str, str], Served] = field(default_factory=dict)
    kept_back: set[tuple[str, str, int]] = field(default_factory=set)
    # (secret, version) that no environment variable can hold.
    with_zeros: set[tuple[str, int]] = field(default_factory=set)
    secrets_up: bool = True
    # What whoever watches the store sees of it, one after the other: whether it is open.
    openness: list[bool] = field(default_factory=lambda: [True])
    healths: dict[str, list[Health]] = field(default_factory=dict)
    # unit -> how its start ends; "done" unless said otherwise, None for a start that never ends.
    starts: dict[str, str | None] = field(default_factory=dict)
    # unit -> why its stop is refused.
    unstoppable: dict[str, str] = field(default_factory=dict)
    # unit -> the state it has once its start was done, instead of running.
    crashes: dict[str, UnitState] = field(default_factory=dict)
    # unit -> the states that it goes through before a restart starts it again.
    stopping: dict[str, list[UnitState]] = field(default_factory=dict)
    # unit -> the units that systemd restarts along with it.
    pulls: dict[str, set[str]] = field(default_factory=dict)
    # (unit, secret, version) with which the unit does not start, or its container is not healthy.
    breaks: set[tuple[str, str, int]] = field(default_factory=set)
    sickens: set[tuple[str, str, int]] = field(default_factory=set)
    in_use: set[str] = field(default_factory=set)
    podman_version: str = "podman version 5.4.2"
    sockets: str = ""
    journal: list[str] = field(default_factory=list)
    generator_messages: str = ""
    # What the generator prints, by a text that replaces another one.
    generator_edits: dict[str, str] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.files = DiskStackFiles(data=self.data, quadlets=self.quadlets)
        self.files.prepare()
        self.rollout = RolloutFile(data=self.data)

    # -- the picture by which two moments are compared

    def picture(self) -> dict[str, object]:
        """Everything on the host that a failed apply must leave as it was."""
        return {
            "files": sorted(
                (str(path), str(path.readlink()) if path.is_symlink() else "")
                for root in (self.data, self.quadlets)
                for path in root.rglob("*")
                if "staged" not in path.parts
            ),
            "units": dict(self.states),
            "containers": set(self.container_names),
            "networks": [network.name for network in self.network_list],
            "volumes": set(self.volume_names),
            "secrets": set(self.podman_secrets),
            "bindings": dict(self.bindings),
        }

    # -- UnitManager

    def reload(self) -> None:
        def change() -> None:
            made = set[str]()
            for stack in self.files.stacks():
                generation = self.files.active(stack)
                if generation is not None and (self.quadlets / "leger" / stack).exists():
                    made |= {unit.unit for unit in generation.units}
            for unit in made - self.states.keys():
                self.states[unit] = UnitState(unit=unit, load="loaded")
            for unit in self.states.keys() - made:
                state = self.states[unit]
                if not state.source:
                    self.states[unit] = replace(state, load="not-found")
            self._forget()

        self.trouble.during("reload", change)

    def jobs(self, action: UnitAction, units: Sequence[str]) -> Iterator[JobResult | None]:
        for unit in units:
            if action is UnitAction.STOP and unit in self.unstoppable:
                yield JobResult(unit=unit, result="refused", detail=self.unstoppable[unit])
                continue
            if action is UnitAction.STOP:
                self.trouble.during(f"stop {unit}", partial(self._stop, unit))
                yield JobResult(unit=unit, result="done")
                continue
            for state in self.stopping.pop(unit, []):
                self.states[unit] = state
                yield None
            if action is UnitAction.RESTART:
                self._pull_down(unit)
            result = self.trouble.during(f"start {unit}", partial(self._start, unit))
            while result is None:
                self.now += 0.5
                yield None
            yield JobResult(unit=unit, result=result)

    def _pull_down(self, unit: str) -> None:
        """Stop what depends on a unit; whoever waits for it finds its start queued."""
        for other in self.pulls.get(unit, ()):
            if self.states[other].is_running:
                self.states[other] = replace(self.states[other], active="inactive", sub="dead")

    def dependents(self, units: Iterable[str]) -> frozenset[str]:
        return frozenset(other for unit in units for other in self.pulls.get(unit, ()))

    def _start(self, unit: str) -> str | None:
        self.started.append(unit)
        result = self.starts.get(unit, "done")
        made = self._unit(unit)
        if result == "done" and not self._hand_out(unit):
            result = "failed"
        if made.kind is UnitKind.NETWORK:
            self.network_list.append(Network(name=made.resource, subnets=made.subnets))
        elif made.kind is UnitKind.VOLUME:
            self.volume_names.add(made.resource)
        elif made.kind in (UnitKind.CONTAINER, UnitKind.POD):
            self.container_names.add(made.resource)
            self.volume_names |= set(made.volumes)
        state = UnitState(unit=unit, load="loaded", active="active", sub="running")
        if result is None:
            state = replace(state, active="activating", sub="start")
        elif result != "done":
            state = replace(state, active="failed", sub="failed", result="exit-code",
                            exit_code=1, exit_status=3)  # fmt: skip
        self.states[unit] = self.crashes.get(unit, state)
        return result

    def _hand_out(self, unit: str) -> bool:
        """Hand a unit its secrets, and return whether it starts with them."""
        bound = {binding for bindings in self.bindings.values() for binding in bindings}
        got = set[tuple[str, str, int]]()
        for owner, _, secret in sorted(bound):
            if owner not in (unit, template_of(unit)):
                continue
            if secret not in self.stored_secrets:
                return False
            version = self.state_of(secret).active
            if (unit, secret, version) not in self.kept_back:
                self.now += 0.001
                self.served[unit, secret] = Served(version=version, time=self.clock())
                got.add((unit, secret, version))
        if self.sickens:
            health = Health(status="unhealthy" if got & self.sickens else "healthy")
            self.healths[self._unit(unit).resource] = [health]
        return not got & self.breaks

    def clock(self) -> datetime:
        """Return the time, which the secrets service and the deployer share."""
        return datetime.fromtimestamp(1_700_000_000 + self.now, UTC)

    def _stop(self, unit: str) -> None:
        made = self._unit(unit)
        self.container_names.discard(made.resource)
        self.states[unit] = replace(self.states[unit], active="inactive", sub="dead")

    def _unit(self, name: str) -> StackUnit:
        for stack in self.files.stacks():
            generation = self.files.active(stack)
            if generation is None:
                continue
            if (unit := generation.unit(name)) is not None:
                return unit
            if (template := generation.unit(template_of(name))) is not None:
                return template.instance(name)
        return StackUnit(file="", unit=name, kind=UnitKind.IMAGE)

    def states_of(self, units: Iterable[str]) -> Mapping[str, UnitState]:
        return {unit: self.states.get(unit, UnitState(unit=unit)) for unit in units}

    def instances(self, templates: Iterable[str]) -> Sequence[str]:
        stems = tuple(template.replace("@.service", "@") for template in templates)
        return sorted(unit for unit in self.states if unit.startswith(stems))

    def reset_failed(self, units: Iterable[str]) -> None:
        names = list(units)

        def change() -> None:
            for unit in names:
                if unit in self.states and self.states[unit].active == "failed":
                    self.states[unit] = replace(
                        self.states[unit], active="inactive", sub="dead", result="success"
                    )
            self._forget()

        self.trouble.during("reset_failed", change)

    def _forget(self) -> None:
        gone = [u for u, s in self.states.items() if s.load == "not-found" and s.active != "failed"]
        for unit in gone:
            del self.states[unit]

    # -- ContainerEngine

    def has_image(self, image: str) -> bool:
        return image in self.images

    def pull(self, image: str) -> None:
        if image not in self.registry:
            raise ImageUnavailable(f"no {image}", why="Not in the registry.", next_step="None.")
        self.images.add(image)

    def image_health(self, image: str) -> HealthCheck | None:
        return self.image_checks.get(image) if image in self.images else None

    def containers(self) -> frozenset[str]:
        return frozenset(self.container_names)

    def health(self, container: str) -> Health:
        states = self.healths.get(container, [Health(status="healthy")])
        return states.pop(0) if len(states) > 1 else states[0]

    def stop_container(self, container: str) -> None:
        self.started.append(f"stopped {container}")

    def remove_container(self, container: str) -> None:
        self.trouble.during("rm", lambda: self.container_names.discard(container))

    def remove_pod(self, pod: str) -> None:
        self.trouble.during("pod rm", lambda: self.container_names.discard(pod))

    def networks(self) -> Sequence[Network]:
        return list(self.network_list)

    def remove_network(self, network: str) -> bool:
        def change() -> None:
            self.network_list = [n for n in self.network_list if n.name != network]

        if network in self.in_use:
            return False
        self.trouble.during("network rm", change)
        return True

    def volume_store(self) -> PurePosixPath:
        return PurePosixPath("/store")

    def volumes(self) -> frozenset[str]:
        return frozenset(self.volume_names)

    def remove_volume(self, volume: str) -> bool:
        if volume in self.in_use:
            return False
        self.trouble.during("volume rm", lambda: self.volume_names.discard(volume))
        return True

    def create_secret(self, name: str, *, lookup: str) -> None:
        self.trouble.during("secret create", lambda: self.podman_secrets.__setitem__(name, lookup))

    def remove_secret(self, name: str) -> None:
        self.trouble.during("secret rm", lambda: self.podman_secrets.pop(name, None))

    # -- SecretsDirectory

    def _answer(self) -> None:
        if not self.secrets_up:
            raise SecretsUnavailable("down", why="It is down.", next_step="Start it.")

    def stored(self) -> frozenset[str]:
        self._answer()
        return frozenset(self.stored_secrets)

    def state_of(self, secret: str) -> Versions:
        """Return what the secrets service knows of a secret's versions."""
        self._answer()
        if secret not in self.stored_secrets:
            raise SecretNotFound(f"no {secret}", why="It is not stored.", next_step="Store it.")
        return self.versions.setdefault(secret, Versions())

    def activate(self, secret: str, version: int, previous: int | None) -> None:
        state = self.state_of(secret)
        if version not in state.stored:
            raise VersionNotFound(f"no {version}", why="It was deleted.", next_step="None.")
        if previous and previous not in state.stored:
            raise VersionNotFound(f"no {previous}", why="It was deleted.", next_step="None.")

        def change() -> None:
            if state.active != version:
                state.previous = state.active if previous is None else previous
                state.active = version

        self.trouble.during("activate", change)

    def bound(self, secret: str) -> Sequence[BoundUnit]:
        self._answer()
        return [
            BoundUnit(
                stack=stack,
                unit=unit,
                served={
                    owner: served
                    for (owner, name), served in self.served.items()
                    if name == secret and unit in (owner, template_of(owner))
                },
            )
            for stack, bindings in sorted(self.bindings.items())
            for unit, _, name in sorted(bindings)
            if name == secret
        ]

    def bind(self, stack: str, uses: Iterable[SecretUse]) -> None:
        self._answer()
        bound = {(use.unit, use.credential, use.secret) for use in uses}

        def change() -> None:
            if bound:
                self.bindings[stack] = bound
            else:
                self.bindings.pop(stack, None)

        self.trouble.during("bind", change)

    def all_bindings(self) -> Mapping[str, frozenset[Binding]]:
        self._answer()
        return {
            stack: frozenset(Binding(*binding) for binding in bindings)
            for stack, bindings in self.bindings.items()
        }

    @contextmanager
    def watch(self) -> Iterator[Iterator[bool]]:
        self._answer()
        yield iter(self.openness)

    def refusals(self) -> Sequence[Refusal]:
        self._answer()
        return list(self.refused)

    # -- HostCommands

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> CommandResult:
        if "--dryrun" in command:
            assert environment is not None
            return self._generate(Path(environment["QUADLET_UNIT_DIRS"].split(":")[0]))
        if "--version" in command:
            status = 0 if self.podman_version else 127
            return CommandResult(status=status, output=self.podman_version, messages="")
        if command[0].endswith("journalctl"):
            return CommandResult(status=0, output="\n".join(self.journal), messages="")
        return CommandResult(status=0, output=self.sockets, messages="")

    def _generate(self, directory: Path) -> CommandResult:
        final = any(directory.rglob(drop_in.FILE_NAME))
        recording = RECORDED / f"shop.{'final' if final else 'raw'}.txt"
        output = recording.read_text(encoding="utf-8")
        for old, new in self.generator_edits.items():
            output = output.replace(old, new)
        messages = self.generator_messages.replace("{DIR}", str(directory))
        return CommandResult(
            status=1 if messages else 0,
            output=output.replace("{DIR}", str(directory)),
            messages=messages,
        )

    @contextmanager
    def lines(self, command: Sequence[str]) -> Iterator[Iterator[str | None]]:
        self.started.append(" ".join(command))
        yield iter([*self.journal, None] if "--follow" in command else self.journal)

    # -- the domain on this host

    def operations(self) -> wiring.Operations:
        """Return the domain as a new process has it."""
        files = Troubled(self.files, self.trouble, CHANGES_OF_FILES)
        rollout = Troubled(self.rollout, self.trouble, CHANGES_OF_A_ROLLOUT)
        return wiring.operations(
            Config(
                runtime_dir=self.data / "run",
                data_dir=self.data,
                quadlet_dir=self.quadlets,
            ),
            units=FakeUnits(self),
            engine=self,
            commands=self,
            secrets=self,
            versions=FakeVersions(self),
            files=cast("StackFiles", files),
            rollout=cast("RolloutJournal", rollout),
            clock=self.clock,
            monotonic=lambda: self.now,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class FakeUnits:
    """UnitManager of the host, whose `states` is a method there and a field here."""

    host: FakeHost

    def reload(self) -> None:
        self.host.reload()

    def jobs(self, action: UnitAction, units: Sequence[str]) -> Iterator[JobResult | None]:
        return self.host.jobs(action, units)

    def states(self, units: Iterable[str]) -> Mapping[str, UnitState]:
        return self.host.states_of(units)

    def instances(self, templates: Iterable[str]) -> Sequence[str]:
        return self.host.instances(templates)

    def dependents(self, units: Collection[str]) -> frozenset[str]:
        return self.host.dependents(units)

    def reset_failed(self, units: Iterable[str]) -> None:
        self.host.reset_failed(units)


@dataclass
class FakeVersions:
    """SecretVersions of the host."""

    host: FakeHost

    def state(self, secret: str) -> SecretState:
        found = self.host.state_of(secret)
        return SecretState(
            active=found.active,
            previous=found.previous if found.previous in found.stored else 0,
            versions=frozenset(found.stored),
        )

    def activate(
        self,
        secret: str,
        version: int,
        *,
        previous: int | None = None,
        for_environment: bool = False,
    ) -> None:
        if for_environment and (secret, version) in self.host.with_zeros:
            raise NotForEnvironment("no", why="It holds a byte of zero.", next_step="None.")
        self.host.activate(secret, version, previous)

    def bound(self, secret: str) -> Sequence[BoundUnit]:
        return self.host.bound(secret)


def new_host(directory: Path) -> FakeHost:
    """Return a host with nothing on it, in an empty directory."""
    (directory / "quadlets").mkdir(parents=True)
    return FakeHost(data=directory / "data", quadlets=directory / "quadlets")


def upload(stack: str = "shop", source: Path = SHOP) -> Iterator[Header | Chunk]:
    """Yield a directory as a client sends it."""
    yield Header(stack=stack)
    for path in sorted(source.rglob("*")):
        if path.is_file():
            name = str(path.relative_to(source))
            yield Chunk(path=name, mode=0o644, content=path.read_bytes())


def planned(operations: wiring.Operations, stack: str = "shop") -> str:
    """Stage and plan the shop; return the plan's id."""
    staged = operations.staging.stage(upload(stack))
    return operations.planner.plan(staged.id, lambda _: None).plan_id
