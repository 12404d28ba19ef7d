"""Hold the documentation against the program: commands, options, targets and links must exist."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperGroup

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("examples/*/README.md"),
                *ROOT.glob("docs/**/*.md")})  # fmt: skip
# Written from the program itself, and compared with it as a whole.
GENERATED = ROOT / "docs/reference/cli.md"


def shell_lines(page: Path) -> Iterator[str]:
    """Yield the command lines in the page's `sh` and `console` blocks, without comments."""
    for block in re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield line.strip().removeprefix("$ ")


def wrong_in_command(words: list[str], root: TyperGroup) -> str | None:
    """Return what is wrong with the command line `leger …`, or None."""
    command, context = root, typer.Context(root, info_name="leger")
    for word in words[1:]:
        if word in ("|", "<", ">", "&&", ";", "#", "--"):
            break
        if word.startswith("-") and word != "-":
            if default := getattr(command, "default", ""):  # of a noun that does something alone
                command = command.get_command(context, default)
            known = {o for p in command.get_params(context) for o in p.opts + p.secondary_opts}
            known |= {o for p in root.get_params(context) for o in p.opts + p.secondary_opts}
            if word.split("=")[0] not in known | {"--help", "--json"}:
                return f"{command.name} has no option {word}"
        elif isinstance(command, TyperGroup):
            found = command.get_command(context, word)
            if found is None:
                return f"{command.name} has no command {word}"
            command = found
    return None


def wrong_in(page: Path, commands: TyperGroup, targets: set[str]) -> Iterator[str]:
    """Yield a sentence for everything in a page that is not so."""
    for line in shell_lines(page):
        words = shlex.split(line, comments=True)
        while words and (words[0] == "sudo" or re.fullmatch(r"\w+=.*", words[0])):
            words = words[1:]
        starts = [i for i, word in enumerate(words) if word == "leger"]
        for start in starts[:1]:
            if problem := wrong_in_command(words[start:], commands):
                yield f"`{line}`: {problem}"
        if words[:1] == ["make"] and not set(words[1:]) <= targets:
            yield f"`{line}`: the Makefile has no such target"
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in link and not (page.parent / link).exists():
            yield f"the link to {link} leads nowhere"


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    from leger_cli import app

    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    problems = [
        f"{page.relative_to(ROOT)}: {problem}"
        for page in PAGES
        if page != GENERATED
        for problem in wrong_in(page, app.command(), targets)
    ]
    fresh = subprocess.run(
        [sys.executable, str(ROOT / "docs/man/generate.py"), "--check"], check=False
    )
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems or fresh.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
