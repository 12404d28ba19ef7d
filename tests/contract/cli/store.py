"""The secrets service as it runs, in the scope of a test, and what tests put into and ask of it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leger.secrets.v1 import secrets_pb2 as s
from leger.secrets.v1 import secrets_pb2_grpc as s_grpc
from leger_runtime import client
from leger_secrets import wiring
from leger_secrets.config import Config

KEY = bytes(range(32))


class Store:
    """The service's own state, over its sockets; it can be stopped and started again."""

    def __init__(self, directory: Path) -> None:
        key_file = directory / "root-key"
        key_file.write_bytes(KEY)
        key_file.chmod(0o600)
        self._config = Config(
            runtime_dir=directory / "leger/secrets",
            state_dir=directory / "state",
            backup_dir=directory / "state/backups",
            key_file=key_file,
            policy_file=directory / "policy.toml",
            journal_socket=directory / "journal",
            account="tester",
        )
        self._service = wiring.build(self._config)

    @property
    def policy_file(self) -> Path:
        """Where the policy file is, or would be."""
        return self._config.policy_file

    @property
    def audit_log(self) -> str:
        """What the audit log says."""
        return (self._config.state_dir / "audit.log").read_text()

    def start(self) -> None:
        self._service.start()

    def stop(self) -> None:
        self._service.stop()

    def restart(self) -> None:
        """End the service, and start one that opens the same store."""
        self.stop()
        self._service = wiring.build(self._config)
        self.start()

    def put(self, name: str, *values: bytes, active: int = 0) -> None:
        """Store versions of a secret and activate the last, or the version `active`."""
        with self._client() as operator:
            for value in values:
                operator.PutSecret(s.PutSecretRequest(name=name, value=value, activate=True))
            if active:
                operator.ActivateSecretVersion(
                    s.ActivateSecretVersionRequest(name=name, version=active)
                )

    def values(self) -> dict[str, list[bytes]]:
        """Return all versions of all secrets, ascending."""
        with self._client() as operator:
            return {
                info.name: [
                    operator.GetSecret(
                        s.GetSecretRequest(name=info.name, version=version.version)
                    ).value
                    for version in info.versions
                ]
                for info in operator.ListSecrets(s.ListSecretsRequest()).secrets
            }

    def active(self) -> dict[str, bytes]:
        """Return the active value of each secret."""
        with self._client() as operator:
            return {
                info.name: operator.GetSecret(s.GetSecretRequest(name=info.name)).value
                for info in operator.ListSecrets(s.ListSecretsRequest()).secrets
            }

    def info(self, name: str) -> s.SecretInfo:
        """Describe a secret."""
        with self._client() as operator:
            return operator.GetSecretInfo(s.GetSecretInfoRequest(name=name)).secret

    def update(self, name: str, notes: s.SecretNotes, *fields: str) -> None:
        """Note something about a secret."""
        request = s.UpdateSecretRequest(name=name, notes=notes)
        request.update_mask.paths.extend(fields)
        with self._client() as operator:
            operator.UpdateSecret(request)

    def bind(self, secret: str, *units: str) -> None:
        """Let units have a secret, as a stack's deployment does."""
        channel = client.channel(self._config.runtime_dir / "deployer/grpc.sock")
        bindings = [s.Binding(unit=unit, credential=secret, secret=secret) for unit in units]
        s_grpc.BindingsServiceStub(channel).BindStack(
            s.BindStackRequest(stack="notes", bindings=bindings)
        )
        channel.close()

    def ask(self, unit: str, credential: str) -> bytes:
        """Ask for a credential as systemd does; more than a megabyte is a refusal."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.bind(f"\0{os.urandom(8).hex()}/unit/{unit}/{credential}")
            sock.connect(str(self._config.runtime_dir / "credentials.sock"))
            with sock.makefile("rb") as file:
                return file.read()

    @contextmanager
    def _client(self) -> Iterator[s_grpc.SecretsServiceStub]:
        channel = client.channel(self._config.runtime_dir / "operator/grpc.sock")
        yield s_grpc.SecretsServiceStub(channel)
        channel.close()
