"""What a backup is, and the ports to what locks, writes and keeps one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from leger_secrets.domain.stored import Contents
from leger_secrets.domain.value import SecretValue

MAX_DOCUMENT = 256 * 1024 * 1024
"""In bytes: a backup is encrypted and checked as a whole, in memory."""

MAX_FILE = MAX_DOCUMENT + 1024 * 1024
"""In bytes: age adds its header, and 16 bytes to every 64 KiB."""

MAX_RECIPIENTS = 16
"""For whom one backup can be made, besides the store itself."""


class BackupDocument(NamedTuple):
    """What is inside of a backup: everything that was stored at one moment."""

    create_time: datetime
    contents: Contents


@dataclass(frozen=True, kw_only=True)
class BackupSummary:
    """A backup without what is in it. `size` is in bytes, of the file.

    `file` is the name of one that the service keeps. Of one that was only listed, what is inside
    is not known.
    """

    create_time: datetime
    size: int
    file: str = ""
    revision: int = 0
    secrets: int = 0
    versions: int = 0


class Keys(NamedTuple):
    """What is at hand to open a backup: what was given for it, and the store's `own` identity.

    Identities are age's, "AGE-SECRET-KEY-1…".
    """

    own: SecretValue | None = None
    identity: SecretValue | None = None
    passphrase: SecretValue | None = None


def summary_of(document: BackupDocument, *, size: int, file: str = "") -> BackupSummary:
    """Return the summary of a backup whose content is known."""
    secrets = document.contents.secrets
    return BackupSummary(
        create_time=document.create_time,
        size=size,
        file=file,
        revision=document.contents.revision,
        secrets=len(secrets),
        versions=sum(value is not None for s in secrets for _, value in s.versions),
    )


class BackupFormat(Protocol):
    """The document inside of a backup, as bytes."""

    def encode(self, document: BackupDocument) -> bytes:
        """Return the document's bytes."""
        ...

    def decode(self, encoded: bytes) -> BackupDocument:
        """Return the document. Raises BackupInvalid unless all of it is there, and BackupTooNew.

        Whether its contents keep to the limits of the store is not checked.
        """
        ...


class BackupCipher(Protocol):
    """age files (age-encryption.org/v1)."""

    def check_recipient(self, recipient: str, *, field: str) -> str:
        """Return the recipient ("age1…") as it is written. Raises InvalidRecipient."""
        ...

    def encrypt(self, document: bytes, recipients: Sequence[str]) -> bytes:
        """Return a file that each of the recipients can open. Raises BackupUnavailable."""
        ...

    def encrypt_with(self, document: bytes, passphrase: SecretValue) -> bytes:
        """Return a file that the passphrase, of UTF-8, opens. Raises BackupUnavailable."""
        ...

    def decrypt(self, file: bytes, keys: Keys) -> bytes:
        """Return what is in the file, all of it.

        Raises BackupLocked, BackupInvalid (not an age file, or a byte is not as it was), and
        BackupUnavailable.
        """
        ...


class BackupDirectory(Protocol):
    """Where the service keeps scheduled backups. Every method raises BackupUnavailable."""

    @property
    def path(self) -> str:
        """Where it is on the service's host."""
        ...

    def kept(self) -> list[BackupSummary]:
        """Return what is kept, newest first."""
        ...

    def read(self, file: str) -> bytes:
        """Return a backup that is kept. Raises BackupNotFound."""
        ...

    def add(self, content: bytes, *, create_time: datetime) -> str:
        """Write a backup, durably, and return the name of its file."""
        ...

    def remove(self, create_time: datetime) -> None:
        """Remove the backup of that time."""
        ...


class MachineIdentity(Protocol):
    """This store's own age identity. Both methods raise StoreSealed."""

    def recipient(self) -> str:
        """Return for whom to encrypt, "age1…"."""
        ...

    def identity(self) -> SecretValue:
        """Return what opens that, "AGE-SECRET-KEY-1…"."""
        ...
