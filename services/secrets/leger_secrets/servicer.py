"""The contract's methods: unpack, call, pack."""

from collections.abc import Iterator

import grpc
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import secrets_pb2_grpc

from leger_secrets import convert, convert_recipe
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.generate import Generator
from leger_secrets.domain.imports import Imports
from leger_secrets.domain.notes import NoteKeeper
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.value import SecretValue
from leger_secrets.domain.watch import Watches


class SecretsServicer(secrets_pb2_grpc.SecretsServiceServicer):
    """leger.secrets.v1.SecretsService."""

    def __init__(
        self,
        *,
        secrets: Secrets,
        notes: NoteKeeper,
        generator: Generator,
        imports: Imports,
        watches: Watches,
    ) -> None:
        self._secrets = secrets
        self._notes = notes
        self._generator = generator
        self._imports = imports
        self._watches = watches

    def PutSecret(
        self, request: pb.PutSecretRequest, context: grpc.ServicerContext
    ) -> pb.PutSecretResponse:
        """Store a value as a new version."""
        put = self._secrets.put(
            request.name,
            SecretValue(request.value),
            activate=request.activate,
            by=convert.caller(context),
        )
        return convert.put_response(put)

    def GetSecret(
        self, request: pb.GetSecretRequest, context: grpc.ServicerContext
    ) -> pb.GetSecretResponse:
        """Answer a value."""
        got = self._secrets.get(
            request.name,
            version=request.version,
            if_version_not=request.if_version_not,
            by=convert.caller(context),
        )
        return convert.get_response(got)

    def ResolveSecrets(
        self, request: pb.ResolveSecretsRequest, context: grpc.ServicerContext
    ) -> pb.ResolveSecretsResponse:
        """Answer several values."""
        resolved, revision = self._secrets.resolve(request.names, by=convert.caller(context))
        return convert.resolve_response(resolved, revision)

    def GetSecretInfo(
        self, request: pb.GetSecretInfoRequest, context: grpc.ServicerContext
    ) -> pb.GetSecretInfoResponse:
        """Describe one secret."""
        info = self._secrets.info(request.name, by=convert.caller(context))
        return pb.GetSecretInfoResponse(secret=convert.secret_info(info))

    def ListSecrets(
        self, request: pb.ListSecretsRequest, context: grpc.ServicerContext
    ) -> pb.ListSecretsResponse:
        """Describe all secrets."""
        infos, revision = self._secrets.list_secrets(by=convert.caller(context))
        return pb.ListSecretsResponse(secrets=map(convert.secret_info, infos), revision=revision)

    def CreateSecretVersion(
        self, request: pb.CreateSecretVersionRequest, context: grpc.ServicerContext
    ) -> pb.CreateSecretVersionResponse:
        """Store a value under a given number."""
        self._secrets.create_version(
            request.name, request.version, SecretValue(request.value), by=convert.caller(context)
        )
        return pb.CreateSecretVersionResponse()

    def ActivateSecretVersion(
        self, request: pb.ActivateSecretVersionRequest, context: grpc.ServicerContext
    ) -> pb.ActivateSecretVersionResponse:
        """Make a version the active one."""
        previous = self._secrets.activate(
            request.name,
            request.version,
            previous=request.previous_version if request.HasField("previous_version") else None,
            for_environment=request.for_environment,
            by=convert.caller(context),
        )
        return pb.ActivateSecretVersionResponse(previous_version=previous)

    def DeleteSecret(
        self, request: pb.DeleteSecretRequest, context: grpc.ServicerContext
    ) -> pb.DeleteSecretResponse:
        """Delete a secret."""
        self._secrets.delete(request.name, force=request.force, by=convert.caller(context))
        return pb.DeleteSecretResponse()

    def DeleteSecretVersion(
        self, request: pb.DeleteSecretVersionRequest, context: grpc.ServicerContext
    ) -> pb.DeleteSecretVersionResponse:
        """Delete one version."""
        self._secrets.delete_version(request.name, request.version, by=convert.caller(context))
        return pb.DeleteSecretVersionResponse()

    def UpdateSecret(
        self, request: pb.UpdateSecretRequest, context: grpc.ServicerContext
    ) -> pb.UpdateSecretResponse:
        """Change what is noted about a secret."""
        info = self._notes.update(
            request.name,
            convert.notes_asked(request.notes),
            mask=request.update_mask.paths,
            by=convert.caller(context),
        )
        return pb.UpdateSecretResponse(secret=convert.secret_info(info))

    def GenerateSecret(
        self, request: pb.GenerateSecretRequest, context: grpc.ServicerContext
    ) -> pb.GenerateSecretResponse:
        """Make a value and store it."""
        generated = self._generator.generate(
            request.name,
            convert_recipe.recipe(request.recipe),
            activate=request.activate,
            by=convert.caller(context),
        )
        return convert_recipe.generate_response(generated)

    def ImportSecrets(
        self, request: pb.ImportSecretsRequest, context: grpc.ServicerContext
    ) -> pb.ImportSecretsResponse:
        """Put several values."""
        results, revision = self._imports.import_secrets(
            convert.import_items(request), dry_run=request.dry_run, by=convert.caller(context)
        )
        return convert.import_response(results, revision)

    def WatchSecrets(
        self, request: pb.WatchSecretsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchSecretsResponse]:
        """Stream the changes."""
        for changes in self._watches.watch(
            after=request.after_revision,
            patterns=request.patterns,
            by=convert.caller(context),
            client=context,
        ):
            yield from map(convert.change, changes)


class BindingsServicer(secrets_pb2_grpc.BindingsServiceServicer):
    """leger.secrets.v1.BindingsService."""

    def __init__(self, *, bindings: Bindings) -> None:
        self._bindings = bindings

    def BindStack(
        self, request: pb.BindStackRequest, context: grpc.ServicerContext
    ) -> pb.BindStackResponse:
        """Replace the bindings of a stack."""
        self._bindings.bind_stack(
            request.stack, convert.bindings(request), by=convert.caller(context)
        )
        return pb.BindStackResponse()

    def ListBindings(
        self, request: pb.ListBindingsRequest, context: grpc.ServicerContext
    ) -> pb.ListBindingsResponse:
        """List bindings."""
        bound = self._bindings.list_bindings(stack=request.stack, secret=request.secret)
        return pb.ListBindingsResponse(
            bindings=[
                convert.stack_binding(listed, self._bindings.handed_out(listed.binding))
                for listed in bound
            ]
        )

    def ListRefusals(
        self, request: pb.ListRefusalsRequest, context: grpc.ServicerContext
    ) -> pb.ListRefusalsResponse:
        """List the latest refusals."""
        refusals = self._bindings.list_refusals()
        return pb.ListRefusalsResponse(refusals=map(convert.refusal, refusals))
