"""A scope of its own for each test, with services on real sockets, and `leger` as a process."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from contract.cli import fakes
from contract.cli.store import Store
from leger.deployer.v1 import deployer_pb2, deployer_pb2_grpc
from leger.secrets.v1 import secrets_pb2, secrets_pb2_grpc
from leger_runtime.principals import Principal, Role
from leger_runtime.server import Listener, UnixServer
from terminal import run_at_terminal

# Where tests run in the background of a shell it is ignored, and then by all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[3]
SOURCES = ("proto/gen", "services/runtime", "cli")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a process left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Leger:
    """Runs the command line in the user scope of a runtime directory."""

    runtime: Path
    environment: dict[str, str]

    def command(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "leger_cli.main", "--user", *arguments]

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Outcome:
        """Run to the end with pipes on all three streams; `prefix` is a command that runs it."""
        done = subprocess.run(
            [*prefix, *self.command(arguments)],
            input=stdin,
            capture_output=True,
            env={**self.environment, **(env or {})},
            timeout=60,
            check=False,
        )
        return Outcome(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    def begun(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command that does not end by itself."""
        return subprocess.Popen(
            self.command(arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )

    def at_terminal(self, *arguments: str, answers: Sequence[str] = ()) -> Outcome:
        """Run at a terminal of 80 columns; type an answer at each prompt (": " or "] ")."""
        terminal = {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        code, shown = run_at_terminal(
            self.command(arguments), answers=answers, env={**self.environment, **terminal}
        )
        return Outcome(code=code, out=shown, err="")


@pytest.fixture(scope="session")
def bytecode() -> Iterator[Path]:
    """Where the processes of all tests keep their bytecode, as an installed leger has it."""
    path = Path(tempfile.mkdtemp(prefix="leger-bytecode-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def runtime() -> Iterator[Path]:
    """An empty runtime directory with a name short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="leger-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def leger(runtime: Path, bytecode: Path) -> Leger:
    """The command line, in a scope where nothing runs yet."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(runtime),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(str(REPOSITORY / source) for source in SOURCES),
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "XDG_RUNTIME_DIR": str(runtime),
        "TZ": "UTC",
    }
    return Leger(runtime=runtime, environment=environment)


@pytest.fixture
def secrets(runtime: Path) -> Iterator[Store]:
    """The secrets service, with an empty store."""
    store = Store(runtime)
    store.start()
    yield store
    store.stop()


@pytest.fixture
def refusing(runtime: Path) -> Iterator[fakes.Refusing]:
    """A secrets service that fails at everything."""
    servicer = fakes.Refusing()
    server = _server(
        runtime,
        "secrets",
        secrets_pb2.DESCRIPTOR.services_by_name["SecretsService"],
        lambda grpc_server: secrets_pb2_grpc.add_SecretsServiceServicer_to_server(
            cast("secrets_pb2_grpc.SecretsServiceServicer", servicer), grpc_server
        ),
    )
    yield servicer
    server.stop(grace=0)


@pytest.fixture
def deployer(runtime: Path) -> Iterator[fakes.Deployer]:
    """A deployer service on the operator's socket."""
    servicer = fakes.Deployer()
    server = _server(
        runtime,
        "deployer",
        deployer_pb2.DESCRIPTOR.services_by_name["DeployerService"],
        lambda grpc_server: deployer_pb2_grpc.add_DeployerServiceServicer_to_server(
            servicer, grpc_server
        ),
    )
    yield servicer
    server.stop(grace=0)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A directory that holds the stack notes."""
    directory = tmp_path / "notes"
    directory.mkdir()
    (directory / "web.container").write_text("[Container]\nImage=web\n")
    (directory / "nginx.conf").write_text("worker_processes 1;\n")
    return directory


def _server(runtime: Path, name: str, service, register) -> UnixServer:  # type: ignore[no-untyped-def]
    socket = runtime / "leger" / name / "operator" / "grpc.sock"
    socket.parent.mkdir(parents=True, mode=0o700)
    everything = frozenset(Role)
    server = UnixServer(
        listeners=[Listener(principal=Principal(Role.OPERATOR, "tester"), socket=socket)],
        policy={f"/{service.full_name}/{m.name}": everything for m in service.methods},
        services=(service.full_name,),
        register=register,
    )
    server.start()
    return server
