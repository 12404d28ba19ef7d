"""Putting the service together: the only place where its parts are constructed."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
from leger.deployer.v1 import deployer_pb2_grpc
from leger_runtime.principals import Principal, Role
from leger_runtime.server import SOCKET_NAME, Listener, UnixServer

from leger_deployer import policy
from leger_deployer.adapters import data_lock
from leger_deployer.adapters.podman_engine import PodmanEngine
from leger_deployer.adapters.rollout_file import RolloutFile
from leger_deployer.adapters.secrets_client import SecretsServiceClient
from leger_deployer.adapters.stack_files import DiskStackFiles
from leger_deployer.adapters.systemd_bus import SystemdBus
from leger_deployer.adapters.systemd_commands import SystemdHostCommands
from leger_deployer.adapters.systemd_units import SystemdUnitManager
from leger_deployer.background import Background
from leger_deployer.config import Config
from leger_deployer.domain.apply import Applier
from leger_deployer.domain.bound_units import BoundUnits
from leger_deployer.domain.conflicts import Conflicts
from leger_deployer.domain.control import Controller
from leger_deployer.domain.failure import Explainer
from leger_deployer.domain.logs import LogReader
from leger_deployer.domain.plan import Planner
from leger_deployer.domain.ports.container_engine import ContainerEngine
from leger_deployer.domain.ports.host_commands import HostCommands
from leger_deployer.domain.ports.rollout_journal import RolloutJournal
from leger_deployer.domain.ports.secret_versions import SecretVersions
from leger_deployer.domain.ports.secrets_directory import SecretsDirectory
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import UnitManager
from leger_deployer.domain.quadlet_generator import QuadletGenerator
from leger_deployer.domain.rebinding import Rebinder
from leger_deployer.domain.recovery import Recovery
from leger_deployer.domain.remove import Remover
from leger_deployer.domain.restart import Restarter
from leger_deployer.domain.rollout import Rollouts
from leger_deployer.domain.rollout_undo import RolloutUndo
from leger_deployer.domain.scope import Scope
from leger_deployer.domain.staging import Staging
from leger_deployer.domain.start import Starter
from leger_deployer.domain.status import StatusReader
from leger_deployer.domain.teardown import Teardown
from leger_deployer.service import DeployerService
from leger_deployer.servicer import DeployerServicer

# In seconds, while the secrets service does not answer.
_BETWEEN_ATTEMPTS = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Operations:
    """All that the service can do, ready to be served."""

    staging: Staging
    planner: Planner
    applier: Applier
    remover: Remover
    controller: Controller
    rollouts: Rollouts
    status: StatusReader
    logs: LogReader
    files: StackFiles
    recovery: Recovery
    going_back: Background
    rebinding: Background


def build(config: Config) -> DeployerService:
    """Construct everything; nothing listens yet.

    Raises StorageUnavailable, DiskFull, and StateInUse while another deployer runs.
    """
    bus = SystemdBus(config.bus)
    secrets = SecretsServiceClient(config.secrets_socket)
    commands = SystemdHostCommands(bus)
    files = DiskStackFiles(data=config.data_dir, quadlets=config.quadlet_dir)
    files.prepare()
    # Before anything is looked at that another process may have under way.
    data_lock.hold(config.data_dir)
    files.drop_all_staged()
    return serve(
        config,
        operations(
            config,
            units=SystemdUnitManager(bus),
            engine=PodmanEngine(socket=config.podman_socket, commands=commands),
            commands=commands,
            secrets=secrets,
            versions=secrets,
            files=files,
            rollout=RolloutFile(data=config.data_dir),
        ),
    )


def operations(
    config: Config,
    *,
    units: UnitManager,
    engine: ContainerEngine,
    commands: HostCommands,
    secrets: SecretsDirectory,
    versions: SecretVersions,
    files: StackFiles,
    rollout: RolloutJournal,
    clock: Callable[[], datetime] = _now,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Operations:
    """Construct the domain on the given ports and clocks."""
    # Held by whoever changes what is installed: one at a time.
    changing = threading.RLock()
    explainer = Explainer(commands=commands, secrets=secrets, scope=config.scope)
    starter = Starter(
        units=units,
        engine=engine,
        explainer=explainer,
        clock=clock,
        monotonic=monotonic,
        sleep=sleep,
    )
    teardown = Teardown(units=units, engine=engine, secrets=secrets, files=files)
    recovery = Recovery(files=files, teardown=teardown, changing=changing)
    rebinder = Rebinder(files=files, secrets=secrets, changing=changing)
    restarter = Restarter(files=files, units=units, engine=engine, secrets=secrets, starter=starter)
    bound = BoundUnits(files=files, units=units, versions=versions)
    undo = RolloutUndo(
        versions=versions,
        bound=bound,
        restarter=restarter,
        journal=rollout,
        changing=changing,
    )
    going_back = Background(undo.try_to_finish, pause=_BETWEEN_ATTEMPTS)
    staging = Staging(files=files, clock=clock)
    planner = Planner(
        staging=staging,
        files=files,
        generator=QuadletGenerator(
            commands=commands, scope=config.scope, quadlet_directories=_quadlet_dirs(config)
        ),
        conflicts=Conflicts(units=units, engine=engine, commands=commands),
        units=units,
        engine=engine,
        secrets=secrets,
        scope=config.scope,
    )
    return Operations(
        staging=staging,
        planner=planner,
        applier=Applier(
            planner=planner,
            staging=staging,
            files=files,
            engine=engine,
            secrets=secrets,
            starter=starter,
            teardown=teardown,
            recovery=recovery,
            clock=clock,
            credentials=config.host_runtime_dir / "credentials",
            changing=changing,
        ),
        remover=Remover(
            files=files, secrets=secrets, teardown=teardown, recovery=recovery, changing=changing
        ),
        controller=Controller(
            files=files,
            units=units,
            engine=engine,
            starter=starter,
            restarter=restarter,
            rebinder=rebinder,
            changing=changing,
        ),
        rollouts=Rollouts(
            versions=versions,
            bound=bound,
            restarter=restarter,
            journal=rollout,
            undo=undo,
            recovery=recovery,
            rebinder=rebinder,
            later=going_back.wake,
            clock=clock,
            changing=changing,
        ),
        status=StatusReader(files=files, units=units, engine=engine, explainer=explainer),
        logs=LogReader(commands=commands, scope=config.scope),
        files=files,
        recovery=recovery,
        going_back=going_back,
        rebinding=Background(rebinder.attend, pause=_BETWEEN_ATTEMPTS),
    )


def serve(config: Config, operations: Operations) -> DeployerService:
    """Construct the server that offers the operations. Raises OSError."""
    servicer = DeployerServicer(
        staging=operations.staging,
        planner=operations.planner,
        applier=operations.applier,
        remover=operations.remover,
        controller=operations.controller,
        rollouts=operations.rollouts,
        status=operations.status,
        logs=operations.logs,
        files=operations.files,
    )

    def register(server: grpc.Server) -> None:
        deployer_pb2_grpc.add_DeployerServiceServicer_to_server(servicer, server)

    operator = Principal(Role.OPERATOR, config.account)
    directory = config.runtime_dir / "operator"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = UnixServer(
        listeners=[Listener(principal=operator, socket=directory / SOCKET_NAME)],
        policy=policy.POLICY,
        services=(policy.DEPLOYER_SERVICE,),
        register=register,
        # Who follows a journal, or waits for a change, holds a thread for as long.
        threads=64,
    )
    return DeployerService(
        server=server,
        recovery=operations.recovery,
        later=(operations.going_back, operations.rebinding),
    )


def _quadlet_dirs(config: Config) -> tuple[Path, ...]:
    """Return where Quadlets of the scope are found, as podman-systemd.unit(5) lists it."""
    if config.scope is Scope.SYSTEM:
        return (
            config.host_runtime_dir / "containers/systemd",
            config.quadlet_dir,
            Path("/usr/share/containers/systemd"),
        )
    uid = config.host_runtime_dir.name  # $XDG_RUNTIME_DIR is /run/user/UID
    return (
        config.host_runtime_dir / "containers/systemd",
        config.quadlet_dir,
        Path("/etc/containers/systemd/users") / uid,
        Path("/etc/containers/systemd/users"),
        Path("/usr/share/containers/systemd/users"),
    )
