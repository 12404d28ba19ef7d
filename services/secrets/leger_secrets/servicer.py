"""The contract's methods: unpack, call, pack."""

import grpc
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import secrets_pb2_grpc
from leger_runtime import principals

from leger_secrets import convert
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.value import SecretValue


class SecretsServicer(secrets_pb2_grpc.SecretsServiceServicer):
    """leger.secrets.v1.SecretsService."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def PutSecret(
        self, request: pb.PutSecretRequest, context: grpc.ServicerContext
    ) -> pb.PutSecretResponse:
        """Store a value as a new version."""
        put = self._secrets.put(
            request.name, SecretValue(request.value), activate=request.activate, by=_caller()
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
            by=_caller(),
        )
        return convert.get_response(got)

    def ResolveSecrets(
        self, request: pb.ResolveSecretsRequest, context: grpc.ServicerContext
    ) -> pb.ResolveSecretsResponse:
        """Answer several values."""
        resolved, revision = self._secrets.resolve(request.names, by=_caller())
        return convert.resolve_response(resolved, revision)

    def GetSecretInfo(
        self, request: pb.GetSecretInfoRequest, context: grpc.ServicerContext
    ) -> pb.GetSecretInfoResponse:
        """Describe one secret."""
        info = self._secrets.info(request.name, by=_caller())
        return pb.GetSecretInfoResponse(secret=convert.secret_info(info))

    def ListSecrets(
        self, request: pb.ListSecretsRequest, context: grpc.ServicerContext
    ) -> pb.ListSecretsResponse:
        """Describe all secrets."""
        infos, revision = self._secrets.list_secrets(by=_caller())
        return pb.ListSecretsResponse(secrets=map(convert.secret_info, infos), revision=revision)

    def CreateSecretVersion(
        self, request: pb.CreateSecretVersionRequest, context: grpc.ServicerContext
    ) -> pb.CreateSecretVersionResponse:
        """Store a value under a given number."""
        self._secrets.create_version(
            request.name, request.version, SecretValue(request.value), by=_caller()
        )
        return pb.CreateSecretVersionResponse()

    def ActivateSecretVersion(
        self, request: pb.ActivateSecretVersionRequest, context: grpc.ServicerContext
    ) -> pb.ActivateSecretVersionResponse:
        """Make a version the active one."""
        previous = self._secrets.activate(request.name, request.version, by=_caller())
        return pb.ActivateSecretVersionResponse(previous_version=previous)

    def DeleteSecret(
        self, request: pb.DeleteSecretRequest, context: grpc.ServicerContext
    ) -> pb.DeleteSecretResponse:
        """Delete a secret."""
        self._secrets.delete(request.name, force=request.force, by=_caller())
        return pb.DeleteSecretResponse()

    def DeleteSecretVersion(
        self, request: pb.DeleteSecretVersionRequest, context: grpc.ServicerContext
    ) -> pb.DeleteSecretVersionResponse:
        """Delete one version."""
        self._secrets.delete_version(request.name, request.version, by=_caller())
        return pb.DeleteSecretVersionResponse()


class BindingsServicer(secrets_pb2_grpc.BindingsServiceServicer):
    """leger.secrets.v1.BindingsService."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    def BindStack(
        self, request: pb.BindStackRequest, context: grpc.ServicerContext
    ) -> pb.BindStackResponse:
        """Replace the bindings of a stack."""
        self._bindings.bind_stack(request.stack, convert.bindings(request), by=_caller())
        return pb.BindStackResponse()

    def ListBindings(
        self, request: pb.ListBindingsRequest, context: grpc.ServicerContext
    ) -> pb.ListBindingsResponse:
        """List bindings."""
        bound = self._bindings.list_bindings(stack=request.stack, secret=request.secret)
        return pb.ListBindingsResponse(bindings=map(convert.stack_binding, bound))

    def ListRefusals(
        self, request: pb.ListRefusalsRequest, context: grpc.ServicerContext
    ) -> pb.ListRefusalsResponse:
        """List the latest refusals."""
        refusals = self._bindings.list_refusals()
        return pb.ListRefusalsResponse(refusals=map(convert.refusal, refusals))


def _caller() -> str:
    return str(principals.current())
