"""`leger run`: a command that has secrets in its environment, and nowhere else."""

import errno
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from leger_runtime.errors import FieldViolation, Kind, LegerError

from leger_cli import completion, parser
from leger_cli.context import PATIENCE, Session
from leger_cli.errors import UsageError
from leger_cli.formats import env

if TYPE_CHECKING:
    from typer._click import Context

app = parser.verb("run")

# For threads that end, in seconds. It takes one or two thousandths; a stray one may not hold a
# command up.
_ENDING = 0.2


class CommandNotFound(LegerError):
    """There is no such program."""

    kind, reason = Kind.NOT_FOUND, "COMMAND_NOT_FOUND"


class CommandNotExecutable(LegerError):
    """The system does not start the program."""

    kind, reason = Kind.INVALID, "COMMAND_NOT_EXECUTABLE"


class NotForEnvironment(LegerError):
    """Values that no environment can hold."""

    kind, reason = Kind.INVALID, "NOT_FOR_ENVIRONMENT"


class RunCommand(parser.ConfidentialCommand):
    """`run` ends its own options at the command that follows."""

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:
        """Return the parts of the usage line, with the command after a --."""
        pieces = super().collect_usage_pieces(ctx)
        return [*pieces[:-1], "--", *pieces[-1:]]


@app.command(
    "run",
    cls=RunCommand,
    context_settings={"allow_interspersed_args": False},
    epilog="leger run --secret openai_api_key -- python notes.py\n"
    "leger run --secret notes/db=PGPASSWORD --secret notes/key -- ./migrate --all",
)
def run(
    context: typer.Context,
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND...", help="What to run, with its arguments.", show_default=False
        ),
    ],
    secrets: Annotated[
        list[str],
        typer.Option(
            "--secret",
            metavar="NAME[=VARIABLE]",
            help="A secret, and the variable that gets it; repeatable. Without one it is the name "
            "in upper case, with _ for all else than letters and digits.",
            show_default=False,
            autocompletion=completion.secrets,
        ),
    ],
) -> None:
    """Run a command with secrets in its environment.

    The active values go into the environment of that one process: not onto a disk, not into its
    arguments, not into the shell. leger becomes the command, so signals and the exit code are the
    command's own.

    Nothing runs when a secret is not stored, or no such command is found: leger fails then as
    always, with the exit codes of leger(1).
    """
    names = _variables(secrets)
    program = shutil.which(command[0])
    if program is None:
        raise CommandNotFound(
            f"There is no command {command[0]}.",
            why="It is not in PATH." if "/" not in command[0] else "No such file can be executed.",
            next_step="Name it as the shell would find it.",
        )
    values = _resolved(context.obj, list(dict.fromkeys(names.values())))
    if wrong := [name for name, value in values.items() if b"\0" in value]:
        raise NotForEnvironment(
            "The command was not run.",
            why="No environment variable can hold a NUL byte:",
            next_step="Give them to a unit as files: `Secret=NAME,type=mount`.",
            violations=[FieldViolation(field=n, description="It has a NUL byte.") for n in wrong],
        )
    given = {variable.encode(): values[name] for variable, name in names.items()}
    _become(program, command, {**os.environb, **given})


def _variables(asked: list[str]) -> dict[str, str]:
    """Return the secret that each variable gets. Raises UsageError."""
    names: dict[str, str] = {}
    for text in asked:
        name, equals, variable = text.rpartition("=")  # a variable has no "=", a name may
        if not equals:
            name, variable = text, env.variable(text)
        if not name or not env.NAME.fullmatch(variable):
            raise UsageError(
                "A --secret names no secret, or no variable that could be.",  # nor repeats a value
                why="A variable has letters, digits and _, and does not begin with a digit.",
                next_step="Write it as --secret NAME=VARIABLE.",
            )
        if variable in names:
            raise UsageError(
                f"The variable {variable} would get two values.",
                why=f"--secret names it for {names[variable]} and for {name}.",
                next_step="Name another variable for one of them: --secret NAME=VARIABLE.",
            )
        names[variable] = name
    return names


def _resolved(session: Session, names: list[str]) -> dict[str, bytes]:
    """Return the active value of each secret. Nothing of the client outlives this function."""
    from leger.secrets.v1.secrets_pb2 import ResolveSecretsRequest

    with session.secrets() as client:
        answer = client.ResolveSecrets(ResolveSecretsRequest(names=names), timeout=PATIENCE)
    return {secret.name: secret.value for secret in answer.secrets}


def _become(program: str, command: list[str], environment: dict[bytes, bytes]) -> None:
    """Replace this process by the program. Raises CommandNotExecutable and NotForEnvironment."""
    sys.stdout.flush()
    sys.stderr.flush()
    _end_threads()
    # Python ignores this one, and what is ignored stays so in the program.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execve(program, command, environment)  # noqa: S606 - this is what the command is for
    except OSError as error:
        if error.errno == errno.E2BIG:
            raise NotForEnvironment(
                "The command was not run.",
                why="The values are larger than the system lets an environment be.",
                next_step="Give them to a unit as files: `Secret=NAME,type=mount`.",
            ) from None
        raise CommandNotExecutable(
            f"{program} was not run.",
            why=f"The system says: {error.strerror}.",
            next_step="A script needs a first line such as #!/bin/sh.",
        ) from None


def _end_threads() -> None:
    """Wait until gRPC's threads have ended, as they do once its last client is gone.

    Linux gives a process no new thread while it calls execve(2): gRPC, asking for one, would fail.
    """
    last = time.monotonic() + _ENDING
    while len([*Path("/proc/self/task").iterdir()]) > 1 and time.monotonic() < last:
        time.sleep(0.001)
