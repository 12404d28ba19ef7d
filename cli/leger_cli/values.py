"""Reading a secret's value from a person or a pipe, never from the command line."""

import shlex
import sys

from leger_runtime.errors import Kind, LegerError

from leger_cli import terminal

# systemd's limit for all credentials of a unit (the proto's comment on PutSecretRequest.value).
MAX_VALUE = 1_000_000


class ValueOnCommandLine(LegerError):
    """A value was given as an argument."""

    kind, reason = Kind.USAGE, "VALUE_ON_COMMAND_LINE"


class ValueEmpty(LegerError):
    """There is nothing to store."""

    kind, reason = Kind.INVALID, "VALUE_EMPTY"


class ValueTooLarge(LegerError):
    """The value is larger than systemd hands to a unit."""

    kind, reason = Kind.INVALID, "VALUE_TOO_LARGE"


def read(name: str, *, raw: bool) -> bytes:
    """Return the value for the secret `name`: typed twice at a terminal, else all of the input.

    Piped input of one line loses its line end, LF or CR LF, which `echo` adds and no key has; more
    lines are kept byte for byte, as files such as OpenSSH keys need their last line end. `raw`
    keeps any. Raises EntriesDiffer, ValueEmpty, ValueTooLarge and ValueUnreadable.
    """
    typed = sys.stdin.isatty()
    value = terminal.hidden_twice(f"Value of {name} (not shown): ") if typed else _piped(raw=raw)
    if not value:
        raise ValueEmpty(
            f"There is no value to store for {name}.",
            why="Nothing was typed."
            if typed
            else "Standard input was empty; a command in front of the pipe may have failed.",
            next_step=f"Run the same command again{'' if typed else ', or without a pipe'}.",
        )
    if len(value) > MAX_VALUE:
        raise ValueTooLarge(
            f"The value for {name} is too large.",
            why=f"systemd hands at most {MAX_VALUE:,} bytes of credentials to a unit.",
            next_step="Store a key here, and the data it opens in a volume.",
        )
    return value


def command_for(name: str) -> str:
    """Return the command that stores the secret, as a person can copy it."""
    return f"`leger secrets put {shlex.quote(name)}`"


def _piped(*, raw: bool) -> bytes:
    # One byte more than can be accepted with a line end: the input may be endless.
    value = sys.stdin.buffer.read(MAX_VALUE + 3)
    is_one_line = value.find(b"\n") == len(value) - 1
    return value.removesuffix(b"\n").removesuffix(b"\r") if is_one_line and not raw else value
