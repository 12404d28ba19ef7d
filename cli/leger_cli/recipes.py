"""How a value is to be made, as options of a command: a password, a token or a private key."""

from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leger_cli.errors import UsageError
from leger_cli.parser import LegerCommand

if TYPE_CHECKING:
    from leger.secrets.v1.secrets_pb2 import Recipe
    from typer._click import Parameter


class Encoding(StrEnum):
    """How the bytes of a token become text."""

    BASE64URL = "base64url"
    BASE64 = "base64"
    HEX = "hex"


class Algorithm(StrEnum):
    """What a private key is for."""

    ED25519 = "ed25519"
    X25519 = "x25519"
    P256 = "p256"
    RSA3072 = "rsa3072"


class RecipeCommand(LegerCommand):
    """A command that takes the options of a recipe too; `given` returns what they say."""

    def __init__(self, name: str | None, *, params: "list[Parameter] | None", **settings: Any):
        super().__init__(name, params=[*(params or []), *_options()], **settings)


def given(context: typer.Context) -> "Recipe | None":
    """Return the recipe that the command line asks for, None when it names nothing of one.

    Without --password and --key it is a token's. Raises UsageError when two kinds are named, or an
    option of another kind. Lengths left out are the service's usual ones.
    """
    asked = {name: value for name, value in context.meta.get(__name__, {}).items() if value}
    if not asked:
        return None
    kinds = [kind for kind in _BELONGS_TO if kind in asked]
    if len(kinds) > 1:
        raise UsageError(
            f"--{kinds[0]} and --{kinds[1]} were both given.",
            why="A value is a password, a token or a private key.",
            next_step="Leave one of them out.",
        )
    kind = kinds[0] if kinds else "token"
    for name in asked:
        owner = next((owner for owner, names in _BELONGS_TO.items() if name in names), kind)
        if owner != kind:
            raise UsageError(
                f"--{name} is no part of a {kind}.",
                why=f"It says how a {owner} is made.",
                next_step=f"Leave it out, or say --{owner}.",
            )
    return _recipe(kind, asked)


# The options that name a kind, and those that say more about it.
_BELONGS_TO = {
    "password": ("length", "symbols"),
    "token": ("bytes", "encoding", "prefix"),
    "key": ("openssh",),
}


def _recipe(kind: str, asked: dict[str, Any]) -> "Recipe":
    from leger.secrets.v1.secrets_pb2 import Recipe

    match kind:
        case "password":
            password = Recipe.Password(
                length=asked.get("length", 0), symbols=asked.get("symbols", False)
            )
            return Recipe(password=password)
        case "key":
            algorithm = Recipe.PrivateKey.Algorithm.Value(f"ALGORITHM_{asked['key'].upper()}")
            key = Recipe.PrivateKey(algorithm=algorithm, openssh=asked.get("openssh", False))
            return Recipe(private_key=key)
        case _:
            encoding = asked.get("encoding", Encoding.BASE64URL)
            token = Recipe.Token(
                bytes=asked.get("bytes", 0),
                encoding=Recipe.Token.Encoding.Value(f"ENCODING_{encoding.upper()}"),
                prefix=asked.get("prefix", ""),
            )
            return Recipe(token=token)


@cache
def _options() -> "tuple[Parameter, ...]":
    declaration = typer.Typer(add_completion=False)
    declaration.command()(_declared)
    return tuple(typer.main.get_command(declaration).params)


def _note(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> None:
    # Not among the command's arguments: it would have to repeat them all.
    context.meta.setdefault(__name__, {})[parameter.name] = value


# What typer.Option returns, for the parameters of `_declared`.
_Option = partial(typer.Option, callback=_note, expose_value=False)


def _declared(
    password: Annotated[
        bool, _Option("--password", help="Make a password of letters and digits.")
    ] = False,
    length: Annotated[
        int | None,
        _Option(
            "--length",
            metavar="N",
            min=8,
            max=1_024,
            help="The password's length, 32 if not said.",
        ),
    ] = None,
    symbols: Annotated[
        bool,
        _Option(
            "--symbols",
            help="Symbols in the password too, none of which shells or URLs need escaped.",
        ),
    ] = False,
    token: Annotated[
        bool,
        _Option("--token", help="Make a token: random bytes as text. This is the default."),
    ] = False,
    bytes: Annotated[  # noqa: A002 - the option's name
        int | None,
        _Option(
            "--bytes",
            metavar="N",
            min=16,
            max=1_024,
            help="How many random bytes the token has, 32 if not said.",
        ),
    ] = None,
    encoding: Annotated[
        Encoding | None,
        _Option(
            "--encoding",
            metavar="ENCODING",
            help="How its bytes become text: base64url, base64 or hex; base64url if not said.",
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        _Option("--prefix", metavar="TEXT", help="Put this before the token's text, such as sk-."),
    ] = None,
    key: Annotated[
        Algorithm | None,
        _Option(
            "--key",
            metavar="ALGORITHM",
            help="Make a private key: ed25519, x25519, p256 or rsa3072. It is in PEM (PKCS #8).",
        ),
    ] = None,
    openssh: Annotated[
        bool, _Option("--openssh", help="The private key in OpenSSH's format.")
    ] = False,
) -> None:
    """Carry the declarations; never called."""
