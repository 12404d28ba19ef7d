"""How the root key is protected at rest, as the host's own files tell."""

import binascii
import json
from base64 import b64decode
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from leger_bootstrap import root_key
from leger_bootstrap.scope import Scope

_HOST_KEY = "/var/lib/systemd/credential.secret"  # systemd-creds(1)


class Protection(StrEnum):
    """What keeps the key from whoever reads the disk."""

    TPM2 = "tpm2"
    TPM2_AND_HOST_KEY = "tpm2+host-key"
    HOST_KEY = "host-key"
    NOTHING = "null-key"
    UNKNOWN = "unknown"
    FILE = "file"
    NONE = "none"


_SENTENCES = {
    Protection.TPM2: "Sealed to this machine's TPM2: the disk alone does not reveal it.",
    Protection.TPM2_AND_HOST_KEY: "Sealed to this machine's TPM2 and to the host's key: the disk"
    " alone does not reveal it.",
    Protection.HOST_KEY: f"Sealed to the host's key, {_HOST_KEY}: a copy of this file alone is"
    " worthless, and a copy of the whole disk reveals it unless the disk is encrypted.",
    Protection.NOTHING: "Sealed by systemd with an empty key: whoever reads the file has it.",
    Protection.UNKNOWN: "Sealed by systemd in a way that this leger does not know.",
    Protection.FILE: "A file of mode 0600, as this host could not seal it: whoever reads the disk"
    " has it, unless the disk is encrypted.",
    Protection.NONE: "There is no root key on this host.",
}

# The first 16 bytes of a credential say by what it was encrypted (systemd's
# src/shared/creds-util.h). Those of a user are "scoped": bound to the user as well.
_BY_ID = {
    "5a1c6a86df9d4096b1d5a65e0862f19a": Protection.HOST_KEY,
    "55b9ed1d38594d43a8319d2ebb332ac6": Protection.HOST_KEY,
    "0c7cc07b117645919c4b0bea08bc20fe": Protection.TPM2,
    "faf7eb9341e3412ca1a436f95a29362f": Protection.TPM2,
    "93a894094874449090caf2fc93cab553": Protection.TPM2_AND_HOST_KEY,
    "ef4ac13679a9480ea7db68897f9f165d": Protection.TPM2_AND_HOST_KEY,
    "af4950a849134eb1a73846304ff30c05": Protection.TPM2_AND_HOST_KEY,
    "adbc4ca3efb64201ba881b6f2e4095ea": Protection.TPM2_AND_HOST_KEY,
    "058469daf6f54324800549da0f8ea2fb": Protection.NOTHING,
    # The same with the TPM's storage root key pinned, as newer versions of systemd write them.
    "d4062dfb71ad4c86804b40ef1180f1fc": Protection.TPM2,
    "5e2d5c7603724eaf843c6fb5f64098f5": Protection.TPM2,
    "1414258818a240cd900bce862db5c7b9": Protection.TPM2_AND_HOST_KEY,
    "2a1f877a4275431ab3f9ed1f5d8f6601": Protection.TPM2_AND_HOST_KEY,
    "afbfeaaceb6a4a3795419d135c47f37b": Protection.TPM2_AND_HOST_KEY,
    "16e492949f94400286758f94b7c52bc7": Protection.TPM2_AND_HOST_KEY,
}
_ID_SIZE = 16


@dataclass(frozen=True, kw_only=True)
class KeyStatus:
    """Where the root key lies, by what it is protected, and whether it opens the store.

    `place` is where one would lie that is made. `unlock` is "root-key" or "passphrase"; None where
    there is no store yet.
    """

    path: Path | None
    place: Path
    protection: Protection
    unlock: str | None

    @property
    def sentence(self) -> str:
        """What the protection means."""
        return _SENTENCES[self.protection]


def read(scope: Scope) -> KeyStatus:
    """Look at the scope's key. Raises RootKeyMissing when the store needs one that is gone."""
    key, unlock = root_key.find(scope), root_key.unlock_of_store(scope)
    place = root_key.place(scope)
    if key is None:
        if unlock == "root-key":
            raise root_key.RootKeyMissing(scope)
        return KeyStatus(path=None, place=place, protection=Protection.NONE, unlock=unlock)
    protection = _of_credential(key.path) if key.sealed else Protection.FILE
    return KeyStatus(path=key.path, place=place, protection=protection, unlock=unlock)


def as_text(status: KeyStatus) -> str:
    """Return the status for people."""
    opens = {
        "root-key": "the store",
        "passphrase": "nothing: a passphrase opens the store",
        None: "the store, once there is one",
    }
    return (
        f"root key   {status.path or f'none; its place is {status.place}'}\n"
        f"protected  {status.sentence}\n"
        f"opens      {opens.get(status.unlock, status.unlock)}\n"
    )


def as_json(status: KeyStatus) -> str:
    """Return the status as one JSON object: `path`, `protection` and `unlock`, null where none."""
    described = {
        "path": str(status.path) if status.path else None,
        "protection": status.protection.value,
        "unlock": status.unlock,
    }
    return json.dumps(described, indent=2) + "\n"


def _of_credential(path: Path) -> Protection:
    """Tell what an encrypted credential is sealed to. Raises OSError."""
    try:
        # Base64, in lines; four characters make three bytes.
        head = b64decode(b"".join(path.read_bytes()[:64].split())[:24], validate=True)
    except binascii.Error:
        return Protection.UNKNOWN
    return _BY_ID.get(head[:_ID_SIZE].hex(), Protection.UNKNOWN)
