"""age files (age-encryption.org/v1), by the library pyrage.

All is done in memory: no file is ever written. The library holds the interpreter for as long as it
works, which with a passphrase is a second, and takes half a gigabyte then; so a service calls
`age_process`, which has the same functions.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from leger_secrets.domain.backup_errors import (
    BackupInvalid,
    BackupLocked,
    InvalidRecipient,
    KeyKind,
)
from leger_secrets.domain.backup_file import Keys
from leger_secrets.domain.value import SecretValue

_INTRO = b"age-encryption.org/v1\n"
# A passphrase is the only recipient of its file (C2SP, age.md, "The scrypt recipient type").
_FOR_PASSPHRASE = _INTRO + b"-> scrypt "
# pyrage has one exception for all that goes wrong; its texts tell which.
_WRONG_KEY = ("No matching keys found", "Decryption failed")


def check_recipient(recipient: str, *, field: str) -> str:
    """Return an X25519 recipient ("age1…") as it is written. Raises InvalidRecipient."""
    import pyrage

    try:
        return str(pyrage.x25519.Recipient.from_str(recipient.strip()))
    except (pyrage.RecipientError, UnicodeError):
        raise InvalidRecipient(
            "There is a recipient for whom nothing can be encrypted.",
            'It takes "age1" and 58 more letters and digits, the last of which check the others.',
            field=field,
        ) from None


def encrypt(document: bytes, recipients: Sequence[str]) -> bytes:
    """Return a file that each of the recipients, which were checked, can open."""
    import pyrage

    parsed = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
    file: bytes = pyrage.encrypt(document, parsed)
    return file


def encrypt_with(document: bytes, passphrase: SecretValue) -> bytes:
    """Return a file that the passphrase, of UTF-8, opens."""
    import pyrage

    file: bytes = pyrage.passphrase.encrypt(document, passphrase.reveal().decode())
    return file


def decrypt(file: bytes, keys: Keys) -> bytes:
    """Return what is in the file, all of it. Raises BackupLocked, BackupInvalid.

    An identity or a passphrase of a form that none has counts as a wrong one.
    """
    import pyrage

    if not file.startswith(_INTRO):
        raise BackupInvalid("It is not an age file: those begin with `age-encryption.org/v1`.")
    document: bytes
    if file.startswith(_FOR_PASSPHRASE):
        locked = BackupLocked(KeyKind.PASSPHRASE, tried=keys.passphrase is not None)
        if keys.passphrase is None:
            raise locked
        with _translated(locked):
            document = pyrage.passphrase.decrypt(file, keys.passphrase.reveal().decode())
        return document
    given = [key for key in (keys.own, keys.identity) if key is not None]
    with _translated(BackupLocked(KeyKind.IDENTITY, tried=keys.identity is not None)):
        document = pyrage.decrypt(file, list(filter(None, map(_identity, given))))
    return document


@contextmanager
def _translated(locked: BackupLocked) -> Iterator[None]:
    import pyrage

    try:
        yield
    except UnicodeDecodeError:
        raise locked from None
    except pyrage.DecryptError as error:
        if str(error) in _WRONG_KEY:
            raise locked from None
        raise BackupInvalid("It is damaged or cut off: its content is not what it was.") from None


def _identity(key: SecretValue) -> object | None:
    import pyrage

    try:
        identity: object = pyrage.x25519.Identity.from_str(key.reveal().decode().strip())
    except (pyrage.IdentityError, UnicodeDecodeError):
        return None
    return identity
