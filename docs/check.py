"""Hold all that tells people what to do against the program: commands and links must exist."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer._click import Command
from typer.core import TyperGroup

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("examples/*/README.md"),
                *ROOT.glob("docs/**/*.md")})  # fmt: skip
# Leads to every page below docs/.
INDEX = ROOT / "README.md"


def shell_lines(page: Path) -> Iterator[str]:
    """Yield the command lines in the page's `sh` and `console` blocks, and leger's in its prose."""
    text = page.read_text("utf-8")
    for block in re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield line.strip().removeprefix("$ ")
    yield from re.findall(r"`((?:sudo )?leger [^`\n]+)`", prose(text))


def hinted_lines(source: Path) -> Iterator[str]:
    """Yield the command lines of leger that a module's texts name, with X for what is filled in."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        yield from re.findall(r"(?:`(?:sudo )?|→ )(leger [^`\n,]+)", text)


def prose(text: str) -> str:
    """Return a page's text without its blocks of code."""
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def wrong_in_command(words: list[str], root: TyperGroup) -> str | None:
    """Return what is wrong with the command line `leger …`, or None."""
    command: Command = root
    context = typer.Context(root, info_name="leger")
    for word in words[1:]:
        if word in ("|", "<", ">", "&&", ";", "#", "--"):
            break
        if word.startswith("-") and word != "-":
            default = getattr(command, "default", "")  # of a noun that does something alone
            if default and isinstance(command, TyperGroup):
                command = command.get_command(context, default) or command
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


def wrong_hints(commands: TyperGroup) -> Iterator[str]:
    """Yield a sentence for everything that the program tells to run and does not have."""
    for source in sorted([*ROOT.glob("cli/**/*.py"), *ROOT.glob("services/**/*.py")]):
        for line in hinted_lines(source):
            if problem := wrong_in_command(shlex.split(line), commands):
                yield f"{source.relative_to(ROOT)}: `{line}`: {problem}"


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
    for link, anchor in links(page):
        target = page.parent / link if link else page
        if not target.exists():
            yield f"the link to {link} leads nowhere"
        elif anchor and anchor not in anchors(target):
            yield f"{link} has no heading #{anchor}"


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the page's links within the repository: a path, or none for itself, and an anchor."""
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text("utf-8"))):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            yield path, anchor


def anchors(page: Path) -> set[str]:
    """Return what links to the page's headings may end with, as GitHub makes it of them."""
    headings = re.findall(r"^#+ (.*)$", prose(page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def unlisted() -> Iterator[Path]:
    """Yield the pages that the index does not lead to."""
    listed = {(INDEX.parent / link).resolve() for link, _ in links(INDEX)}
    yield from (page for page in PAGES if ROOT / "docs" in page.parents and page not in listed)


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    from leger_cli import app

    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = app.command()
    problems = [
        f"{page.relative_to(ROOT)}: {problem}"
        for page in PAGES
        for problem in wrong_in(page, commands, targets)
    ]
    problems += wrong_hints(commands)
    problems += [f"{INDEX.name}: no link leads to {page.relative_to(ROOT)}" for page in unlisted()]
    fresh = subprocess.run(
        [sys.executable, str(ROOT / "docs/man/generate.py"), "--check"], check=False
    )
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems or fresh.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
