"""What the checks of one run look at; each fact is asked for once, when a check first needs it."""

import json
import subprocess
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from leger_runtime.errors import LegerError

from leger_cli import systemd
from leger_cli.context import PATIENCE, Scope, Session
from leger_cli.systemd import State

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import GetStatusResponse
    from leger.secrets.v1.audit_pb2 import VerifyAuditResponse
    from leger.secrets.v1.backup_pb2 import ListBackupsResponse
    from leger.secrets.v1.store_pb2 import GetStoreStatusResponse

    from leger_cli.builds import Build

Answer = TypeVar("Answer")

_PATIENCE_WITH_PROGRAMS = 15.0  # seconds; podman waits for a lock of its own at times

UNITS = (
    "legerd.service",
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
        return (self.session.scope is Scope.SYSTEM) == (self.session.account.uid == 0)

    @cached_property
    def units(self) -> Mapping[str, State] | None:
        """Leger's own units; None when systemd does not answer."""
        return systemd.states(UNITS, session=self.session)

    @cached_property
    def legerd(self) -> Mapping[str, Any] | None:
        """What `legerd status` says; None when it says nothing."""
        return _json_of(["legerd", "status", "--json"])

    @property
    def refused(self) -> Mapping[str, str] | None:
        """The installed version that was tried and taken back, with `why` and what `next`."""
        found: Mapping[str, str] | None = None
        if self.is_own_scope and self.legerd:
            found = self.legerd["refused"]
        return found

    @property
    def configuration(self) -> Mapping[str, Any] | None:
        """What `legerd status` says of leger.toml; None when it says nothing, or of another scope.

        It is the `file`, whether it is `in_force`, whether it wants setec's API (`http`, None where
        it does not say), and of a mistake `why` and what `next`.
        """
        found: Mapping[str, Any] | None = None
        if self.is_own_scope and self.legerd:
            found = self.legerd["configuration"]
        return found

    @cached_property
    def root_key(self) -> Mapping[str, Any] | None:
        """What `legerd key status` says; None when it says nothing, or of another scope."""
        return _json_of(["legerd", "key", "status", "--json"]) if self.is_own_scope else None

    @cached_property
    def builds(self) -> "Mapping[str, Build | LegerError]":
        """Which builds answer, by service."""
        from leger_cli import builds

        return builds.of_services(self.session)

    @cached_property
    def store(self) -> "GetStoreStatusResponse | LegerError":
        """How the store is."""
        from leger.secrets.v1.store_pb2 import GetStoreStatusRequest

        def ask() -> "GetStoreStatusResponse":
            with self.session.store() as client:
                return client.GetStoreStatus(GetStoreStatusRequest(), timeout=PATIENCE)

        return _answered(ask)

    @cached_property
    def audit(self) -> "VerifyAuditResponse | LegerError":
        """What following the audit log from its first line to its last finds."""
        from leger.secrets.v1.audit_pb2 import VerifyAuditRequest

        def ask() -> "VerifyAuditResponse":
            with self.session.audit() as client:
                return client.VerifyAudit(VerifyAuditRequest(), timeout=PATIENCE)

        return _answered(ask)

    @cached_property
    def backups(self) -> "ListBackupsResponse | LegerError":
        """Which scheduled backups there are, and for whom they are made."""
        from leger.secrets.v1.backup_pb2 import ListBackupsRequest

        def ask() -> "ListBackupsResponse":
            with self.session.backups() as client:
                return client.ListBackups(ListBackupsRequest(), timeout=PATIENCE)

        return _answered(ask)

    @cached_property
    def stacks(self) -> "GetStatusResponse | LegerError":
        """How the services of the stacks are."""
        from leger.deployer.v1.deployer_pb2 import GetStatusRequest

        def ask() -> "GetStatusResponse":
            with self.session.deployer() as client:
                return client.GetStatus(GetStatusRequest(), timeout=PATIENCE)

        return _answered(ask)


def output_of(command: list[str]) -> str | None:
    """Return what a program prints; None when it is not there, fails, or takes too long."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_WITH_PROGRAMS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _json_of(command: list[str]) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = json.loads(output_of(command) or "null")
    except ValueError:
        return None
    return found


def _answered(ask: "Callable[[], Answer]") -> "Answer | LegerError":
    try:
        return ask()
    except LegerError as error:
        return error
