"""Putting the service together: the only place where its parts are constructed."""

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import grpc
from leger.secrets.v1 import (
    access_pb2_grpc,
    audit_pb2_grpc,
    backup_pb2_grpc,
    secrets_pb2_grpc,
    store_pb2_grpc,
)
from leger_runtime.errors import LegerError
from leger_runtime.principals import Principal, Role
from leger_runtime.server import SOCKET_NAME, Listener, UnixServer

from leger_secrets import policy
from leger_secrets.access_servicer import AccessServicer
from leger_secrets.adapters import age_process, backup_format, directory, key_file
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.audit_reader import AuditFileReader
from leger_secrets.adapters.backup_directory import LocalBackupDirectory
from leger_secrets.adapters.credential_socket import CredentialSocket
from leger_secrets.adapters.journal import JournaldUnitJournal
from leger_secrets.adapters.policy_file import TomlPolicyFile
from leger_secrets.adapters.private_keys import CryptographyKeyMaker
from leger_secrets.adapters.sealable_store import SealableSecretStore
from leger_secrets.adapters.store_files import StoreFiles
from leger_secrets.adapters.store_seal import StoreSeal
from leger_secrets.audit_servicer import AuditServicer
from leger_secrets.backup_servicer import BackupServicer
from leger_secrets.config import Config, Scope
from leger_secrets.domain.access import Access
from leger_secrets.domain.audit_reading import AuditReading
from leger_secrets.domain.backup import Backups
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.credentials import Credentials
from leger_secrets.domain.generate import Generator
from leger_secrets.domain.grants import Authorizer
from leger_secrets.domain.handouts import Handouts
from leger_secrets.domain.imports import Imports
from leger_secrets.domain.notes import NoteKeeper
from leger_secrets.domain.refusals import Refusals
from leger_secrets.domain.restore import Restores
from leger_secrets.domain.sealing import StoreCare
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.tokens import Tokens
from leger_secrets.domain.watch import Watches
from leger_secrets.domain.watch_slots import WatchSlots
from leger_secrets.refused_calls import RefusedCalls
from leger_secrets.service import SecretsService
from leger_secrets.servicer import BindingsServicer, SecretsServicer
from leger_secrets.store_servicer import StoreServicer

if TYPE_CHECKING:
    from leger_secrets.http.server import HttpServer

AUDIT_LOG = "audit.log"
CREDENTIAL_SOCKET = "credentials.sock"

_THREADS = 12  # of each principal: more would only wait for the interpreter
_HTTP_THREADS = 16


def build(
    config: Config,
    *,
    weaknesses: Sequence[str] = (),
    http_sockets: Sequence[socket.socket] = (),
) -> SecretsService:
    """Open the audit log and construct everything; the store is not open, and nothing listens yet.

    `weaknesses` are what could not be done to protect this process's memory. `http_sockets` are
    where setec's API is served: they listen already, and are the service's from now on. Raises the
    LegerErrors of a start that cannot be: about the directories and the audit log.
    """
    with ExitStack() as opened:
        state_dir = directory.ensure(config.state_dir)
        # First, as its lock keeps a second process away from all files.
        audit = AuditFile(path=state_dir / AUDIT_LOG, clock=_now)
        opened.callback(audit.close)
        files = StoreFiles(
            directory=state_dir,
            root_key=partial(key_file.read, config.key_file),
            audit=audit,
            clock=_now,
        )

        def on_change(cause: LegerError | None) -> None:
            service.seal_changed(cause)

        store = SealableSecretStore(database=files.database, on_change=on_change)
        opened.callback(store.close)
        seal = StoreSeal(store=store, files=files)
        backup_dir = LocalBackupDirectory(path=config.backup_dir)
        backups = Backups(
            store=store,
            audit=audit,
            machine=store,
            cipher=age_process,
            file_format=backup_format,
            directory=backup_dir,
            clock=_now,
        )
        restores = Restores(
            store=store,
            audit=audit,
            machine=store,
            cipher=age_process,
            file_format=backup_format,
            directory=backup_dir,
            clock=_now,
        )
        care = StoreCare(
            seal=seal,
            audit=audit,
            audit_problem=lambda: audit.problem,
            last_backup=backups.last_time,
            weaknesses=tuple(weaknesses),
        )
        refusals = Refusals(clock=_now)
        policy_file = TomlPolicyFile(path=config.policy_file, clock=_now)
        tokens = Tokens(store=store, audit=audit, clock=_now)
        grants = Authorizer(policy_file, tokens)
        access = AccessServicer(
            access=Access(
                store=store,
                authorizer=grants,
                tokens=tokens,
                policy_file=policy_file,
                operator=config.account,
            ),
            tokens=tokens,
        )
        watch_slots, follow_slots = WatchSlots(), WatchSlots()
        reading = AuditReading(reader=AuditFileReader(log=audit), slots=follow_slots)
        versions = Secrets(store=store, audit=audit, grants=grants, clock=_now)
        secrets = SecretsServicer(
            secrets=versions,
            notes=NoteKeeper(store=store, audit=audit, grants=grants, clock=_now),
            generator=Generator(secrets=versions, keys=CryptographyKeyMaker()),
            imports=Imports(store=store, audit=audit, grants=grants, clock=_now),
            watches=Watches(store=store, audit=audit, grants=grants, slots=watch_slots),
        )
        handouts = Handouts(clock=_now)
        bindings = Bindings(
            store=store, audit=audit, refusals=refusals, handouts=handouts, clock=_now
        )
        credentials = Credentials(
            store=store,
            audit=audit,
            refusals=refusals,
            handouts=handouts,
            journal=JournaldUnitJournal(
                socket_path=config.journal_socket, user_scope=config.scope is Scope.USER
            ),
        )

        def register(server: grpc.Server) -> None:
            secrets_pb2_grpc.add_SecretsServiceServicer_to_server(secrets, server)
            secrets_pb2_grpc.add_BindingsServiceServicer_to_server(
                BindingsServicer(bindings=bindings), server
            )
            access_pb2_grpc.add_AccessServiceServicer_to_server(access, server)
            audit_pb2_grpc.add_AuditServiceServicer_to_server(
                AuditServicer(reading=reading), server
            )
            store_pb2_grpc.add_StoreServiceServicer_to_server(StoreServicer(care=care), server)
            backup_pb2_grpc.add_BackupServiceServicer_to_server(
                BackupServicer(backups=backups, restores=restores), server
            )

        service = SecretsService(
            seal=seal,
            server=UnixServer(
                listeners=_listeners(config),
                policy=policy.POLICY,
                services=(
                    policy.SECRETS_SERVICE,
                    policy.BINDINGS_SERVICE,
                    policy.ACCESS_SERVICE,
                    policy.AUDIT_SERVICE,
                    policy.STORE_SERVICE,
                    policy.BACKUP_SERVICE,
                ),
                register=register,
                threads=_THREADS,
                lasting=policy.LASTING,
                on_refusal=RefusedCalls(audit=audit),
            ),
            credentials=CredentialSocket(
                path=config.runtime_dir / CREDENTIAL_SOCKET, credentials=credentials
            ),
            http=http_server(http_sockets, secrets=versions, tokens=tokens),
            watch_slots=(watch_slots, follow_slots),
            opened=opened.pop_all(),
        )
        return service


def _listeners(config: Config) -> list[Listener]:
    principals = {
        "operator": Principal(Role.OPERATOR, config.account),
        "deployer": Principal(Role.DEPLOYER),
    }
    return [
        Listener(
            principal=principal, socket=directory.ensure(config.runtime_dir / name) / SOCKET_NAME
        )
        for name, principal in principals.items()
    ]


def http_server(
    sockets: Sequence[socket.socket], *, secrets: Secrets, tokens: Tokens
) -> "HttpServer | None":
    """Construct what serves setec's API on the sockets; None when there are none."""
    if not sockets:
        return None
    # Imported only here, as what they need takes memory.
    from leger_secrets.http.app import App
    from leger_secrets.http.callers import Callers
    from leger_secrets.http.complaints import Complaints
    from leger_secrets.http.methods import Methods
    from leger_secrets.http.server import HttpServer

    threads = ThreadPoolExecutor(_HTTP_THREADS, thread_name_prefix="http")
    app = App(
        secrets=secrets,
        methods=Methods(secrets=secrets),
        callers=Callers(tokens=tokens),
        complaints=Complaints(),
        threads=threads,
    )
    return HttpServer(sockets=sockets, app=app, threads=threads)


def _now() -> datetime:
    return datetime.now(UTC)
