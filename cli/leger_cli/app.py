"""The tree of commands. A noun's module is imported when the noun is used."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer
from typer.core import TyperGroup

from leger_cli.parser import LegerGroup
from leger_cli.version import __version__

if TYPE_CHECKING:
    from typer._click import Command, Context

# In the order in which `leger --help` lists them; each is a module of leger_cli.commands.
NOUNS = (
    "secrets",
    "run",
    "auth",
    "audit",
    "deploy",
    "status",
    "services",
    "validate",
    "doctor",
    "completion",
    "version",
)


class RootGroup(LegerGroup):
    """`leger` itself."""

    modules: ClassVar[Mapping[str, str]] = {noun: noun for noun in NOUNS}
    synonyms: ClassVar[Mapping[str, str]] = {
        "install": "deploy install",
        "remove": "deploy remove",
        "start": "services start",
        "stop": "services stop",
        "restart": "services restart",
        "logs": "services logs",
        "put": "secrets put",
        "get": "secrets get",
        "rotate": "secrets rotate",
        "generate": "secrets generate",
        "backup": "secrets backup",
        "restore": "secrets restore",
        "unseal": "secrets unseal",
        "can": "secrets can",
        "policy": "secrets policy",
        "token": "auth token",
        "exec": "run",
        "ps": "status",
        "health": "doctor",
        "check": "doctor",
    }

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse `args` into `ctx`; `help COMMAND` is `COMMAND --help`."""
        at = next((at for at, word in enumerate(args) if not word.startswith("-")), None)
        if at is not None and args[at] == "help":
            args = [*args[:at], *self._path(ctx, args[at + 1 :]), "--help"]
        return super().parse_args(ctx, args)

    def _path(self, ctx: "Context", words: list[str]) -> list[str]:
        """Return those of the words that lead to a command, and the first that leads to none."""
        group: Command | None = self
        path: list[str] = []
        for word in words:
            if not isinstance(group, LegerGroup):
                break  # an argument of the command, perhaps behind which it would run something
            path.append(word)
            group = group.get_command(ctx, word)
        return path

    def load(self, module: str) -> "Mapping[str, Command]":
        """Return the command of a noun, imported now."""
        found = import_module(f"leger_cli.commands.{module}")
        return {module: typer.main.get_command(found.app)}


def command() -> TyperGroup:
    """Return the command `leger`."""
    app = typer.Typer(
        name="leger",
        cls=RootGroup,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(leger)
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)  # noqa: S101  (an app with a callback is a group)
    return root


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"leger {__version__}")
        raise typer.Exit


def leger(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Deploy containers as systemd Quadlets, with secrets that never touch a disk in the clear.

    leger talks to the services of one scope: the whole machine's (as root), or those of one
    account. As root it works on the machine; as anybody else on the account's own services where
    they are set up, else on the machine's. --user and --system decide otherwise.
    """
