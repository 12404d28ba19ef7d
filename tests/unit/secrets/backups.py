"""What a store holds, for tests of backups."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from leger_secrets.domain.errors import StoreSealed
from leger_secrets.domain.grants import ALL, Grant, Permission
from leger_secrets.domain.stored import (
    Author,
    Contents,
    Notes,
    StoredSecret,
    StoredVersion,
    Token,
    Version,
)
from leger_secrets.domain.value import SecretValue
from pyrage import x25519

MADE = datetime(2026, 1, 31, 2, 5, tzinfo=UTC)
ROOT = Author("operator:root", datetime(2025, 12, 24, 18, 0, 0, 123456, tzinfo=UTC))
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


def version(number: int, value: bytes | None) -> StoredVersion:
    """Return a version; None is one that was deleted."""
    stored = Version(number=number, create_time=ROOT.time, created_by=ROOT.principal)
    return StoredVersion(stored, None if value is None else SecretValue(value))


def secret(name: str, *values: bytes | None, **fields: object) -> StoredSecret:
    """Return a secret whose last version is active, with `fields` otherwise than usual."""
    usual = StoredSecret(
        name=name,
        active=len(values),
        latest=len(values),
        previous=0,
        notes=Notes(),
        created=ROOT,
        updated=ROOT,
        activate_time=ROOT.time,
        versions=tuple(version(number, value) for number, value in enumerate(values, 1)),
    )
    return replace(usual, **fields)  # type: ignore[arg-type]


CONTENTS = Contents(
    revision=42,
    secrets=(
        secret("api_key", b"first", None, b"third", previous=1),
        secret(
            "prod/db",
            b"\x00\xff\n",
            notes=Notes(
                description="Schlüssel für die Datenbank",
                labels={"team": "döner", "tier/1": ""},
                expire_time=MADE + timedelta(days=30),
                rotate_after_days=90,
            ),
        ),
        secret("empty", b""),
    ),
    tokens=(
        Token(
            name="ci",
            digest=bytes(range(32)),
            grants=(
                Grant(actions=frozenset({Permission.GET}), secrets=("ci/*", "api_key")),
                Grant(actions=ALL, secrets=("own/*",)),
            ),
            created=ROOT,
            expire_time=MADE,
        ),
        Token(name="never", digest=bytes(32), grants=(), created=ROOT, expire_time=None),
    ),
    recovery_recipients=(RECIPIENT,),
)


class Machine:
    """A store's own identity, as a keyring has it; sealed, it has none."""

    def __init__(self) -> None:
        self._identity = x25519.Identity.generate()
        self.sealed = False

    def recipient(self) -> str:
        return str(self._opened().to_public())

    def identity(self) -> SecretValue:
        return SecretValue(str(self._opened()).encode())

    def _opened(self) -> x25519.Identity:
        if self.sealed:
            raise StoreSealed("A test says so.")
        return self._identity
