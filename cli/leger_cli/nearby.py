"""Names of secrets that were meant, perhaps, where one is asked for that is not stored."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from leger_runtime.errors import LegerError

from leger_cli import completion
from leger_cli.context import Session


def suggest(error: LegerError, session: Session, arguments: Mapping[str, Any]) -> None:
    """Add to an error about secrets that are not stored which names there are like theirs.

    `arguments` are those of the command. Nothing is added where no name is near, or where this
    account may not list them.
    """
    if error.reason != "SECRET_NOT_FOUND" or not session.command.startswith(("secrets ", "run")):
        return
    stored = completion.stored(session)
    near = dict.fromkeys(
        match
        for name in _asked(arguments)
        if name not in stored
        for match in get_close_matches(name, stored, n=1)
    )
    if near:
        error.what += f" Did you mean {' and '.join(near)}?"


def _asked(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of secrets among arguments, as the commands for secrets call them."""
    if name := arguments.get("name"):
        yield name
    yield from arguments.get("names") or ()
    for text in arguments.get("secrets") or ():  # of `leger run`: NAME[=VARIABLE]
        yield text.rpartition("=")[0] or text
