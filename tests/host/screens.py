"""What the demo shows: acts, commands and their output, on a terminal, in a pipe, or as SVG."""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 100


class Screens:
    """Prints, and with `draw` also keeps what is asked for until `save`."""

    def __init__(self, *, draw: bool) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._colour = draw or self._console.is_terminal
        self._kept: dict[str, tuple[str, str]] = {}
        self._acts = 0

    def act(self, title: str) -> None:
        """Begin a new act."""
        self._acts += 1
        self._console.print(f"\n[bold cyan]{self._acts}. {title}[/]")

    def say(self, text: str) -> None:
        """Print a sentence of the play."""
        self._console.print(f"   {text}", markup=False, style="green")

    def command(self, line: str) -> None:
        """Print a command line as somebody typed it."""
        self._console.print(f"   $ {line}", markup=False, style="bold")

    def output(self, text: str, *, command: str = "", screenshot: str = "") -> None:
        """Print what a command answered, and keep it for the picture `screenshot`."""
        for line in text.rstrip("\n").split("\n"):
            self._console.print(Text("   ") + Text.from_ansi(line))
        if screenshot:
            # Progress is a moment's: what stays on a terminal is the result.
            lasting = [line for line in text.split("\n") if not re.match(r" +\d+\.\ds  ", line)]
            self._kept[screenshot] = (command, "\n".join(lasting))

    def environment(self) -> list[str]:
        """Return the options that let a command in the box draw as it does on a terminal."""
        colour = ["-e", "FORCE_COLOR=1"] if self._colour else []
        return [*colour, "-e", f"COLUMNS={WIDTH}"]

    def save(self, directory: Path) -> None:
        """Write every kept picture into `directory`, as NAME.svg."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, (command, text) in self._kept.items():
            paper = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
            paper.print(Text.from_ansi(text))
            svg = paper.export_svg(title=f"$ {command}")
            # A picture must not fetch anything when it is looked at: the fonts' addresses go.
            svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
            (directory / f"{name}.svg").write_text(svg, encoding="utf-8")
