"""All commands, as the command line itself lists them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer
from leger_cli import app
from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click import Command


def commands() -> Iterator[tuple[str, "Command"]]:
    """Yield the path and the command of everything below leger."""
    root = app.command()
    yield from _below(root, typer.Context(root, info_name="leger"), "")


def _below(
    command: "Command", context: typer.Context, path: str
) -> Iterator[tuple[str, "Command"]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            inner = typer.Context(child, parent=context, info_name=name)
            yield from _below(child, inner, f"{path} {name}".strip())


PATHS = [path for path, _ in commands()]
LEAVES = [path for path, command in commands() if not isinstance(command, TyperGroup)]
