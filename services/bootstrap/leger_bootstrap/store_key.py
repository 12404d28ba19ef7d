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
    """Where the key lies; `encrypted` tells whether systemd sealed it to the TPM or host key."""

    path: Path
    encrypted: bool

    @property
    def directive(self) -> str:
        """The line of a unit's [Service] section that loads the key as a credential."""
        verb = "LoadCredentialEncrypted" if self.encrypted else "LoadCredential"
        return f"{verb}={CREDENTIAL}:{self.path}"


def ensure(scope: Scope, run: Run) -> StoreKey:
    """Return the scope's key, making one when there is no store yet.

    Prefers `systemd-creds encrypt` (TPM2, else the host key; systemd.exec(5)); a host that cannot
    seal gets a file of mode 0600. Raises StoreKeyMissing rather than make a key that cannot open
    the store that is there.
    """
    sealed = scope.encrypted_credentials / FILE_NAME
    plain = scope.plain_credentials / FILE_NAME
    if sealed.exists():
        return StoreKey(sealed, encrypted=True)
    if plain.exists():
        return StoreKey(plain, encrypted=False)
    if (scope.secrets_data / "secrets.db").exists():
        raise StoreKeyMissing(
            f"The key of the store in {scope.secrets_data} is gone.",
            why=f"Neither {sealed} nor {plain} exists, and a new key could not open the store.",
            next_step="Put the key back from your backup, or move the store away to begin anew.",
        )
    key = secrets.token_bytes(_KEY_BYTES)
    manager = () if scope.is_system else ("--user",)
    sealing = run(["systemd-creds", *manager, "encrypt", f"--name={CREDENTIAL}", "-", "-"], key)
    if sealing.status == 0 and sealing.output:
        return StoreKey(_write(sealed, sealing.output), encrypted=True)
    return StoreKey(_write(plain, key), encrypted=False)


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The mode that systemd gives these directories: none of what they hold is anybody else's.
    path.parent.chmod(0o700)
    atomic.write(path, content, mode=0o600)
    return path
