"""What one run of leger works on: the scope, and clients of the services in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from leger_cli import errors
from leger_cli.version import __version__

if TYPE_CHECKING:  # importing gRPC is most of a command's start: only a call pays for it
    import grpc
    from leger.deployer.v1.deployer_pb2_grpc import DeployerServiceStub
    from leger.secrets.v1.access_pb2_grpc import AccessServiceStub
    from leger.secrets.v1.audit_pb2_grpc import AuditServiceStub
    from leger.secrets.v1.backup_pb2_grpc import BackupServiceStub
    from leger.secrets.v1.secrets_pb2_grpc import BindingsServiceStub, SecretsServiceStub
    from leger.secrets.v1.store_pb2_grpc import StoreServiceStub
    from leger.version.v1.version_pb2_grpc import VersionServiceStub

# gRPC's variable for how much it logs (its doc/environment_variables.md).
_GRPC_LOG = "GRPC_VERBOSITY"

# How long one question to a service may take, in seconds. Streams have no limit: a pull may.
PATIENCE = 30.0


class Scope(Enum):
    """Whose containers: the whole machine's, or those of one account."""

    SYSTEM = "system"
    USER = "user"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who runs leger; `runtime` and `config` are that account's XDG base directories."""

    uid: int
    runtime: Path
    config: Path

    @classmethod
    def of_this_process(cls) -> "Account":
        """Return the account of this process and where its directories are."""
        uid = os.geteuid()
        return cls(
            uid=uid,
            runtime=Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"),
            config=Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"),
        )

    @property
    def usual_scope(self) -> Scope:
        """The scope that is meant when none is named: the account's own where it has a pod."""
        signs = (
            self.runtime / "leger",  # the pod runs
            self.config / "containers/systemd/legerd",  # it was set up, and is stopped
        )
        # After `su` the variables may name another account's directories: those count as none.
        if self.uid != 0 and any(os.access(sign, os.F_OK) for sign in signs):
            return Scope.USER
        return Scope.SYSTEM


class Session:
    """One run of leger: the scope it works on and the form of its result."""

    def __init__(self, *, account: Account) -> None:
        self.account = account
        self.as_json = False
        # The command that runs, without its arguments: they may hold what no log should.
        self.command = "leger"
        self._chosen: Scope | None = None

    def choose(self, scope: Scope) -> None:
        """Note the scope that the command line names. Raises UsageError for a second, other one."""
        if self._chosen not in (None, scope):
            raise errors.UsageError(
                "--user and --system were both given.",
                why="A command works on one scope: the account's own, or the whole machine's.",
                next_step="Leave one of them out.",
            )
        self._chosen = scope

    @property
    def scope(self) -> Scope:
        """The scope that was named, else the account's usual one."""
        return self._chosen or self.account.usual_scope

    @property
    def runtime(self) -> Path:
        """The scope's directory of sockets; what its units call %t."""
        return Path("/run") if self.scope is Scope.SYSTEM else self.account.runtime

    @property
    def agent(self) -> str:
        """What services are told about this process, for their audit log."""
        return f"leger/{__version__} ({self.command}; pid {os.getpid()})"

    def socket(self, service: str) -> Path:
        """Return the operator's socket of a service ("secrets" or "deployer")."""
        return self.runtime / "leger" / service / "operator" / "grpc.sock"

    @contextmanager
    def secrets(self) -> "Iterator[SecretsServiceStub]":
        """Yield a client of the secrets service.

        Calls inside the block that fail leave it as the LegerError that the service sent, or as
        one that says why the service does not answer.
        """
        with self._channel("secrets") as channel:
            from leger.secrets.v1.secrets_pb2_grpc import SecretsServiceStub

            yield SecretsServiceStub(channel)

    @contextmanager
    def access(self) -> "Iterator[AccessServiceStub]":
        """Yield a client for grants and tokens; failures as in `secrets`."""
        with self._channel("secrets") as channel:
            from leger.secrets.v1.access_pb2_grpc import AccessServiceStub

            yield AccessServiceStub(channel)

    @contextmanager
    def audit(self) -> "Iterator[AuditServiceStub]":
        """Yield a client for the audit log of secrets; failures as in `secrets`."""
        with self._channel("secrets") as channel:
            from leger.secrets.v1.audit_pb2_grpc import AuditServiceStub

            yield AuditServiceStub(channel)

    @contextmanager
    def backups(self) -> "Iterator[BackupServiceStub]":
        """Yield a client for the store's backups; failures as in `secrets`."""
        with self._channel("secrets") as channel:
            from leger.secrets.v1.backup_pb2_grpc import BackupServiceStub

            yield BackupServiceStub(channel)

    @contextmanager
    def bindings(self) -> "Iterator[BindingsServiceStub]":
        """Yield a client for which unit gets which secret; failures as in `secrets`."""
        with self._channel("secrets") as channel:
            from leger.secrets.v1.secrets_pb2_grpc import BindingsServiceStub

            yield BindingsServiceStub(channel)

    @contextmanager
    def store(self) -> "Iterator[StoreServiceStub]":
        """Yield a client for the store itself; failures as in `secrets`."""
        with self._channel("secrets") as channel:
            from leger.secrets.v1.store_pb2_grpc import StoreServiceStub

            yield StoreServiceStub(channel)

    @contextmanager
    def deployer(self) -> "Iterator[DeployerServiceStub]":
        """Yield a client of the deployer service; failures as in `secrets`."""
        with self._channel("deployer") as channel:
            from leger.deployer.v1.deployer_pb2_grpc import DeployerServiceStub

            yield DeployerServiceStub(channel)

    @contextmanager
    def version(self, service: str) -> "Iterator[VersionServiceStub]":
        """Yield a client that asks a service ("secrets" or "deployer") which build it is."""
        with self._channel(service) as channel:
            from leger.version.v1.version_pb2_grpc import VersionServiceStub

            yield VersionServiceStub(channel)

    @contextmanager
    def _channel(self, service: str) -> "Iterator[grpc.Channel]":
        with _silent():
            import grpc
        from leger_runtime import client

        socket = self.socket(service)
        channel = client.channel(socket, self.agent)
        try:
            yield channel
        except grpc.RpcError as error:
            from leger_runtime import status

            from leger_cli import diagnosis

            failure = status.from_grpc(error)
            if failure.reason == grpc.StatusCode.UNAVAILABLE.name:  # the transport's, no service's
                failure = diagnosis.of_silence(service, session=self)
            raise failure from None
        finally:
            channel.close()


@contextmanager
def _silent() -> Iterator[None]:
    """Have gRPC log nothing, if it is imported inside the block: it reads a variable while it is.

    Its log would be lines on the terminal, or between those of JSON, that nobody can act on: what
    fails is an error of leger's. The variable is as it was when the block is left, for the commands
    that leger runs.
    """
    found = os.environ.get(_GRPC_LOG)
    os.environ[_GRPC_LOG] = "NONE"
    try:
        yield
    finally:
        if found is None:
            del os.environ[_GRPC_LOG]
        else:
            os.environ[_GRPC_LOG] = found
