"""Values that are made inside the service, so that nobody ever has to see them."""

import base64
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from leger_runtime.errors import FieldViolation, Kind, LegerError

from leger_secrets.domain.caller import Caller
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.value import SecretValue

SYMBOLS = "-._~"
"""Those that need no escape in shells, URLs and env files."""

DEFAULT_LENGTH = 32
PASSWORD_LENGTHS = range(8, 1_024 + 1)
TOKEN_BYTES = range(16, 1_024 + 1)
MAX_PREFIX = 64


class Encoding(Enum):
    """How random bytes become text (RFC 4648)."""

    BASE64URL = "base64url"
    BASE64 = "base64"
    HEX = "hex"


class Algorithm(Enum):
    """What a private key is for."""

    ED25519 = "ed25519"
    X25519 = "x25519"
    P256 = "p256"
    RSA3072 = "rsa3072"


@dataclass(frozen=True, kw_only=True)
class Password:
    """Characters, each drawn uniformly from letters and digits, and SYMBOLS if asked for."""

    length: int = 0
    symbols: bool = False


@dataclass(frozen=True, kw_only=True)
class RandomToken:
    """Random bytes as text, after a prefix. An encoding that is not known is None."""

    size: int = 0
    encoding: Encoding | None = Encoding.BASE64URL
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class PrivateKey:
    """A private key in PEM: PKCS #8, or OpenSSH's. An algorithm that is not known is None."""

    algorithm: Algorithm | None = Algorithm.ED25519
    openssh: bool = False


Recipe = Password | RandomToken | PrivateKey
"""How to make a value; a length of 0 means DEFAULT_LENGTH."""


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A private key and its public key, each in the text form asked for."""

    private: SecretValue
    public: str


class KeyMaker(Protocol):
    """Makes private keys from the operating system's randomness."""

    def make(self, algorithm: Algorithm, *, openssh: bool) -> KeyPair:
        """Make one, as PKCS #8 and SubjectPublicKeyInfo in PEM, or in OpenSSH's formats."""
        ...


class InvalidRecipe(LegerError):
    """A recipe by which no value can be made; `field` is the one of the recipe that is wrong."""

    kind, reason = Kind.INVALID, "INVALID_RECIPE"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(
            "No value was generated.",
            why=why,
            next_step="See what can be generated: `leger secrets generate --help`.",
            violations=[FieldViolation(field=field, description=why)],
        )


@dataclass(frozen=True, kw_only=True)
class Generated:
    """The version that has the new value, and the public key of a private one."""

    version: int
    active: bool
    public_key: str


class Generator:
    """Every request to make a value. Errors and the audit log are as in Secrets."""

    def __init__(self, *, secrets: Secrets, keys: KeyMaker) -> None:
        self._secrets = secrets
        self._keys = keys

    def generate(
        self, name: str, recipe: Recipe | None, *, activate: bool, by: Caller
    ) -> Generated:
        """Make a value and store it as the next version, as a put does.

        Raises InvalidName, InvalidRecipe, VersionClaimed.
        """
        public_key = ""

        def make() -> SecretValue:
            nonlocal public_key
            made = self._make(recipe)
            public_key = made.public
            return made.private

        put = self._secrets.put_made(name, make, activate=activate, detail="generated", by=by)
        return Generated(version=put.version, active=put.active, public_key=public_key)

    def _make(self, recipe: Recipe | None) -> KeyPair:
        """Return the value, and the public key that is empty when there is none."""
        match recipe:
            case Password():
                return KeyPair(private=_password(recipe), public="")
            case RandomToken():
                return KeyPair(private=_token(recipe), public="")
            case PrivateKey():
                return self._key(recipe)
            case None:
                raise InvalidRecipe("recipe", "It does not say what to make.")

    def _key(self, recipe: PrivateKey) -> KeyPair:
        if recipe.algorithm is None:
            raise InvalidRecipe("recipe.private_key.algorithm", "No such algorithm is known.")
        if recipe.openssh and recipe.algorithm is Algorithm.X25519:
            raise InvalidRecipe("recipe.private_key.openssh", "OpenSSH has no X25519 keys.")
        return self._keys.make(recipe.algorithm, openssh=recipe.openssh)


def _password(recipe: Password) -> SecretValue:
    length = _length(recipe.length, PASSWORD_LENGTHS, "recipe.password.length", "characters")
    alphabet = string.ascii_letters + string.digits + (SYMBOLS if recipe.symbols else "")
    return SecretValue("".join(secrets.choice(alphabet) for _ in range(length)).encode())


def _token(recipe: RandomToken) -> SecretValue:
    size = _length(recipe.size, TOKEN_BYTES, "recipe.token.bytes", "random bytes")
    prefix = recipe.prefix
    if len(prefix) > MAX_PREFIX or not prefix.isascii() or not prefix.isprintable():
        raise InvalidRecipe(
            "recipe.token.prefix",
            f"A prefix has at most {MAX_PREFIX} printable characters of ASCII.",
        )
    return SecretValue(prefix.encode() + _encoded(secrets.token_bytes(size), recipe.encoding))


def _encoded(random: bytes, encoding: Encoding | None) -> bytes:
    match encoding:
        case Encoding.BASE64URL:
            return base64.urlsafe_b64encode(random).rstrip(b"=")
        case Encoding.BASE64:
            return base64.b64encode(random)
        case Encoding.HEX:
            return random.hex().encode()
        case None:
            raise InvalidRecipe("recipe.token.encoding", "No such encoding is known.")


def _length(asked: int, allowed: Sequence[int], field: str, unit: str) -> int:
    length = asked or DEFAULT_LENGTH
    if length not in allowed:
        raise InvalidRecipe(field, f"It takes {allowed[0]} to {allowed[-1]} {unit}.")
    return length
