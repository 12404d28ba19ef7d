"""Why the store stays sealed, or is sealed by itself."""

from collections.abc import Sequence
from pathlib import Path

from leger_runtime.errors import Kind, LegerError

_SHOWN = 5  # pages in a sentence

# docs/how-to/back-up-secrets.md has both procedures in full.
_NEW_DATABASE = (
    "Then move the files secrets.db* away, but not keyring.json, which opens the scheduled backups;"
    " run `leger secrets unseal --accept-rollback`, which makes a new store, and"
    " `leger secrets restore --scheduled NAME`."
)
NEW_KEYRING = (
    "Without it, move secrets.db*, keyring.json and anchor away, restart leger-secrets.service, and"
    " run `leger secrets restore FILE --identity KEYFILE` with a recovery key."
)


class StoreKeyMissing(LegerError):
    """What should open the store is not there, or not for this process to read."""

    kind, reason = Kind.NOT_FOUND, "STORE_KEY_MISSING"


class StoreKeyInvalid(LegerError):
    """The file of the root key does not contain a key."""

    kind, reason = Kind.INVALID, "STORE_KEY_INVALID"


class StoreKeyWrong(LegerError):
    """The root key, or the store's key itself, is another one than the store was made with."""

    kind, reason = Kind.CONFLICT, "STORE_KEY_WRONG"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} cannot be opened with this root key.",
            why="It was made with another one.",
            next_step="Put the key back that it was made with: `legerd key status` says where it"
            f" lies. {NEW_KEYRING}",
        )


class PassphraseNeeded(LegerError):
    """A passphrase opens the store, and none was given."""

    kind, reason = Kind.CONFLICT, "PASSPHRASE_NEEDED"

    def __init__(self) -> None:
        super().__init__(
            "The store opens with a passphrase, which somebody has to type.",
            why="`leger secrets rekey --passphrase` has set one, so the host's root key does not"
            " open it.",
            next_step="Type it: `leger secrets unseal`.",
        )


class PassphraseWrong(LegerError):
    """Another passphrase than the one that opens the store."""

    kind, reason = Kind.INVALID, "PASSPHRASE_WRONG"

    def __init__(self) -> None:
        super().__init__(
            "This passphrase does not open the store.",
            why="The store was locked with another one.",
            next_step=f"Try again. {NEW_KEYRING}",
        )


class StoreDamaged(LegerError):
    """A file of the store is not as it was written; what it holds is not used."""

    kind, reason = Kind.UNAVAILABLE, "STORE_DAMAGED"

    _next_step = f"See to the disk. {_NEW_DATABASE}"

    def __init__(self, path: Path | str, why: str) -> None:
        super().__init__(
            f"{path} is damaged, and nothing of it is used.", why=why, next_step=self._next_step
        )

    @classmethod
    def pages(cls, path: Path, pages: Sequence[int]) -> "StoreDamaged":
        """Return the error that names the pages whose authentication code is wrong."""
        shown = ", ".join(map(str, pages[:_SHOWN])) + (" …" if len(pages) > _SHOWN else "")
        many = "s" if len(pages) != 1 else ""
        return cls(path, f"The content of its page{many} {shown} does not have the code it should.")


class KeyringDamaged(StoreDamaged):
    """The keyring is not as it was written: neither the store nor scheduled backups open."""

    _next_step = f"See to the disk. Put the file back from a backup of the host. {NEW_KEYRING}"


class StoreRolledBack(LegerError):
    """The store is older than it was."""

    kind, reason = Kind.CONFLICT, "STORE_ROLLED_BACK"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The store {path} is older than it should be.",
            why=f"{why} Changes that were confirmed are missing: an old copy was put in its place,"
            " or its write-ahead log is damaged.",
            next_step="Put the latest files back. If this copy is the right one, open it:"
            " `leger secrets unseal --accept-rollback`. Or restore a backup then.",
        )


class AnchorDamaged(LegerError):
    """The anchor is gone, or is not one that this store's key made."""

    kind, reason = Kind.CONFLICT, "ANCHOR_DAMAGED"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The anchor {path} does not tell how new the store must be.",
            why=f"{why} An older store in the place of the last one would not be noticed.",
            next_step="Put the file back. If the store is the right one, `leger secrets unseal"
            " --accept-rollback` makes a new anchor, and the audit log says so.",
        )
