"""How leger speaks: results on standard output, remarks and errors on standard error."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from leger_runtime.errors import LegerError

# What a terminal would obey, except tabs, line ends and the colours that programs log with.
_COMMANDS_TO_TERMINALS = re.compile(r"(\x1b\[[0-9;]*m)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Wide enough that a table in a pipe is never wrapped.
_NO_LIMIT = 10_000
_READABLE = 100


class Tone(Enum):
    """What a piece of text means; terminals show it by a colour, which never stands alone."""

    GOOD = "green"
    BAD = "red"
    CAUTION = "yellow"
    FAINT = "dim"
    STRONG = "bold"


Cell = str | tuple[str, Tone]


def is_terminal(stream: TextIO) -> bool:
    """Return whether a person reads the stream."""
    return stream.isatty()


def can_draw(stream: TextIO) -> bool:
    """Return whether the stream is a terminal that understands more than text."""
    return is_terminal(stream) and os.environ.get("TERM", "dumb") != "dumb"


def has_colour(stream: TextIO) -> bool:
    """Return whether to use colours, by the rules of no-color.org and force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or can_draw(stream)


def paint(text: str, tone: Tone, stream: TextIO | None = None) -> str:
    """Return the text in its colour where the stream (standard output if None) has colours."""
    if not has_colour(stream or sys.stdout):
        return text
    import typer

    match tone:
        case Tone.FAINT:
            return typer.style(text, dim=True)
        case Tone.STRONG:
            return typer.style(text, bold=True)
        case _:
            return typer.style(text, fg=tone.value)


def printable(text: str) -> str:
    """Return text of foreign origin with nothing in it that would command a terminal."""
    return _COMMANDS_TO_TERMINALS.sub(
        lambda found: found[1] or found[0].encode("unicode_escape").decode(), text
    )


def line(text: str = "", *, stream: TextIO | None = None) -> None:
    """Write one line of the result (or to another stream)."""
    stream = stream or sys.stdout
    stream.write((printable(text) if is_terminal(stream) else text) + "\n")


def paragraph(text: str, *, mark: str = "", tone: Tone = Tone.FAINT, indent: int = 2) -> None:
    """Write a sentence of the result behind a mark in colour; a terminal wraps it, indented."""
    full = f"{mark} {text}" if mark else text
    full = _wrapped(full, indent) if is_terminal(sys.stdout) else full
    line(f"{paint(mark, tone)}{full.removeprefix(mark)}")


def remark(text: str) -> None:
    """Write a line that is not part of the result, to standard error, in its place among it."""
    with suppress(OSError):  # the last flush of the process says it
        sys.stdout.flush()
    line(text, stream=sys.stderr)


def require_open() -> None:
    """Raise HostRefused when the caller closed standard output: a value there would reach nobody.

    For commands whose result exists nowhere else, or is asked for to be handed on.
    """
    if sys.__stdout__ is None:  # as Python leaves it, whatever stands in its place
        from leger_cli.errors import HostRefused

        raise HostRefused(
            "The result would reach nobody.",
            why="Standard output is closed.",
            next_step="Run it again with standard output open, such as into a pipe.",
        )


def json(result: Mapping[str, object]) -> None:
    """Write the result as one JSON object."""
    from json import dumps

    sys.stdout.write(dumps(result, indent=2, ensure_ascii=False) + "\n")


def json_line(result: Mapping[str, object]) -> None:
    """Write one JSON object on a line of its own, for a stream of them."""
    from json import dumps

    line(dumps(result, ensure_ascii=False))


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, unwrapped: Sequence[str] = ()
) -> None:
    """Write rows under bold headings: as wide as the terminal, unwrapped in a pipe.

    Columns that are named `unwrapped` are not wrapped at a terminal either.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = is_terminal(sys.stdout)
    console = Console(
        file=sys.stdout,
        width=None if terminal else _NO_LIMIT,
        color_system="standard" if has_colour(sys.stdout) else None,
        highlight=False,
    )
    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        drawn.add_column(column, overflow="fold", no_wrap=column in unwrapped)
    for row in rows:
        cells = [(cell, "") if isinstance(cell, str) else (cell[0], cell[1].value) for cell in row]
        drawn.add_row(*(Text(printable(text), style=style) for text, style in cells))
    with console.capture() as captured:
        console.print(drawn)
    sys.stdout.writelines(f"{text.rstrip()}\n" for text in captured.get().splitlines())


def error(error: "LegerError") -> None:
    """Write what happened, why, and what to do next, to standard error."""
    from leger_runtime.errors import as_text

    # A foreign server may give no reason, or one of several lines.
    lines = [text for text in as_text(error).splitlines() if text.strip(" →")]
    for number, text in enumerate(lines):
        shown = text if number == 0 or text.startswith("  ") else f"  {text}"
        if is_terminal(sys.stderr):
            shown = _wrapped(shown, len(shown) - len(shown.lstrip(" →-")))
        if number == 0:
            shown = shown.replace("error:", paint("error:", Tone.BAD, sys.stderr), 1)
        remark(shown)


def width() -> int:
    """Return how many columns text on the terminal should use."""
    from shutil import get_terminal_size

    return min(get_terminal_size().columns, _READABLE)


def _wrapped(text: str, indent: int) -> str:
    from textwrap import fill

    return fill(
        text,
        width=width(),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
