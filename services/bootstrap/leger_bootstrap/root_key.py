"""The root key of the secrets store: made once, kept by systemd as a credential at rest.

It opens the store's keyring, unless a passphrase does.
"""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from leger_runtime import atomic
from leger_runtime.errors import Kind, LegerError

from leger_bootstrap.commands import Run
from leger_bootstrap.scope import Scope

FILE_NAME = "leger.root-key"
CREDENTIAL = "root-key"
_KEY_BYTES = 32


class RootKeyMissing(LegerError):
    """There is a store but not the key that opens it."""

    kind, reason = Kind.CONFLICT, "STORE_KEY_MISSING"

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            f"The root key of the store in {scope.secrets_data} is gone.",
            why=f"Neither {place(scope)} nor {_plain(scope)} exists, and a new key could not"
            " open the store.",
            next_step="Put the key back from a backup of this host. `leger doctor` says what can be"
            " done where there is none.",
        )


@dataclass(frozen=True)
class RootKey:
    """Where the key lies at rest; `sealed` tells whether systemd has encrypted it."""

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
        # can: into the runtime directory, which is memory, and which MemorySwapMax= keeps from
        # swap as what this unit has written. It stays as long as a credential would, for
        # unsealing and re-keying need it.
        clear = f"%t/leger/secrets/{CREDENTIAL}"
        unseal = f"systemd-creds --user decrypt --name={CREDENTIAL} {self.path} {clear}"
        return [
            f"ExecStartPre=sh -c 'umask 077; exec {unseal}'",
            f"ExecStopPost=-rm -f {clear}",
        ]


def find(scope: Scope) -> RootKey | None:
    """Return the scope's key; None when there is none."""
    if place(scope).exists():
        return RootKey(place(scope), sealed=True)
    if _plain(scope).exists():
        return RootKey(_plain(scope), sealed=False)
    return None


def ensure(scope: Scope, run: Run) -> RootKey | None:
    """Return the scope's key, making one when there is no store yet.

    Prefers `systemd-creds encrypt` (TPM2, else the host key; systemd.exec(5)); a host that cannot
    seal gets a file of mode 0600. None when there is no key because a passphrase opens the store.
    Raises RootKeyMissing rather than make a key that cannot open the store that is there.
    """
    if existing := find(scope):
        return existing
    if (scope.secrets_data / "secrets.db").exists():
        if unlock_of_store(scope) == "passphrase":
            return None
        raise RootKeyMissing(scope)
    key = secrets.token_bytes(_KEY_BYTES)
    creds = ["systemd-creds", *(() if scope.is_system else ("--user",))]
    sealing = run([*creds, "encrypt", f"--name={CREDENTIAL}", "-", "-"], key)
    # Only a seal that opens again is worth having: this is the one moment that the key is known.
    opened = run([*creds, "decrypt", f"--name={CREDENTIAL}", "-", "-"], sealing.output)
    if sealing.status == 0 and opened.status == 0 and opened.output == key:
        return RootKey(_write(place(scope), sealing.output), sealed=True)
    return RootKey(_write(_plain(scope), key), sealed=False)


def unlock_of_store(scope: Scope) -> str | None:
    """Tell what the keyring says opens it, "root-key" or "passphrase"; None without a keyring."""
    try:
        unlock = json.loads((scope.secrets_data / "keyring.json").read_bytes())["unlock"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(unlock)


def place(scope: Scope) -> Path:
    """Return where a key lies that systemd has encrypted, or would lie."""
    return scope.encrypted_credentials / FILE_NAME


def _plain(scope: Scope) -> Path:
    return scope.plain_credentials / FILE_NAME


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The mode that systemd gives these directories: none of what they hold is anybody else's.
    path.parent.chmod(0o700)
    atomic.write(path, content, mode=0o600)
    return path
