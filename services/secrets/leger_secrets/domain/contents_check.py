"""Whether what a backup holds is something that the store could have held."""

from collections.abc import Iterable

from leger_runtime.errors import LegerError

from leger_secrets.domain import limits, names, notes, tokens
from leger_secrets.domain.backup_errors import BackupInvalid
from leger_secrets.domain.backup_file import MAX_RECIPIENTS, BackupCipher
from leger_secrets.domain.grants import Grant
from leger_secrets.domain.stored import Author, Contents, StoredSecret, Token

_DIGEST_SIZE = 32  # of SHA-256
_MAX_PRINCIPAL = 255
# A store goes on from it, and each later backup must be readable: see backup_entries.number.
_MAX_REVISION = 2**52


def check(contents: Contents, cipher: BackupCipher) -> None:
    """Raise BackupInvalid unless all that requests are held to holds for the contents too.

    A file proves that it is whole, but not who made it: everybody who knows a recipient could.
    """
    if contents.revision > _MAX_REVISION:
        raise BackupInvalid("It has a revision that no store comes to.")
    try:
        for secret in contents.secrets:
            _check_secret(secret)
        for token in contents.tokens:
            _check_token(token)
        for recipient in contents.recovery_recipients:
            cipher.check_recipient(recipient, field="recipient")
    except LegerError as error:  # BackupInvalid too: both parts of another make its reason
        raise BackupInvalid(error.why if isinstance(error, BackupInvalid) else str(error)) from None
    _check_once("secret", (secret.name for secret in contents.secrets))
    _check_once("token", (token.name for token in contents.tokens))
    _check_once("digest of a token", (token.digest.hex() for token in contents.tokens))
    _check_once("recovery recipient", contents.recovery_recipients)
    if len(contents.recovery_recipients) > MAX_RECIPIENTS:
        raise BackupInvalid(f"It has more than {MAX_RECIPIENTS} recovery recipients.")


def _check_secret(secret: StoredSecret) -> None:
    name = secret.name
    names.check_secret(name)
    notes.check(name, secret.notes)
    _check_author(secret.created)
    _check_author(secret.updated)
    numbers = [version.number for version, _ in secret.versions]
    stored = {version.number for version, value in secret.versions if value is not None}
    if numbers != sorted(set(numbers)):
        raise BackupInvalid(f"The versions of {name} are not in ascending order.")
    if secret.active not in stored:
        raise BackupInvalid(f"The active version of {name} is not in it.")
    if secret.previous and secret.previous not in stored:
        raise BackupInvalid(f"The previous version of {name} is not in it.")
    if secret.latest != numbers[-1]:
        raise BackupInvalid(f"The latest version of {name} is not in it.")
    for version, value in secret.versions:
        limits.check_version(version.number)
        _check_author(Author(version.created_by, version.create_time))
        if value is not None and len(value) > limits.MAX_VALUE:
            raise BackupInvalid(
                f"Version {version.number} of {name} has more than {limits.MAX_VALUE} bytes."
            )


def _check_token(token: Token) -> None:
    tokens.check_name(token.name)
    _check_author(token.created)
    if len(token.digest) != _DIGEST_SIZE:
        raise BackupInvalid(f"The digest of the token {token.name} has another length.")
    if len(token.grants) > tokens.MAX_GRANTS:
        raise BackupInvalid(f"The token {token.name} has more than {tokens.MAX_GRANTS} grants.")
    for grant in token.grants:
        Grant.of(grant.words(), grant.secrets)


def _check_author(author: Author) -> None:
    if not 0 < len(author.principal) <= _MAX_PRINCIPAL or not author.principal.isprintable():
        raise BackupInvalid("It names a principal that there cannot be.")


def _check_once(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise BackupInvalid(f"The {what} {value} is in it twice.")
        seen.add(value)
