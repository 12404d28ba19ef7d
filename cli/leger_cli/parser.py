"""Typer's commands with what every command of leger shares: global options, help, refusals."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from leger_runtime.errors import LegerError, RemoteError
from typer.core import TyperCommand, TyperGroup

from leger_cli.context import Scope
from leger_cli.errors import UsageError, usage

if TYPE_CHECKING:  # the classes of Click that Typer carries; it has no public names for them
    from typer._click import Command, Context, HelpFormatter, Parameter


# The option of commands that ask before they go on.
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class LegerCommand(TyperCommand):
    """A command that takes the global options too, and repeats no argument that it refuses."""

    def __init__(self, name: str | None, *, params: "list[Parameter] | None", **settings: Any):
        super().__init__(name, params=[*(params or []), *global_options()], **settings)

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse `args` into `ctx`, and refuse what is left over."""
        ctx.allow_extra_args = True  # else Typer's message would repeat them
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            raise self.refusal(ctx, len(rest))
        return rest

    def refusal(self, ctx: "Context", surplus: int) -> LegerError:
        """Return the error for `surplus` arguments too many. They may hold a secret: not named."""
        return UsageError(
            f"`{ctx.command_path}` got {surplus} argument{'s' * (surplus != 1)} too many.",
            why=usage(ctx),
            next_step=f"Run `{ctx.command_path} --help`.",
        )

    def invoke(self, ctx: "Context") -> Any:
        """Run the command; the services are told which one it is."""
        ctx.obj.command = ctx.command_path.removeprefix("leger ")
        try:
            return super().invoke(ctx)
        except RemoteError as error:
            from leger_cli import fields, nearby

            error.violations = fields.as_typed(error, self.params)
            nearby.suggest(error, ctx.obj, ctx.params)
            raise

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:
        """Return the parts of the usage line, with arguments as they are written everywhere."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the arguments, the command's own options and the global ones, each apart."""
        _write_parameters(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # noqa: ARG002
        """Write the epilog's lines as examples, as they are."""
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.splitlines():
                    formatter.write(f"  {line}\n")


class ConfidentialCommand(LegerCommand):
    """A command that has values, keys or passphrases in memory: no other process may look there."""

    def invoke(self, ctx: "Context") -> Any:
        """Run the command, in a process that leaves no core dump either."""
        from leger_runtime import memory

        memory.forbid_dumps()  # where the system refuses, the command is what was asked for
        return super().invoke(ctx)


class LegerGroup(TyperGroup):
    """A noun: a group of commands that takes the global options too. Alone, it shows its help.

    `modules` says where commands are that are loaded when they are used. `sections` are the
    headings under which the help lists commands, in its order; what is in none comes last.
    `synonyms` are words that are no commands here, with what is meant by them.
    """

    modules: ClassVar[Mapping[str, str]] = {}
    sections: ClassVar[Mapping[str, Sequence[str]]] = {}
    synonyms: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *, params: "list[Parameter] | None", **settings: Any):
        super().__init__(
            params=[*(params or []), *global_options()],
            **{**settings, "subcommand_metavar": "COMMAND"},
        )

    def load(self, module: str) -> "Mapping[str, Command]":
        """Return the commands of a module, imported now; for a group that has `modules`."""
        raise NotImplementedError(module)

    def list_commands(self, ctx: "Context") -> list[str]:  # noqa: ARG002
        """Return the names of all commands, loaded or not, in the order of the help."""
        return [name for names in self.headed().values() for name in names]

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        """Return a command, loading its module on the first use."""
        if cmd_name in self.modules and cmd_name not in self.commands:
            self.commands.update(self.load(self.modules[cmd_name]))
        return super().get_command(ctx, cmd_name)

    def headed(self) -> Mapping[str, list[str]]:
        """Return the names of all commands by heading."""
        left = {**self.modules, **self.commands}
        headed = {
            heading: [name for name in names if left.pop(name, None)]
            for heading, names in self.sections.items()
        }
        return {**headed, "Other commands" if headed else "Commands": list(left)}

    def resolve_command(
        self, ctx: "Context", args: list[str]
    ) -> "tuple[str | None, Command | None, list[str]]":
        """Find the command that `args` names, or raise a UsageError with a suggestion."""
        named = not args[0].startswith("-") and not ctx.resilient_parsing
        if named and self.get_command(ctx, args[0]) is None:
            raise self._unknown(ctx, args[0])
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse `args` into `ctx`; none at all asks for help."""
        return super().parse_args(ctx, args or ["--help"])

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the commands first: they are what a reader of this page looks for."""
        headed = {heading: names for heading, names in self.headed().items() if names}
        widest = max(len(name) for names in headed.values() for name in names)
        for heading, names in headed.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (
                            name.ljust(widest),
                            command.get_short_help_str(formatter.width - widest - 4),
                        )
                        for name, command in commands
                        if command
                    ]
                )
        _write_parameters(self.get_params(ctx), ctx, formatter)

    def _unknown(self, ctx: "Context", word: str) -> LegerError:
        meant = {**{name: name for name in self.list_commands(ctx)}, **self.synonyms}
        close = [word] if word in meant else get_close_matches(word, meant, n=1)
        hint = f" Did you mean {meant[close[0]]!r}?" if close else ""
        return UsageError(
            f"No such command {word!r}.{hint}",
            why=usage(ctx),
            next_step=f"Run `{ctx.command_path} --help`.",
        )


def noun(name: str, summary: str, *, cls: type[LegerGroup] = LegerGroup) -> typer.Typer:
    """Return the Typer application of a noun, to which its modules add the commands."""
    app = typer.Typer(name=name, help=summary, cls=cls, rich_markup_mode=None, add_completion=False)
    app.callback()(_nothing)  # a group even with one command, or none yet
    return app


def _nothing() -> None:
    """Do nothing: a noun alone has no effect."""


def verb(name: str) -> typer.Typer:
    """Return the Typer application of a command that stands alone, such as `leger status`."""
    return typer.Typer(name=name, rich_markup_mode=None, add_completion=False)


@cache
def global_options() -> "tuple[Parameter, ...]":
    """Return the options that every command takes, before or after its noun."""
    declaration = typer.Typer(add_completion=False)
    declaration.command()(_global_options)
    return tuple(typer.main.get_command(declaration).params)


def _note_json(context: typer.Context, value: bool) -> None:
    context.obj.as_json |= value


def _note_user(context: typer.Context, value: bool) -> None:
    if value:
        context.obj.choose(Scope.USER)


def _note_system(context: typer.Context, value: bool) -> None:
    if value:
        context.obj.choose(Scope.SYSTEM)


def _global_options(
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print the result as JSON.", callback=_note_json, expose_value=False
        ),
    ] = False,
    user: Annotated[
        bool,
        typer.Option(
            "--user",
            help="Work on this account's own containers.",
            callback=_note_user,
            expose_value=False,
        ),
    ] = False,
    system: Annotated[
        bool,
        typer.Option(
            "--system",
            help="Work on the machine's containers.",
            callback=_note_system,
            expose_value=False,
        ),
    ] = False,
) -> None:
    """Carry the declarations; never called."""


def _write_parameters(
    parameters: "list[Parameter]", ctx: "Context", formatter: "HelpFormatter"
) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Global": []}
    help_option = ctx.command.get_help_option(ctx)
    for parameter in parameters:
        if parameter in global_options() or parameter is help_option:
            section = "Global"
        else:
            section = "Arguments" if parameter.param_type_name == "argument" else "Options"
        if record := parameter.get_help_record(ctx):
            sections[section].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section("Global options" if title == "Global" else title):
                formatter.write_dl(records)
