"""Reading a passphrase from a person or a pipe, never from the command line or the environment."""

import sys

from leger_runtime.errors import Kind, LegerError

from leger_cli import terminal

_MAX_BYTES = 1024  # more than the service takes: standard input may be endless


class PassphraseEmpty(LegerError):
    """There is no passphrase."""

    kind, reason = Kind.INVALID, "PASSPHRASE_EMPTY"


def ask(question: str) -> bytes:
    """Return a passphrase that is known: typed once at a terminal, else a line of the input.

    Raises PassphraseEmpty.
    """
    return _some(terminal.hidden(question) if sys.stdin.isatty() else _piped())


def ask_new(question: str) -> bytes:
    """Return a new passphrase: typed twice at a terminal, else a line of the input.

    Whether it is good enough, the service decides. Raises EntriesDiffer, PassphraseEmpty.
    """
    return _some(terminal.hidden_twice(question) if sys.stdin.isatty() else _piped())


def _piped() -> bytes:
    return sys.stdin.buffer.readline(_MAX_BYTES + 2).rstrip(b"\r\n")


def _some(passphrase: bytes) -> bytes:
    if passphrase:
        return passphrase
    raise PassphraseEmpty(
        "There is no passphrase.",
        why="Nothing was typed, or standard input has no line.",
        next_step="Run the command at a terminal to type it, or pipe one line in.",
    )
