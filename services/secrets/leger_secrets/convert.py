"""Between the contract's messages and the domain's values."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import secrets_pb2 as pb
from leger_runtime import principals

from leger_secrets.domain.caller import Caller, new_request_id
from leger_secrets.domain.changes import Change, ChangeKind
from leger_secrets.domain.handouts import Handout
from leger_secrets.domain.imports import ImportChange, Imported, Item
from leger_secrets.domain.notes import NotesAsked
from leger_secrets.domain.refusals import Refusal
from leger_secrets.domain.secrets import GetResult, Resolved
from leger_secrets.domain.stored import Binding, Notes, SecretInfo, StackBinding
from leger_secrets.domain.time_asked import TimeAsked
from leger_secrets.domain.value import SecretValue
from leger_secrets.domain.versions import PutResult

_IMPORT_CHANGES = {
    ImportChange.CREATED: pb.ImportSecretsResponse.CHANGE_CREATED,
    ImportChange.UPDATED: pb.ImportSecretsResponse.CHANGE_UPDATED,
    ImportChange.UNCHANGED: pb.ImportSecretsResponse.CHANGE_UNCHANGED,
    ImportChange.ACTIVATED: pb.ImportSecretsResponse.CHANGE_ACTIVATED,
}
_CHANGES = {
    ChangeKind.VERSION_ADDED: pb.WatchSecretsResponse.CHANGE_VERSION_ADDED,
    ChangeKind.ACTIVATED: pb.WatchSecretsResponse.CHANGE_ACTIVATED,
    ChangeKind.VERSION_DELETED: pb.WatchSecretsResponse.CHANGE_VERSION_DELETED,
    ChangeKind.DELETED: pb.WatchSecretsResponse.CHANGE_DELETED,
    ChangeKind.UPDATED: pb.WatchSecretsResponse.CHANGE_UPDATED,
}


def caller(context: grpc.ServicerContext) -> Caller:
    """Return who makes the call: the socket's principal, and what the client says it is."""
    agent = next((v for k, v in context.invocation_metadata() if k == "user-agent"), "")
    return Caller(
        str(principals.current()),
        new_request_id(),
        # gRPC adds its own name and version to what the client chose.
        process=str(agent).partition(" grpc-")[0],
    )


def named_secrets(request: Any) -> list[str]:
    """Return the names of the secrets that a request of any method is about, perhaps none.

    A stream of requests names none.
    """
    descriptor = getattr(request, "DESCRIPTOR", None)
    if descriptor is None or descriptor.file != pb.DESCRIPTOR:  # `name` is another thing's there
        return []
    return [
        *([request.name] if hasattr(request, "name") else ()),
        *getattr(request, "names", ()),
        *(item.name for item in getattr(request, "secrets", ())),
    ]


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
        notes=notes(info.notes),
        create_time=timestamp(info.created.time),
        created_by=info.created.principal,
        update_time=timestamp(info.updated.time),
        updated_by=info.updated.principal,
        activate_time=timestamp(info.activate_time),
        previous_version=info.previous,
        rotate_due_time=optional_timestamp(info.rotate_due_time),
    )


def notes(noted: Notes) -> pb.SecretNotes:
    """Pack what is noted about a secret."""
    return pb.SecretNotes(
        description=noted.description,
        labels=noted.labels,
        expire_time=optional_timestamp(noted.expire_time),
        rotate_after_days=noted.rotate_after_days,
    )


def notes_asked(asked: pb.SecretNotes) -> NotesAsked:
    """Unpack what is to be noted."""
    return NotesAsked(
        description=asked.description,
        labels=dict(asked.labels),
        expire_time=time_asked(asked.expire_time) if asked.HasField("expire_time") else None,
        rotate_after_days=asked.rotate_after_days,
    )


def import_items(request: pb.ImportSecretsRequest) -> list[Item]:
    """Unpack the values of an import."""
    return [Item(item.name, SecretValue(item.value)) for item in request.secrets]


def import_response(results: Iterable[Imported], revision: int) -> pb.ImportSecretsResponse:
    """Pack what an import did."""
    return pb.ImportSecretsResponse(
        results=[
            pb.ImportSecretsResponse.Result(
                name=result.name,
                change=_IMPORT_CHANGES[result.change],
                version=result.version,
                units=result.units,
            )
            for result in results
        ],
        revision=revision,
    )


def change(changed: Change) -> pb.WatchSecretsResponse:
    """Pack one event of a watch."""
    return pb.WatchSecretsResponse(
        revision=changed.revision,
        last_of_revision=changed.last,
        change=_CHANGES[changed.kind],
        name=changed.secret,
        version=changed.version,
        time=timestamp(changed.author.time),
        principal=changed.author.principal,
    )


def bindings(request: pb.BindStackRequest) -> list[Binding]:
    """Unpack the bindings of a stack."""
    return [Binding(b.unit, b.credential, b.secret) for b in request.bindings]


def stack_binding(
    bound: StackBinding, handouts: Iterable[Handout]
) -> pb.ListBindingsResponse.StackBinding:
    """Pack one binding, its stack, and what was last handed out for it."""
    unit, credential, secret = bound.binding
    return pb.ListBindingsResponse.StackBinding(
        stack=bound.stack,
        binding=pb.Binding(unit=unit, credential=credential, secret=secret),
        served=[
            pb.Served(unit=h.unit, version=h.version, time=timestamp(h.time)) for h in handouts
        ],
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


def time_asked(asked: Timestamp) -> TimeAsked:
    """Unpack a point in time."""
    return TimeAsked(asked.seconds, asked.nanos)


def timestamp(time: datetime) -> Timestamp:
    """Pack a point in time."""
    packed = Timestamp()
    packed.FromDatetime(time)
    return packed


def optional_timestamp(time: datetime | None) -> Timestamp | None:
    """Pack a point in time that may be absent."""
    return None if time is None else timestamp(time)
