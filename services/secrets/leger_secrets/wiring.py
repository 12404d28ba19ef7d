"""Putting the service together: the only place where its parts are constructed."""

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import grpc
from leger.secrets.v1 import secrets_pb2_grpc
from leger_runtime import atomic
from leger_runtime.errors import Kind, LegerError, NotPermitted
from leger_runtime.interceptors import OnRefusal
from leger_runtime.principals import Principal, Role
from leger_runtime.server import SOCKET_NAME, Listener, UnixServer

from leger_secrets import policy
from leger_secrets.adapters import key_file
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.credential_socket import CredentialSocket
from leger_secrets.adapters.journal import JournaldUnitJournal
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.config import Config, Scope
from leger_secrets.domain import limits
from leger_secrets.domain.audit import AuditEntry, AuditLog
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.credentials import Credentials
from leger_secrets.domain.refusals import Refusals
from leger_secrets.domain.secrets import Secrets
from leger_secrets.servicer import BindingsServicer, SecretsServicer

DATABASE = "secrets.db"
AUDIT_LOG = "audit.log"
CREDENTIAL_SOCKET = "credentials.sock"


class DirectoryUnusable(LegerError):
    """A directory of the service that it cannot create or write to."""

    kind, reason = Kind.UNAVAILABLE, "DIRECTORY_UNUSABLE"


class SecretsService:
    """The running service: `start` it, and `stop` it gracefully."""

    def __init__(
        self, *, server: UnixServer, credentials: CredentialSocket, opened: ExitStack
    ) -> None:
        self._server = server
        self._credentials = credentials
        self._opened = opened

    def start(self) -> None:
        """Begin to serve on every socket. Raises OSError when one cannot be bound."""
        self._server.start()
        self._credentials.start()

    def stop(self) -> None:
        """Finish what is being served, then close the store and the audit log."""
        self._server.stop()
        self._credentials.stop()
        self._opened.close()


def build(config: Config) -> SecretsService:
    """Open the store and the audit log, and construct everything; nothing listens yet.

    Raises the LegerErrors of a start that cannot be: about the key, the store, the audit log and
    the directories.
    """
    with ExitStack() as opened:
        store, audit = _open_state(config, opened)
        refusals = Refusals(clock=_now)
        secrets = Secrets(store=store, audit=audit, clock=_now)
        bindings = Bindings(store=store, audit=audit, refusals=refusals)
        credentials = Credentials(
            store=store,
            audit=audit,
            refusals=refusals,
            journal=JournaldUnitJournal(
                socket_path=config.journal_socket, user_scope=config.scope is Scope.USER
            ),
        )

        def register(server: grpc.Server) -> None:
            secrets_pb2_grpc.add_SecretsServiceServicer_to_server(SecretsServicer(secrets), server)
            secrets_pb2_grpc.add_BindingsServiceServicer_to_server(
                BindingsServicer(bindings), server
            )

        return SecretsService(
            server=UnixServer(
                listeners=_listeners(config),
                policy=policy.POLICY,
                services=(policy.SECRETS_SERVICE, policy.BINDINGS_SERVICE),
                register=register,
                on_refusal=_refusal_recorder(audit),
            ),
            credentials=CredentialSocket(
                path=config.runtime_dir / CREDENTIAL_SOCKET, credentials=credentials
            ),
            opened=opened.pop_all(),
        )


def _open_state(config: Config, opened: ExitStack) -> tuple[SqlcipherSecretStore, AuditFile]:
    key = key_file.read(config.key_file)
    try:
        directory = _directory(config.state_dir)
        # First, as its lock keeps a second process away from both files.
        audit = AuditFile(path=directory / AUDIT_LOG, clock=_now)
        opened.callback(audit.close)
        store = SqlcipherSecretStore(path=directory / DATABASE, key=key)
        opened.callback(store.close)
        atomic.sync_directory(directory)
    finally:
        key_file.wipe(key)
    return store, audit


def _listeners(config: Config) -> list[Listener]:
    principals = {
        "operator": Principal(Role.OPERATOR, config.account),
        "deployer": Principal(Role.DEPLOYER),
    }
    return [
        Listener(
            principal=principal, socket=_directory(config.runtime_dir / directory) / SOCKET_NAME
        )
        for directory, principal in principals.items()
    ]


def _refusal_recorder(audit: AuditLog) -> OnRefusal:
    """Return what notes a call that the policy table refuses."""

    def record(principal: Principal, method: str, request: object) -> None:
        secrets = getattr(request, "names", ()) or (getattr(request, "name", ""),)
        audit.record(
            [
                AuditEntry(
                    str(principal),
                    policy.RULES[method].action,
                    secret=secret,
                    stack=getattr(request, "stack", ""),
                    outcome=NotPermitted.reason,
                )
                for secret in secrets[: limits.MAX_NAMES]
            ]
        )

    return record


def _directory(path: Path) -> Path:
    """Return the directory, made with mode 0700 if it was not there."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
    else:
        if os.access(path, os.W_OK | os.X_OK):
            return path
        reason = "this process may not write to it"
    raise DirectoryUnusable(
        f"The directory {path} cannot be used.",
        why=f"Making it or writing to it fails: {reason}.",
        next_step="Let it belong to the user the service runs as, on a file system that is not"
        " read-only.",
    )


def _now() -> datetime:
    return datetime.now(UTC)
