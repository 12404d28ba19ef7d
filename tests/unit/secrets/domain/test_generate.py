import base64
import string
from collections.abc import Callable

import pytest
from leger_secrets.domain.errors import InvalidName, VersionClaimed
from leger_secrets.domain.generate import (
    SYMBOLS,
    Algorithm,
    Encoding,
    Generator,
    InvalidRecipe,
    Password,
    PrivateKey,
    RandomToken,
    Recipe,
)
from leger_secrets.domain.limits import MAX_VERSION
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import ME

LETTERS_AND_DIGITS = set(string.ascii_letters + string.digits)


def made(generator: Generator, secrets: Secrets, recipe: Recipe) -> str:
    generated = generator.generate("a", recipe, activate=True, by=ME)
    value = secrets.get("a", version=generated.version, by=ME).value
    assert value is not None
    return value.reveal().decode()


def refused(generator: Generator, recipe: Recipe | None) -> str:
    """Return the field that is said to be wrong."""
    with pytest.raises(InvalidRecipe) as caught:
        generator.generate("a", recipe, activate=False, by=ME)
    [violation] = caught.value.violations
    return violation.field


def test_a_password_has_letters_and_digits_and_the_length_asked_for(
    generator: Generator, secrets: Secrets
) -> None:
    for asked, length in [(0, 32), (8, 8), (1024, 1024)]:
        password = made(generator, secrets, Password(length=asked))
        assert len(password) == length
        assert set(password) <= LETTERS_AND_DIGITS
    assert set(password) == LETTERS_AND_DIGITS  # 1024 draws miss one of 62 once in 280,000


def test_a_password_with_symbols_has_them_all_in_the_long_run(
    generator: Generator, secrets: Secrets
) -> None:
    drawn = "".join(made(generator, secrets, Password(length=1024, symbols=True)) for _ in range(4))
    assert set(drawn) == LETTERS_AND_DIGITS | set(SYMBOLS)


def test_no_symbol_means_anything_to_a_shell_a_url_or_an_env_file() -> None:
    assert not set(SYMBOLS) & set(" \t\n\"'`$\\!#&*()[]{}<>|;?^/")


def test_a_token_is_random_bytes_as_text(generator: Generator, secrets: Secrets) -> None:
    decoders: dict[Encoding, Callable[[str], bytes]] = {
        Encoding.BASE64URL: lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)),
        Encoding.BASE64: lambda text: base64.b64decode(text, validate=True),
        Encoding.HEX: bytes.fromhex,
    }
    for encoding, decode in decoders.items():
        for asked, size in [(0, 32), (16, 16), (17, 17), (1024, 1024)]:
            text = made(generator, secrets, RandomToken(size=asked, encoding=encoding))
            assert len(decode(text)) == size
            assert "=" not in text or encoding is Encoding.BASE64


def test_a_token_begins_with_its_prefix(generator: Generator, secrets: Secrets) -> None:
    token = made(generator, secrets, RandomToken(prefix="sk-", encoding=Encoding.HEX))
    assert token.startswith("sk-")
    assert len(token) == 3 + 64


def test_no_two_values_are_the_same(generator: Generator, secrets: Secrets) -> None:
    for recipe in (Password(length=8), RandomToken(size=16), PrivateKey()):
        assert made(generator, secrets, recipe) != made(generator, secrets, recipe)


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        (None, "recipe"),
        (Password(length=7), "recipe.password.length"),
        (Password(length=1025), "recipe.password.length"),
        (RandomToken(size=15), "recipe.token.bytes"),
        (RandomToken(size=1025), "recipe.token.bytes"),
        (RandomToken(encoding=None), "recipe.token.encoding"),
        (RandomToken(prefix="x" * 65), "recipe.token.prefix"),
        (RandomToken(prefix="ü"), "recipe.token.prefix"),
        (RandomToken(prefix="\n"), "recipe.token.prefix"),
        (PrivateKey(algorithm=None), "recipe.private_key.algorithm"),
        (PrivateKey(algorithm=Algorithm.X25519, openssh=True), "recipe.private_key.openssh"),
    ],
)
def test_a_recipe_that_makes_nothing_is_refused_and_named(
    generator: Generator, secrets: Secrets, recipe: Recipe | None, field: str
) -> None:
    assert refused(generator, recipe) == field
    assert secrets.list_secrets(by=ME) == ([], 0)


def test_the_first_version_is_active_and_later_ones_wait(
    generator: Generator, secrets: Secrets
) -> None:
    first = generator.generate("a", Password(), activate=False, by=ME)
    second = generator.generate("a", Password(), activate=False, by=ME)
    third = generator.generate("a", Password(), activate=True, by=ME)
    assert (first.version, first.active) == (1, True)
    assert (second.version, second.active) == (2, False)
    assert (third.version, third.active) == (3, True)
    assert secrets.info("a", by=ME).active == 3


def test_only_a_private_key_has_a_public_one(generator: Generator) -> None:
    assert generator.generate("a", Password(), activate=False, by=ME).public_key == ""
    public = generator.generate("a", PrivateKey(), activate=False, by=ME).public_key
    assert public.startswith("-----BEGIN PUBLIC KEY-----\n")


def test_what_was_generated_shows_in_no_repr(generator: Generator, secrets: Secrets) -> None:
    generated = generator.generate("a", PrivateKey(), activate=False, by=ME)
    value = secrets.get("a", by=ME).value
    assert value is not None
    body = value.reveal().decode().splitlines()[1]
    assert body not in repr(generated) + repr(generator)


def test_nothing_is_made_under_a_name_that_no_secret_can_have(generator: Generator) -> None:
    with pytest.raises(InvalidName):
        generator.generate("a/../b", Password(), activate=False, by=ME)


def test_nothing_is_made_when_no_number_is_left(generator: Generator, secrets: Secrets) -> None:
    secrets.create_version("a", MAX_VERSION, SecretValue(b"last"), by=ME)
    with pytest.raises(VersionClaimed):
        generator.generate("a", Password(), activate=True, by=ME)
