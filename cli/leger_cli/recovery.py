"""Recovery keys: age identities that are made here, and that leger keeps nowhere."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from leger_runtime.errors import Kind, LegerError

from leger_cli import secretfile

_PREFIX = "AGE-SECRET-KEY-1"


class IdentityInvalid(LegerError):
    """A file that holds no age identity that could be used."""

    kind, reason = Kind.INVALID, "IDENTITY_INVALID"


class RecoveryKey(NamedTuple):
    """An age identity ("AGE-SECRET-KEY-1…"), which is secret, and its recipient ("age1…")."""

    identity: str
    recipient: str

    def __repr__(self) -> str:
        return f"RecoveryKey({self.recipient})"


def new_key() -> RecoveryKey:
    """Make a key."""
    from pyrage import x25519

    identity = x25519.Identity.generate()
    return RecoveryKey(str(identity), str(identity.to_public()))


def write(key: RecoveryKey, path: Path) -> None:
    """Write the key as `age-keygen` does, to a file that its owner alone can read."""
    text = (
        f"# created: {datetime.now(UTC).isoformat(timespec='seconds')}\n"
        f"# public key: {key.recipient}\n"
        f"{key.identity}\n"
    )
    secretfile.write(path, text.encode())


def read(name: str) -> bytes:
    """Return the identity in a file as `age-keygen` writes it, or in standard input for "-".

    Raises IdentityInvalid, and what `secretfile.read` raises.
    """
    content = secretfile.read(name, what="the recovery key").decode(errors="replace")
    lines = [line.strip() for line in content.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if len(found) == 1 and found[0].upper().startswith(_PREFIX):
        return found[0].encode()
    if content.startswith(("age-encryption.org/", "-----BEGIN AGE")):
        why = "It is encrypted itself."
        next_step = "Decrypt it in front of a pipe: `age -d FILE | leger … --identity -`."
    else:
        why = f"It takes one line that begins with {_PREFIX}, besides comments."
        next_step = "Name the file that `leger secrets recovery-key --out` wrote."
    raise IdentityInvalid(f"{name} holds no recovery key.", why=why, next_step=next_step)
