"""The options of a recipe, on whichever command takes them."""

import pytest
import typer
from leger.secrets.v1.secrets_pb2 import Recipe
from leger_cli import parser, recipes
from leger_cli.context import Account, Session
from leger_cli.errors import UsageError


def given(*arguments: str) -> Recipe | None:
    """Return what a command that takes a recipe is given."""
    found: list[Recipe | None] = []
    app = parser.noun("test", "Test.")

    @app.command("make", cls=recipes.RecipeCommand)
    def _make(context: typer.Context, name: str) -> None:
        found.append(recipes.given(context))

    typer.main.get_command(app).main(
        args=["make", "x", *arguments],
        standalone_mode=False,
        obj=Session(account=Account.of_this_process()),
    )
    return found[0]


def test_no_option_is_no_recipe() -> None:
    assert given() is None


@pytest.mark.parametrize(
    ("arguments", "recipe"),
    [
        (["--token"], Recipe(token=Recipe.Token(encoding=Recipe.Token.ENCODING_BASE64URL))),
        (
            ["--bytes", "64", "--encoding", "hex", "--prefix", "sk-"],
            Recipe(token=Recipe.Token(bytes=64, encoding=Recipe.Token.ENCODING_HEX, prefix="sk-")),
        ),
        (["--password"], Recipe(password=Recipe.Password())),
        (
            ["--password", "--length", "12", "--symbols"],
            Recipe(password=Recipe.Password(length=12, symbols=True)),
        ),
        (
            ["--key", "rsa3072", "--openssh"],
            Recipe(
                private_key=Recipe.PrivateKey(
                    algorithm=Recipe.PrivateKey.ALGORITHM_RSA3072, openssh=True
                )
            ),
        ),
    ],
)
def test_options_make_a_recipe(arguments: list[str], recipe: Recipe) -> None:
    assert given(*arguments) == recipe


@pytest.mark.parametrize("algorithm", recipes.Algorithm)
def test_every_algorithm_has_a_name(algorithm: recipes.Algorithm) -> None:
    recipe = given("--key", algorithm.value)
    assert recipe is not None
    name = Recipe.PrivateKey.Algorithm.Name(recipe.private_key.algorithm)
    assert name == f"ALGORITHM_{algorithm.upper()}"


def test_every_algorithm_and_encoding_of_the_contract_can_be_named() -> None:
    assert len(recipes.Algorithm) == len(Recipe.PrivateKey.Algorithm.items()) - 1
    assert len(recipes.Encoding) == len(Recipe.Token.Encoding.items()) - 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--password", "--key", "ed25519"], "--password and --key were both given."),
        (["--password", "--token"], "--password and --token were both given."),
        (["--length", "40"], "--length is no part of a token."),
        (["--key", "p256", "--prefix", "x"], "--prefix is no part of a key."),
        (["--token", "--openssh"], "--openssh is no part of a token."),
    ],
)
def test_options_of_two_kinds_are_refused(arguments: list[str], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        given(*arguments)
    assert caught.value.what == what
