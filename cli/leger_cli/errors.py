"""Errors of the command line itself, and how any error is shown."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from leger_runtime.errors import InternalError, Kind, LegerError, place

if TYPE_CHECKING:
    import typer
    from typer._click import Context


class UsageError(LegerError):
    """The command line is not one that leger understands."""

    kind, reason = Kind.USAGE, "USAGE"


class NoTerminal(LegerError):
    """A question has to be asked, and nobody is there to answer it."""

    kind, reason = Kind.USAGE, "NO_TERMINAL"


class StoreSealed(LegerError):
    """What is asked for is in a store that is sealed, as the service says."""

    kind, reason = Kind.UNAVAILABLE, "STORE_SEALED"


class LegerdMissing(LegerError):
    """The program that knows about this host's leger does not answer."""

    kind, reason = Kind.UNAVAILABLE, "LEGERD_MISSING"

    def __init__(self) -> None:
        super().__init__(
            "This host has no leger services.",
            why="`legerd status` does not answer.",
            next_step="Install the leger package; see what `legerd status` says.",
        )


class HostRefused(LegerError):
    """A file, a pipe or a device could not be used."""

    kind, reason = Kind.UNAVAILABLE, "HOST_REFUSED"


class Cancelled(LegerError):
    """The person at the terminal said no, or closed the input."""

    reason = "CANCELLED"

    @classmethod
    def because(cls, why: str) -> "Cancelled":
        """Return the error with its reason, a sentence."""
        return cls(
            "Nothing was changed.",
            why=why,
            next_step="Run the command again when you are sure.",
        )


def of_typer(error: "typer.TyperException") -> LegerError:
    """Return what Typer found wrong with the command line, with the command's usage as the why."""
    where = getattr(error, "ctx", None)
    if where is None:
        return UsageError(
            _sentence(error.format_message()),
            why="The command line does not fit.",
            next_step="Run `leger --help`.",
        )
    return UsageError(
        _sentence(error.format_message()),
        why=usage(where),
        next_step=f"Run `{where.command_path} --help`.",
    )


def of_exception(error: Exception) -> LegerError:
    """Return what nobody expected: a refusal of the system, or a defect.

    A defect is named by its type and place, never its text, which may hold what a command worked
    on: a secret.
    """
    if isinstance(error, OSError) and error.strerror:
        subject = f"{error.filename}: " if error.filename else ""
        return HostRefused(
            "The system refused what leger needs.",
            why=f"It says: {subject}{error.strerror}.",
            next_step="Mend that, such as a full disk behind the output, and run it again.",
        )
    where = place(error)
    return InternalError(
        "leger failed.",
        why=f"It hit a defect: {type(error).__name__}{f' at {where}' if where else ''}.",
        next_step="Report it with these lines. `leger status` shows how the stacks are.",
    )


def show(error: LegerError, *, as_json: bool) -> int:
    """Write an error to standard error, as text or as one JSON object, and return its exit code."""
    with suppress(OSError):  # if nobody can be told, the exit code still says it
        if as_json:
            from json import dumps

            from leger_runtime.errors import as_json as error_as_json

            found = {"error": error_as_json(error)}
            sys.stderr.write(dumps(found, ensure_ascii=False) + "\n")
        else:
            from leger_cli import output

            output.error(error)
    return error.kind.value


def usage(ctx: "Context") -> str:
    """Return a sentence that says how the command of `ctx` is called."""
    line = " ".join(ctx.get_usage().removeprefix("Usage:").split())
    return f"It is called as `{line}`."


def _sentence(message: str) -> str:
    message = message.strip()
    return message if message.endswith((".", "?", "!")) else f"{message}."
