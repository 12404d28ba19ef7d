"""Asking the person at the terminal."""

import sys

from leger_runtime.errors import Kind, LegerError

from leger_cli import output
from leger_cli.errors import Cancelled, NoTerminal


class EntriesDiffer(LegerError):
    """The two entries at the prompt are not the same."""

    kind, reason = Kind.INVALID, "ENTRIES_DIFFER"


def require_answers(*, yes: bool, as_json: bool) -> None:
    """Raise NoTerminal when a question will be asked that nobody can answer.

    With --json a program reads the output, and the question would be about things not shown.
    """
    if yes or (sys.stdin.isatty() and not as_json):
        return
    why = "--json asks nothing" if as_json else "Standard input is not a terminal"
    raise NoTerminal(
        "This command asks before it goes on, and there is nobody to answer.",
        why=f"{why}, and --yes was not given.",
        next_step="Run the same command with --yes.",
    )


def confirm(question: str) -> None:
    """Return when the person says yes; raise Cancelled for any other answer."""
    sys.stderr.write(f"{output.paint(question, output.Tone.STRONG, sys.stderr)} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        sys.stderr.write("\n")  # the input was closed: the prompt's line is still open
    if answer.strip().lower() not in {"y", "yes"}:
        raise Cancelled.because("The question was not answered with yes.")


def hidden(question: str) -> bytes:
    """Return what is typed behind the question, which the terminal does not show."""
    from getpass import getpass

    return getpass(question, stream=sys.stderr).encode("utf-8", "surrogateescape")


def hidden_twice(question: str) -> bytes:
    """Return what is typed twice and not shown; nothing is not asked for again.

    Raises EntriesDiffer.
    """
    first = hidden(question)
    if first and hidden("The same again: ") != first:
        raise EntriesDiffer(
            "The two entries differ; nothing was changed.",
            why="It is asked for twice, as it is not shown while it is typed.",
            next_step="Run the same command again.",
        )
    return first
