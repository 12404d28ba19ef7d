"""Reading a passphrase from a person or a pipe, never from the command line or the environment."""

import sys

from leger_runtime.errors import Kind, LegerError

from leger_cli.values import EntriesDiffer

_MAX_BYTES = 1024  # more than the service takes: standard input may be endless


class PassphraseEmpty(LegerError):
    """There is no passphrase."""

    kind, reason = Kind.INVALID, "PASSPHRASE_EMPTY"


def ask(question: str) -> bytes:
    """Return a passphrase that is known: typed once at a terminal, else a line of the input.

    Raises PassphraseEmpty.
    """
    return _typed(question) if sys.stdin.isatty() else _piped()


def ask_new(question: str) -> bytes:
    """Return a new passphrase: typed twice at a terminal, else a line of the input.

    Whether it is good enough, the service decides. Raises EntriesDiffer, PassphraseEmpty.
    """
    if not sys.stdin.isatty():
        return _piped()
    first = _typed(question)
    if _typed("The same again: ") != first:
        raise EntriesDiffer(
            "The two entries differ; nothing was done.",
            why="A new passphrase is asked for twice, as it is not shown while it is typed.",
            next_step="Run the same command again.",
        )
    return first


def _typed(question: str) -> bytes:
    from getpass import getpass

    return _some(getpass(question, stream=sys.stderr).encode("utf-8", "surrogateescape"))


def _piped() -> bytes:
    return _some(sys.stdin.buffer.readline(_MAX_BYTES + 2).rstrip(b"\r\n"))


def _some(passphrase: bytes) -> bytes:
    if passphrase:
        return passphrase
    raise PassphraseEmpty(
        "There is no passphrase.",
        why="Nothing was typed, or standard input has no line.",
        next_step="Run the command at a terminal to type it, or pipe one line in.",
    )
