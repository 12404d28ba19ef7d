"""Storing and reading values."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from leger_runtime.errors import LegerError

from leger_cli import output, parser
from leger_cli.commands.secrets.app import Activate, Name, app
from leger_cli.context import PATIENCE, Session
from leger_cli.errors import UsageError, usage

if TYPE_CHECKING:
    from typer._click import Context

_OPTION = re.compile(r"-[A-Za-z]|--[a-z]+(-[a-z]+)*")


class PutCommand(parser.ConfidentialCommand):
    """`put` takes no value; whatever follows the name might be one."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse `args` into `ctx`; what only begins with -h is no call for help.

        A name that looks like an option, or like NAME=VALUE, is one behind a -- alone.
        """
        if not {"-h", "--help"} & {*args}:
            ctx.help_option_names = ["--help"]
        literal = "--" in args
        rest = super().parse_args(ctx, args)
        name: str | None = ctx.params.get("name")
        if name and not literal and not ctx.resilient_parsing:
            if name.startswith("-"):
                raise self._unknown_option(ctx, name)
            if "=" in name:
                raise self._refused(ctx, "A = followed the name.", f"{ctx.command_path} -- NAME")
        return rest

    def refusal(self, ctx: "Context", surplus: int) -> LegerError:
        """Say why a value is not taken here, without repeating it."""
        name: str | None = ctx.params.get("name")
        if name and name.startswith("-"):  # it was no name, and what followed may be one
            return self._unknown_option(ctx, name)
        return self._refused(
            ctx, f"{surplus} more argument{'s' * (surplus != 1)} followed the name."
        )

    def _refused(self, ctx: "Context", why: str, literal: str = "") -> LegerError:
        from leger_cli.values import ValueOnCommandLine

        return ValueOnCommandLine(
            f"`{ctx.command_path}` takes the name alone; the value comes from elsewhere.",
            why=f"{why} A value there stays in the shell's history, and while leger runs every "
            "user can read it with `ps`.",
            next_step=f"Run `{ctx.command_path} NAME` to type the value, or pipe it in. If this "
            "was the real one, replace it where it came from."
            + (f" A name that has a = is taken behind a --: `{literal}`." if literal else ""),
        )

    def _unknown_option(self, ctx: "Context", word: str) -> LegerError:
        option = word.partition("=")[0]
        # Anything else may be a value that begins with "-": it is not repeated.
        named = f": {option}" if _OPTION.fullmatch(option) else " before the name"
        return UsageError(
            f"No such option{named}.",
            why=usage(ctx),
            next_step=f"Run `{ctx.command_path} --help`. A name that begins with - is taken "
            f"behind a --: `{ctx.command_path} -- NAME`.",
        )


@app.command(
    cls=PutCommand,
    context_settings={"ignore_unknown_options": True},  # a value may begin with "-"
    epilog="leger secrets put openai_api_key\n"
    "pass show openai | leger secrets put openai_api_key\n"
    "leger secrets put deploy_key < ~/.ssh/id_ed25519",
)
def put(
    context: typer.Context,
    name: Name,
    activate: Activate = True,
    raw: Annotated[
        bool, typer.Option("--raw", help="Store piped input byte for byte, whatever it is.")
    ] = False,
) -> None:
    """Store a value as a new version of a secret.

    At a terminal the value is asked for twice and not shown; else it is read from standard input.
    Input of one line loses its line end, LF or CR LF, which `echo` adds and no key has; input of
    several lines is stored byte for byte, as any is with --raw. A value on the command line is
    refused: other users could read it.

    The value of the latest version makes no new version. Running containers keep the value they
    started with until they are restarted.
    """
    from leger.secrets.v1.secrets_pb2 import GetSecretInfoRequest, PutSecretRequest

    from leger_cli import values
    from leger_cli.views import secrets as view

    session: Session = context.obj
    value = values.read(name, raw=raw)
    with session.secrets() as client:
        stored = client.PutSecret(
            PutSecretRequest(name=name, value=value, activate=activate), timeout=PATIENCE
        )
        info = client.GetSecretInfo(GetSecretInfoRequest(name=name), timeout=PATIENCE).secret
    if session.as_json:
        output.json(
            {
                "name": name,
                "version": stored.version,
                "active": stored.active,
                "created": stored.created,
                "units": list(info.units),
            }
        )
    else:
        view.put(stored, info)


@app.command(
    cls=parser.ConfidentialCommand,
    epilog="leger secrets get openai_api_key\nleger secrets get openai_api_key --version 1 --json",
)
def get(
    context: typer.Context,
    name: Name,
    version: Annotated[
        int | None,
        typer.Option("--version", metavar="N", min=1, help="This version, not the active one."),
    ] = None,
) -> None:
    """Write a secret's value to standard output.

    The bytes are written as they are stored; at a terminal a line end is added. --json prints
    them as "value" when they are UTF-8, else as "value_base64".
    """
    from leger.secrets.v1.secrets_pb2 import GetSecretRequest

    session: Session = context.obj
    output.require_open()
    with session.secrets() as client:
        answer = client.GetSecret(
            GetSecretRequest(name=name, version=version or 0), timeout=PATIENCE
        )
    if session.as_json:
        from leger_cli import convert

        output.json(convert.secret_value(name, answer))
    else:
        sys.stdout.buffer.write(answer.value + (b"\n" if sys.stdout.isatty() else b""))


@app.command(cls=parser.LegerCommand, epilog="leger secrets activate openai_api_key 1")
def activate(
    context: typer.Context,
    name: Name,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="The version's number.")],
) -> None:
    """Make a stored version the active one.

    Going back to an earlier version is the same command with that version's number.
    """
    from leger.secrets.v1.secrets_pb2 import ActivateSecretVersionRequest, GetSecretInfoRequest

    session: Session = context.obj
    with session.secrets() as client:
        answer = client.ActivateSecretVersion(
            ActivateSecretVersionRequest(name=name, version=version), timeout=PATIENCE
        )
        secret = client.GetSecretInfo(GetSecretInfoRequest(name=name), timeout=PATIENCE).secret
    previous = answer.previous_version
    if session.as_json:
        output.json(
            {
                "name": name,
                "version": version,
                "previous_version": previous,
                "units": list(secret.units),
            }
        )
    else:
        from leger_cli.views import secrets as view

        view.activated(secret, previous)


@app.command(
    cls=parser.LegerCommand,
    epilog="leger secrets delete openai_api_key\n"
    "leger secrets delete openai_api_key --version 1 --yes",
)
def delete(
    context: typer.Context,
    name: Name,
    version: Annotated[
        int | None,
        typer.Option(
            "--version", metavar="N", min=1, help="Only this version, which may not be active."
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also when units get it: they will fail to start."),
    ] = False,
    yes: parser.Yes = False,
) -> None:
    """Delete a secret with all its versions, or one version.

    A secret that units get when they start is kept unless --force is given.
    """
    from leger.secrets.v1.secrets_pb2 import (
        DeleteSecretRequest,
        DeleteSecretVersionRequest,
        GetSecretInfoRequest,
    )

    from leger_cli import terminal
    from leger_cli.views import words

    session: Session = context.obj
    terminal.require_answers(yes=yes, as_json=session.as_json)
    with session.secrets() as client:
        if not yes:
            secret = client.GetSecretInfo(GetSecretInfoRequest(name=name), timeout=PATIENCE).secret
            count = words.counted(len(secret.versions), "version")
            what = f"version {version} of {name}" if version else f"{name} with its {count}"
            terminal.confirm(f"Delete {what}?")
        if version:
            client.DeleteSecretVersion(
                DeleteSecretVersionRequest(name=name, version=version), timeout=PATIENCE
            )
        else:
            client.DeleteSecret(DeleteSecretRequest(name=name, force=force), timeout=PATIENCE)
    if session.as_json:
        output.json({"name": name, "version": version})
    else:
        output.line(f"{name}: {f'version {version}' if version else 'all versions'} deleted")
