"""The secrets service, called as the principal svc:deployer."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from leger.secrets.v1 import secrets_pb2 as messages
from leger.secrets.v1 import secrets_pb2_grpc
from leger_runtime import client
from leger_runtime.errors import RemoteError
from leger_runtime.version import __version__

from leger_deployer.domain.errors import SecretsUnavailable
from leger_deployer.domain.ports.secret_versions import BoundUnit, SecretState, Served
from leger_deployer.domain.ports.secrets_directory import Refusal
from leger_deployer.domain.stack import Binding, SecretUse

Answer = TypeVar("Answer")

_TIMEOUT = 15.0
_BINDINGS_SERVICE = messages.DESCRIPTOR.services_by_name["BindingsService"].full_name
# What gRPC itself reports when no service answered; the service's own reasons are others.
_TRANSPORT = {
    grpc.StatusCode.UNAVAILABLE.name,
    grpc.StatusCode.DEADLINE_EXCEEDED.name,
    grpc.StatusCode.UNIMPLEMENTED.name,
    grpc.StatusCode.CANCELLED.name,
}


class SecretsServiceClient:
    """SecretsDirectory and SecretVersions by leger.secrets.v1."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def stored(self) -> frozenset[str]:
        """Return the names of all secrets that are stored."""
        answer = self._call(
            lambda channel: secrets_pb2_grpc.SecretsServiceStub(channel).ListSecrets(
                messages.ListSecretsRequest(), timeout=_TIMEOUT
            )
        )
        return frozenset(secret.name for secret in answer.secrets)

    def bind(self, stack: str, uses: Iterable[SecretUse]) -> None:
        """Let exactly these units have exactly these secrets."""
        bindings = [
            messages.Binding(unit=unit, credential=credential, secret=secret)
            for unit, credential, secret in sorted({use.binding for use in uses})
        ]
        self._call(
            lambda channel: secrets_pb2_grpc.BindingsServiceStub(channel).BindStack(
                messages.BindStackRequest(stack=stack, bindings=bindings), timeout=_TIMEOUT
            )
        )

    def all_bindings(self) -> Mapping[str, frozenset[Binding]]:
        """Return what the units of each stack may have; without stacks that are not bound."""
        answer = self._call(
            lambda channel: secrets_pb2_grpc.BindingsServiceStub(channel).ListBindings(
                messages.ListBindingsRequest(), timeout=_TIMEOUT
            )
        )
        found: defaultdict[str, set[Binding]] = defaultdict(set)
        for bound in answer.bindings:
            binding = Binding(bound.binding.unit, bound.binding.credential, bound.binding.secret)
            found[bound.stack].add(binding)
        return {stack: frozenset(bindings) for stack, bindings in found.items()}

    @contextmanager
    def watch(self) -> Iterator[Iterator[bool]]:
        """Watch whether the store is open, by the service's health."""
        with self._channel() as channel:
            yield self._openness(channel)

    def _openness(self, channel: grpc.Channel) -> Iterator[bool]:
        request = health_pb2.HealthCheckRequest(service=_BINDINGS_SERVICE)
        with self._reached():
            for answer in client.stream(lambda: health_pb2_grpc.HealthStub(channel).Watch(request)):
                yield answer.status == health_pb2.HealthCheckResponse.SERVING

    def refusals(self) -> Sequence[Refusal]:
        """Return the latest refusal of each unit."""
        answer = self._call(
            lambda channel: secrets_pb2_grpc.BindingsServiceStub(channel).ListRefusals(
                messages.ListRefusalsRequest(), timeout=_TIMEOUT
            )
        )
        return [
            Refusal(unit=r.unit, credential=r.credential, message=r.message)
            for r in answer.refusals
        ]

    def state(self, secret: str) -> SecretState:
        """Return what is known of a secret's versions."""
        answer = self._call(
            lambda channel: secrets_pb2_grpc.SecretsServiceStub(channel).GetSecretInfo(
                messages.GetSecretInfoRequest(name=secret), timeout=_TIMEOUT
            )
        ).secret
        return SecretState(
            active=answer.active_version,
            previous=answer.previous_version,
            versions=frozenset(version.version for version in answer.versions),
        )

    def activate(
        self,
        secret: str,
        version: int,
        *,
        previous: int | None = None,
        for_environment: bool = False,
    ) -> None:
        """Make a stored version the active one."""
        request = messages.ActivateSecretVersionRequest(
            name=secret,
            version=version,
            previous_version=previous,
            for_environment=for_environment,
        )
        self._call(
            lambda channel: secrets_pb2_grpc.SecretsServiceStub(channel).ActivateSecretVersion(
                request, timeout=_TIMEOUT
            )
        )

    def bound(self, secret: str) -> Sequence[BoundUnit]:
        """Return the units that are bound to a secret."""
        answer = self._call(
            lambda channel: secrets_pb2_grpc.BindingsServiceStub(channel).ListBindings(
                messages.ListBindingsRequest(secret=secret), timeout=_TIMEOUT
            )
        )
        return [
            BoundUnit(
                stack=bound.stack,
                unit=bound.binding.unit,
                served={
                    served.unit: Served(
                        version=served.version, time=served.time.ToDatetime(tzinfo=UTC)
                    )
                    for served in bound.served
                },
            )
            for bound in answer.bindings
        ]

    def _call(self, rpc: Callable[[grpc.Channel], Answer]) -> Answer:
        with self._channel() as channel, self._reached():
            return client.call(lambda: rpc(channel))

    def _channel(self) -> grpc.Channel:
        # One of its own for each call: one that is kept would wait longer and longer before it
        # notices that the service is back.
        return client.channel(self._socket, f"leger-deployer/{__version__}")

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Raise SecretsUnavailable where nobody answered; what the service answers passes."""
        try:
            yield
        except RemoteError as error:
            if error.reason not in _TRANSPORT:
                raise
        else:
            return
        raise SecretsUnavailable(
            "The secrets service does not answer.",
            why=f"Nothing serves {self._socket}, the deployer's way into leger-secrets.service.",
            next_step="Start it: `systemctl start leger-secrets` (`--user` in the user scope);"
            " `journalctl -u leger-secrets` says why it stopped.",
        )
