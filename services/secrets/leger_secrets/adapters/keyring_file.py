"""The keyring as a file: one JSON object beside the store.

The checksum over all of it is no protection: it tells a damaged file from a wrong key. What
protects is that each wrapped key is authenticated together with what describes it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from leger_runtime import atomic

from leger_secrets.adapters.key_wrapping import Derivation, Wrapped
from leger_secrets.domain.sealing import Unlock
from leger_secrets.domain.sealing_errors import KeyringDamaged

NAME = "keyring.json"
_FORMAT = "leger-keyring-v1"
_ARGON2 = ("iterations", "lanes", "memory_kib")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One wrapped store key."""

    id: str
    created: datetime
    wrapped: Wrapped


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a keyring says: how it opens, and what is in it.

    `recipient` is the public half of the machine's age identity.
    """

    derivation: Derivation
    recipient: str
    identity: Wrapped
    entries: tuple[Entry, ...]


def write(path: Path, content: Content) -> None:
    """Put the content in the place of what the file says, durably. Raises OSError."""
    atomic.write(path, _encode(content), mode=0o600)


def read(path: Path) -> Content:
    """Return what the file says. Raises KeyringDamaged unless it is as it was written; OSError."""
    encoded = path.read_bytes()
    try:
        content = _decode(json.loads(encoded))
        intact = bool(content.entries) and _encode(content) == encoded
    except (ValueError, KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise KeyringDamaged(path, "Its content is not what was written.")
    return content


def unlock_of(path: Path) -> Unlock | None:
    """Tell what opens a keyring; None where it cannot be read."""
    try:
        return read(path).derivation.unlock
    except (OSError, KeyringDamaged):
        return None


def place_of_key(derivation: Derivation, key_id: str, created: datetime) -> bytes:
    """Return what a wrapped store key is authenticated with, so that it fits nowhere else."""
    return _canonical(_header(derivation) | {"id": key_id, "created": created.isoformat()})


def place_of_identity(derivation: Derivation, recipient: str) -> bytes:
    """Return what the wrapped identity is authenticated with."""
    return _canonical(_header(derivation) | {"recipient": recipient})


def _encode(content: Content) -> bytes:
    described = _header(content.derivation) | {
        "recipient": content.recipient,
        "identity": _of_wrapped(content.identity),
        "keys": [
            {"id": entry.id, "created": entry.created.isoformat(), **_of_wrapped(entry.wrapped)}
            for entry in content.entries
        ],
    }
    described["checksum"] = hashlib.sha256(_canonical(described)).hexdigest()
    return json.dumps(described, indent=2).encode() + b"\n"


def _decode(described: Mapping[str, Any]) -> Content:
    return Content(
        derivation=Derivation(
            unlock=Unlock(described["unlock"]),
            salt=bytes.fromhex(described["salt"]),
            **{name: int(value) for name, value in described.get("argon2id", {}).items()},
        ),
        recipient=described["recipient"],
        identity=_wrapped(described["identity"]),
        entries=tuple(
            Entry(
                id=key["id"],
                created=datetime.fromisoformat(key["created"]),
                wrapped=_wrapped(key),
            )
            for key in described["keys"]
        ),
    )


def _header(derivation: Derivation) -> dict[str, Any]:
    header: dict[str, Any] = {
        "format": _FORMAT,
        "unlock": derivation.unlock.value,
        "salt": derivation.salt.hex(),
    }
    if derivation.unlock is Unlock.PASSPHRASE:
        header["argon2id"] = {name: getattr(derivation, name) for name in _ARGON2}
    return header


def _of_wrapped(wrapped: Wrapped) -> dict[str, str]:
    return {"nonce": wrapped.nonce.hex(), "wrapped": wrapped.content.hex()}


def _wrapped(described: Mapping[str, str]) -> Wrapped:
    return Wrapped(bytes.fromhex(described["nonce"]), bytes.fromhex(described["wrapped"]))


def _canonical(described: Mapping[str, Any]) -> bytes:
    return json.dumps(described, sort_keys=True, separators=(",", ":")).encode()
