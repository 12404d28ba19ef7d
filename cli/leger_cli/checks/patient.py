"""What the checks of one run look at; each fact is asked for once, when a check first needs it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from leger_runtime.errors import LegerError

from leger_cli import legerd, systemd
from leger_cli.context import PATIENCE, Session
from leger_cli.systemd import State

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import GetStatusResponse
    from leger.secrets.v1.audit_pb2 import VerifyAuditResponse
    from leger.secrets.v1.backup_pb2 import ListBackupsResponse
    from leger.secrets.v1.secrets_pb2 import ListRefusalsResponse
    from leger.secrets.v1.store_pb2 import GetStoreStatusResponse

    from leger_cli.builds import Build

Client = TypeVar("Client")
Answer = TypeVar("Answer")

UNITS = (
    systemd.LEGERD,
    "leger-pod.service",
    "leger-secrets.service",
    "leger-deployer.service",
    "leger-storage.service",
    "leger-podman.socket",
    "leger-setec.socket",
    "leger-backup.timer",
    "leger-backup.service",
)


class Patient:
    """The host and the services of a scope."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def is_own_scope(self) -> bool:
        """Whether `legerd` of this account works on the scope that is looked at."""
        return legerd.speaks_for(self.session)

    @cached_property
    def units(self) -> Mapping[str, State] | None:
        """Leger's own units; None when systemd does not answer."""
        return systemd.states(UNITS, session=self.session)

    @cached_property
    def host_status(self) -> Mapping[str, Any] | LegerError:
        """What `legerd status` says, or why it says nothing."""
        return legerd.status()

    @property
    def own_status(self) -> Mapping[str, Any] | None:
        """What `legerd status` says of this scope; None when it says nothing, or of another."""
        found = self.host_status
        return found if self.is_own_scope and not isinstance(found, LegerError) else None

    @property
    def refused(self) -> Mapping[str, str] | None:
        """What was tried and taken back, with `why` and what `next`.

        `what` is "version", the installed one, or "configuration".
        """
        return self.own_status["refused"] if self.own_status else None

    @property
    def configuration(self) -> Mapping[str, Any] | None:
        """What `legerd status` says of leger.toml; None when it says nothing, or of another scope.

        It is the `file`, whether it is `in_force` (None while a version stands refused), whether it
        wants setec's API (`http`, None where it does not say), and of a mistake `why` and what
        `next`.
        """
        return self.own_status["configuration"] if self.own_status else None

    @cached_property
    def root_key(self) -> Mapping[str, Any] | LegerError | None:
        """What `legerd key status` says, or why it says nothing; None of another scope."""
        return legerd.key_status() if self.is_own_scope else None

    @cached_property
    def builds(self) -> "Mapping[str, Build | LegerError]":
        """Which builds answer, by service."""
        from leger_cli import builds

        return builds.of_services(self.session)

    @cached_property
    def store(self) -> "GetStoreStatusResponse | LegerError":
        """How the store is."""
        from leger.secrets.v1.store_pb2 import GetStoreStatusRequest as Request

        return _asked(self.session.store, lambda c: c.GetStoreStatus(Request(), timeout=PATIENCE))

    @cached_property
    def audit(self) -> "VerifyAuditResponse | LegerError":
        """What following the audit log from its first line to its last finds."""
        from leger.secrets.v1.audit_pb2 import VerifyAuditRequest as Request

        return _asked(self.session.audit, lambda c: c.VerifyAudit(Request(), timeout=PATIENCE))

    @cached_property
    def backups(self) -> "ListBackupsResponse | LegerError":
        """Which scheduled backups there are, and for whom they are made."""
        from leger.secrets.v1.backup_pb2 import ListBackupsRequest as Request

        return _asked(self.session.backups, lambda c: c.ListBackups(Request(), timeout=PATIENCE))

    @cached_property
    def refusals(self) -> "ListRefusalsResponse | LegerError":
        """Which units were refused a secret, and why."""
        from leger.secrets.v1.secrets_pb2 import ListRefusalsRequest as Request

        return _asked(self.session.bindings, lambda c: c.ListRefusals(Request(), timeout=PATIENCE))

    @cached_property
    def stacks(self) -> "GetStatusResponse | LegerError":
        """How the services of the stacks are."""
        from leger.deployer.v1.deployer_pb2 import GetStatusRequest as Request

        return _asked(self.session.deployer, lambda c: c.GetStatus(Request(), timeout=PATIENCE))


def _asked(
    connect: Callable[[], AbstractContextManager[Client]], ask: Callable[[Client], Answer]
) -> Answer | LegerError:
    """Return what a service answers, or why it does not."""
    try:
        with connect() as client:
            return ask(client)
    except LegerError as error:
        return error
