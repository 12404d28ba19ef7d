"""Between the contract's messages and the domain's values."""

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import secrets_pb2 as pb

from leger_secrets.domain.refusals import Refusal
from leger_secrets.domain.secrets import GetResult, PutResult, Resolved
from leger_secrets.domain.store import Binding, SecretInfo, StackBinding


def put_response(put: PutResult) -> pb.PutSecretResponse:
    """Pack what a put came to."""
    return pb.PutSecretResponse(version=put.version, active=put.active, created=put.created)


def get_response(got: GetResult) -> pb.GetSecretResponse:
    """Pack a value, or that the caller has it already."""
    if got.value is None:
        return pb.GetSecretResponse(version=got.version, unchanged=True)
    return pb.GetSecretResponse(version=got.version, value=got.value.reveal())


def resolve_response(resolved: Iterable[Resolved], revision: int) -> pb.ResolveSecretsResponse:
    """Pack several values."""
    return pb.ResolveSecretsResponse(
        secrets=[
            pb.ResolveSecretsResponse.Resolved(
                name=secret.name, version=secret.version, value=secret.value.reveal()
            )
            for secret in resolved
        ],
        revision=revision,
    )


def secret_info(info: SecretInfo) -> pb.SecretInfo:
    """Pack the description of a secret."""
    return pb.SecretInfo(
        name=info.name,
        versions=[
            pb.SecretVersion(
                version=version.number,
                create_time=timestamp(version.create_time),
                created_by=version.created_by,
            )
            for version in info.versions
        ],
        active_version=info.active,
        revision=info.revision,
        units=info.units,
    )


def bindings(request: pb.BindStackRequest) -> list[Binding]:
    """Unpack the bindings of a stack."""
    return [Binding(b.unit, b.credential, b.secret) for b in request.bindings]


def stack_binding(bound: StackBinding) -> pb.ListBindingsResponse.StackBinding:
    """Pack one binding and its stack."""
    unit, credential, secret = bound.binding
    return pb.ListBindingsResponse.StackBinding(
        stack=bound.stack,
        binding=pb.Binding(unit=unit, credential=credential, secret=secret),
    )


def refusal(refused: Refusal) -> pb.Refusal:
    """Pack why a unit was refused."""
    return pb.Refusal(
        unit=refused.unit,
        credential=refused.credential,
        reason=refused.reason,
        message=refused.message,
        time=timestamp(refused.time),
    )


def timestamp(time: datetime) -> Timestamp:
    """Pack a point in time."""
    packed = Timestamp()
    packed.FromDatetime(time)
    return packed
