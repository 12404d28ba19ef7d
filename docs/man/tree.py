"""The commands of leger as plain data, read from the command line itself."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from leger_cli import app, parser

if TYPE_CHECKING:
    from typer._click import Command as Click
    from typer._click import Context


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command: texts are plain, one paragraph an item; parameters are (how, what) pairs."""

    path: str
    heading: str  # under which the help of the command above lists it; "" when there is only one
    summary: str
    description: tuple[str, ...]
    usage: str
    arguments: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    examples: tuple[str, ...]
    children: tuple["Command", ...]

    @property
    def words(self) -> str:
        """The path without "leger", such as "secrets put"."""
        return self.path.removeprefix("leger").strip()

    def leaves(self) -> Iterator["Command"]:
        """Yield the commands below that do something, or this one if there are none."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def read() -> Command:
    """Return `leger` with everything below it."""
    root = app.command()
    return _read(root, typer.Context(root, info_name="leger"), "")


def global_options() -> tuple[tuple[str, str], ...]:
    """Return the options that every command takes."""
    root = app.command()
    context = typer.Context(root, info_name="leger")
    records = (option.get_help_record(context) for option in parser.global_options())
    return tuple(record for record in records if record)


def _read(command: "Click", context: "Context", heading: str) -> Command:
    summary, *description = inspect.cleandoc(command.help or "").split("\n\n")
    arguments: list[tuple[str, str]] = []
    options: list[tuple[str, str]] = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is None or parameter in parser.global_options():
            continue
        kind = arguments if parameter.param_type_name == "argument" else options
        kind.append(record)
    children: tuple[Command, ...] = ()
    if isinstance(command, parser.LegerGroup):
        children = tuple(
            _read(
                child,
                typer.Context(child, parent=context, info_name=name),
                below if command.sections else "",
            )
            for below, names in command.headed().items()
            for name in names
            if (child := command.get_command(context, name))
        )
    return Command(
        path=context.command_path,
        heading=heading,
        summary=_flowing(summary),
        description=tuple(map(_flowing, description)),
        usage=f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}",
        arguments=tuple(arguments),
        options=tuple(options),
        examples=tuple((command.epilog or "").splitlines()),
        children=children,
    )


def _flowing(text: str) -> str:
    return " ".join(text.split())
