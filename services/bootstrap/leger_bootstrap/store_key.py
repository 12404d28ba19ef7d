"""The key of the secrets store: made once, kept by systemd as a credential at rest."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from leger_runtime import atomic
from leger_runtime.errors import Kind, LegerError

from leger_bootstrap.commands import Run
from leger_bootstrap.scope import Scope

FILE_NAME = "leger.store-key"
CREDENTIAL = "store-key"
_KEY_BYTES = 32  # SQLCipher's raw key: AES-256


class StoreKeyMissing(LegerError):
    """There is a store but not the key that opens it."""

    kind, reason = Kind.CONFLICT, "STORE_KEY_MISSING"


@dataclass(frozen=True)
class StoreKey:
    """Where the key lies at rest; `sealed` tells whether only this machine can read it."""

    path: Path
    sealed: bool

    def container_lines(self, scope: Scope) -> list[str]:
        """Return what the secrets service's [Container] section needs to find its key."""
        if self.sealed and not scope.is_system:
            return [f"Environment=LEGER_KEY_FILE=/run/leger/secrets/{CREDENTIAL}"]
        # Decrypted by systemd for this unit alone, into memory.
        return [f"Volume=%d/{CREDENTIAL}:/run/secrets/{CREDENTIAL}:ro"]

    def service_lines(self, scope: Scope) -> list[str]:
        """Return what the secrets service's [Service] section needs to be handed the key."""
        if not self.sealed:
            return [f"LoadCredential={CREDENTIAL}:{self.path}"]
        if scope.is_system:
            return [f"LoadCredentialEncrypted={CREDENTIAL}:{self.path}"]
        # A user's manager cannot unseal for its units (seen up to systemd 257), while the user
        # can: into the runtime directory, which is memory, and only until the service has read it.
        clear = f"%t/leger/secrets/{CREDENTIAL}"
        unseal = f"systemd-creds --user decrypt --name={CREDENTIAL} {self.path} {clear}"
        return [
            f"ExecStartPre={unseal}",
            f"ExecStartPost=rm -f {clear}",
            f"ExecStopPost=-rm -f {clear}",
        ]


def ensure(scope: Scope, run: Run) -> StoreKey:
    """Return the scope's key, making one when there is no store yet.

    Prefers `systemd-creds encrypt` (TPM2, else the host key; systemd.exec(5)); a host that cannot
    seal gets a file of mode 0600. Raises StoreKeyMissing rather than make a key that cannot open
    the store that is there.
    """
    sealed = scope.encrypted_credentials / FILE_NAME
    plain = scope.plain_credentials / FILE_NAME
    if sealed.exists():
        return StoreKey(sealed, sealed=True)
    if plain.exists():
        return StoreKey(plain, sealed=False)
    if (scope.secrets_data / "secrets.db").exists():
        raise StoreKeyMissing(
            f"The key of the store in {scope.secrets_data} is gone.",
            why=f"Neither {sealed} nor {plain} exists, and a new key could not open the store.",
            next_step="Put the key back from your backup, or move the store away to begin anew.",
        )
    key = secrets.token_bytes(_KEY_BYTES)
    creds = ["systemd-creds", *(() if scope.is_system else ("--user",))]
    sealing = run([*creds, "encrypt", f"--name={CREDENTIAL}", "-", "-"], key)
    # Only a seal that opens again is worth having: this is the one moment that the key is known.
    opened = run([*creds, "decrypt", f"--name={CREDENTIAL}", "-", "-"], sealing.output)
    if sealing.status == 0 and opened.status == 0 and opened.output == key:
        return StoreKey(_write(sealed, sealing.output), sealed=True)
    return StoreKey(_write(plain, key), sealed=False)


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The mode that systemd gives these directories: none of what they hold is anybody else's.
    path.parent.chmod(0o700)
    atomic.write(path, content, mode=0o600)
    return path
