"""The tree of commands. A noun's module is imported when the noun is used."""

from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from leger_cli.parser import LegerGroup
from leger_cli.version import __version__

if TYPE_CHECKING:
    from typer._click import Command, Context

# In the order in which `leger --help` lists them; each is a module of leger_cli.commands.
NOUNS = ("secrets", "deploy", "status", "services", "validate", "version")


class RootGroup(LegerGroup):
    """`leger` itself."""

    def list_commands(self, ctx: "Context") -> list[str]:  # noqa: ARG002
        """Return the nouns, imported or not."""
        return list(NOUNS)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        """Return a noun's command, importing its module on the first use."""
        if cmd_name in NOUNS and cmd_name not in self.commands:
            module = import_module(f"leger_cli.commands.{cmd_name}")
            self.commands[cmd_name] = typer.main.get_command(module.app)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: "Context", args: list[str]
    ) -> "tuple[str | None, Command | None, list[str]]":
        """Find the command that `args` names, or fail with a suggestion."""
        if args[0] not in NOUNS:
            for name in NOUNS:  # Typer suggests from what is loaded
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def command() -> TyperGroup:
    """Return the command `leger`."""
    app = typer.Typer(name="leger", cls=RootGroup, rich_markup_mode=None)
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
