"""Why a backup is not made, or not restored."""

from enum import Enum

from leger_runtime.errors import FieldViolation, Kind, LegerError

from leger_secrets.domain import names


class KeyKind(Enum):
    """What a backup is locked with."""

    PASSPHRASE = "passphrase"  # noqa: S105 - the kind of thing, not one
    IDENTITY = "identity"


class InvalidRecipient(LegerError):
    """Somebody for whom nothing can be encrypted; `field` is the request's field."""

    kind, reason = Kind.INVALID, "INVALID_RECIPIENT"

    def __init__(self, what: str, why: str, *, field: str) -> None:
        super().__init__(
            what,
            why=why,
            next_step="Make a key with `leger secrets recovery-key`, or with `age-keygen`.",
            violations=[FieldViolation(field=field, description=why)],
        )


class BackupInvalid(LegerError):
    """Something that is no backup, or is not all of one any more."""

    kind, reason = Kind.INVALID, "BACKUP_INVALID"

    def __init__(self, why: str) -> None:
        super().__init__(
            "This is not a whole backup, and nothing was changed.",
            why=why,
            next_step="Take another copy of it, or another backup: `leger secrets backups`.",
        )


class BackupTooNew(LegerError):
    """A backup in a format of the future."""

    kind, reason = Kind.CONFLICT, "BACKUP_TOO_NEW"

    def __init__(self, version: int, *, newest: int) -> None:
        super().__init__(
            "This leger cannot read the backup.",
            why=f"Its format is version {version}, and this leger knows up to {newest}.",
            next_step="Install the leger that made it, or a newer one.",
        )


class BackupLocked(LegerError):
    """A backup that nothing at hand opens; `tried` tells whether such a key was given."""

    kind, reason = Kind.INVALID, "BACKUP_LOCKED"

    def __init__(self, needs: KeyKind, *, tried: bool) -> None:
        if needs is KeyKind.PASSPHRASE:
            why = "It was made with a passphrase, and none was given."
            wrong = "It was made with another passphrase, or its first lines are damaged."
            next_step = "Give the passphrase that was typed when it was made."
        else:
            why = "This store's own key does not open it, and no identity was given."
            wrong = (
                "Neither this store's own key nor the identity that was given opens it: it was made"
                " for others, or its first lines are damaged."
            )
            next_step = "Give the recovery key: `leger secrets restore --identity KEYFILE`."
        super().__init__(
            "The backup cannot be opened.", why=wrong if tried else why, next_step=next_step
        )
        self.needs, self.tried = needs, tried


class BackupTooLarge(LegerError):
    """More than a backup may have, so that it fits into memory."""

    kind, reason = Kind.INVALID, "BACKUP_TOO_LARGE"

    def __init__(self, *, limit: int) -> None:
        super().__init__(
            "The backup is too large.",
            why=f"It may have {limit} bytes, as it is encrypted and checked as a whole, in memory.",
            next_step="Delete versions that nobody needs: `leger secrets delete NAME --version N`.",
        )


class RecipientsTooMany(LegerError):
    """More recovery recipients, those of the store and of a backup together, than there may be."""

    kind, reason = Kind.CONFLICT, "RECIPIENTS_TOO_MANY"

    def __init__(self, *, count: int, limit: int) -> None:
        super().__init__(
            "The backup was not restored.",
            why=f"With its recovery recipients there would be {count}; there may be {limit}.",
            next_step="Remove some that nobody needs: `leger secrets recovery-key --remove AGE1…`.",
        )


class BackupNotFound(LegerError):
    """A scheduled backup that the service does not keep."""

    kind, reason = Kind.NOT_FOUND, "BACKUP_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no scheduled backup {names.quoted(name)}.",
            why="It was never made, or it was removed as newer ones came.",
            next_step="List those that are kept: `leger secrets backups`.",
        )


class BackupUnavailable(LegerError):
    """The host does not let a backup be made, read or opened."""

    kind, reason = Kind.UNAVAILABLE, "BACKUP_UNAVAILABLE"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            what,
            why=why,
            next_step="Free the disk or the memory that it needs, then try again.",
        )


class StoreNotEmpty(LegerError):
    """A store whose contents a restore would take away."""

    kind, reason = Kind.CONFLICT, "STORE_NOT_EMPTY"

    def __init__(self, *, secrets: int, tokens: int, recipients: int) -> None:
        counts = {"secret": secrets, "token": tokens, "recovery recipient": recipients}
        held = [f"{n} {thing}{'s' * (n != 1)}" for thing, n in counts.items() if n]
        super().__init__(
            "Nothing was restored, as the store is not empty.",
            why=f"It holds {', '.join(held)}; a restore puts the backup in the place of all that.",
            next_step="See what would change with `--dry-run`; then replace it with `--replace`.",
        )
