"""Serving gRPC on Unix sockets, one per principal, with health, reflection and version on each."""

import errno
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from leger.version.v1 import version_pb2_grpc

from leger_runtime.client import MAX_ANSWER, MAX_REQUEST
from leger_runtime.interceptors import Gatekeeper, OnRefusal, Policy
from leger_runtime.principals import Principal, Role
from leger_runtime.sockets import binding
from leger_runtime.version_servicer import SERVICE as VERSION_SERVICE
from leger_runtime.version_servicer import VersionServicer

SOCKET_NAME = "grpc.sock"

_WATCH_HEALTH = "/grpc.health.v1.Health/Watch"
_REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

_OPEN_TO_ALL = frozenset(Role)
# They reveal no more than the public contracts and packages do.
INFRASTRUCTURE: Policy = {
    "/grpc.health.v1.Health/Check": _OPEN_TO_ALL,
    "/grpc.health.v1.Health/List": _OPEN_TO_ALL,
    _WATCH_HEALTH: _OPEN_TO_ALL,
    _REFLECT: _OPEN_TO_ALL,
    f"/{VERSION_SERVICE}/GetVersion": _OPEN_TO_ALL,
}
_LASTING = {_WATCH_HEALTH: 8, _REFLECT: 8}


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One principal's way in: `socket` lies in a directory of mode 0700 that is the principal's."""

    principal: Principal
    socket: Path


class UnixServer:
    """The gRPC servers of one service.

    `services` are full names such as "leger.secrets.v1.SecretsService"; `register` adds the
    servicers to a server. Each principal has `threads` for its calls, so that none keeps another
    from being served. `lasting` are the methods whose calls hold a thread for as long as the caller
    wants, and how many of each are served at once, in threads of their own; the next one waits.
    `on_refusal` is told of every call that the policy refuses, before the caller is.
    """

    def __init__(
        self,
        *,
        listeners: Iterable[Listener],
        policy: Policy,
        services: tuple[str, ...],
        register: Callable[[grpc.Server], None],
        threads: int = 16,
        lasting: Mapping[str, int] = MappingProxyType({}),
        on_refusal: OnRefusal | None = None,
    ) -> None:
        self._health = health.HealthServicer()
        self._serving = dict.fromkeys(services, True)
        self._bound = False
        self._started = False
        self._pools = []
        self._servers = []
        self._sockets = []
        version = VersionServicer((*services, VERSION_SERVICE))
        for listener in listeners:
            pool = _threads(threads)
            apart = {method: _threads(n) for method, n in {**lasting, **_LASTING}.items()}
            server = grpc.server(
                pool,
                interceptors=[
                    Gatekeeper(
                        principal=listener.principal,
                        policy={**policy, **INFRASTRUCTURE},
                        apart=apart,
                        on_refusal=on_refusal,
                    )
                ],
                options=[
                    ("grpc.max_receive_message_length", MAX_REQUEST),
                    ("grpc.max_send_message_length", MAX_ANSWER),
                ],
            )
            register(server)
            health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
            version_pb2_grpc.add_VersionServiceServicer_to_server(version, server)
            reflection.enable_server_reflection(
                (*services, VERSION_SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
            )
            self._pools += [pool, *apart.values()]
            self._servers.append(server)
            self._sockets.append(listener.socket)

    def bind(self) -> None:
        """Bind every socket with mode 0600; what clients send waits there until the start.

        A stale socket is replaced. What `binding` says of other threads holds. Raises OSError when
        one cannot be bound.
        """
        for server, socket in zip(self._servers, self._sockets, strict=True):
            with binding(socket):
                try:
                    server.add_insecure_port(f"unix:{socket}")
                except RuntimeError:  # gRPC keeps the system's reason to itself
                    raise OSError(
                        errno.EADDRNOTAVAIL, "The socket cannot be bound", str(socket)
                    ) from None
        self._bound = True

    def start(self) -> None:
        """Begin to serve; bind the sockets before, unless that was done."""
        if not self._bound:
            self.bind()
        for server in self._servers:
            server.start()
        self._started = True
        self._tell_health()

    def set_serving(self, *, serving: bool, services: Collection[str] | None = None) -> None:
        """Tell health checks whether requests to these services, None meaning all, will succeed.

        As a whole the server serves when each of its services does. Until told otherwise they do.
        """
        for name in self._serving if services is None else services:
            self._serving[name] = serving
        if self._started:
            self._tell_health()

    def _tell_health(self) -> None:
        for name, serving in {**self._serving, "": all(self._serving.values())}.items():
            state = health_pb2.HealthCheckResponse
            self._health.set(name, state.SERVING if serving else state.NOT_SERVING)

    def stop(self, grace: float = 5.0) -> None:
        """Refuse new calls, give running ones `grace` seconds, and remove the sockets."""
        self._health.enter_graceful_shutdown()
        for stopping in [server.stop(grace) for server in self._servers]:
            stopping.wait()
        for socket in self._sockets:
            socket.unlink(missing_ok=True)
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)


def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="rpc")
