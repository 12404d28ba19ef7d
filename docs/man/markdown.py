"""The reference of the command line, in Markdown."""

import inspect
import re
from collections.abc import Iterable, Iterator

import facts
import tree
from leger_cli import shapes

_FIELD = re.compile(r"    (\w+): (.+?)(?:  # (.*))?")


def reference(root: tree.Command) -> str:
    """Return the whole page."""
    return "\n".join(_page(root)) + "\n"


def _page(root: tree.Command) -> Iterator[str]:
    yield "# The command line"
    yield ""
    yield "<!-- Generated from the commands themselves by docs/man/generate.py; do not edit. -->"
    yield ""
    yield from _paragraphs((root.summary, *root.description))
    yield from _list((*root.options, *tree.global_options()))
    yield "The last ones are taken by every command, before or after it."
    yield ""
    yield "## Output"
    yield ""
    yield from _paragraphs(facts.OUTPUT)
    yield "## Exit codes"
    yield ""
    yield from _table(("code", "meaning"), ((str(c), text) for c, text in facts.EXIT_CODES.items()))
    for noun in root.children:
        yield f"## {noun.path}"
        yield ""
        if noun.children:
            yield from _paragraphs((noun.summary, *noun.description))
        heading = ""
        for leaf in noun.leaves():
            if leaf.heading != heading:
                heading = leaf.heading
                yield f"### {heading}"
                yield ""
            level = 4 if heading else 3
            yield from _command(leaf, title=f"{'#' * level} {leaf.path}" if noun.children else "")
    yield "## JSON"
    yield ""
    yield from _paragraphs(inspect.cleandoc(shapes.__doc__ or "").split("\n\n")[1:])
    for shape in _shapes():
        yield from _shape(shape)


def _command(command: tree.Command, *, title: str) -> Iterator[str]:
    if title:
        yield title
        yield ""
    yield from ("```", command.usage, "```", "")
    yield from _paragraphs((command.summary, *command.description))
    yield from _list((*command.arguments, *command.options))
    if command.examples:
        yield from ("```sh", *command.examples, "```", "")
    if shape := shapes.RESULTS[command.words]:
        yield f"With `--json`: [{shape.__name__}](#{shape.__name__.lower()})."
        yield ""


def _shapes() -> list[type]:
    topics = [shapes, *filter(inspect.ismodule, vars(shapes).values())]
    return [
        value
        for topic in topics
        for value in vars(topic).values()
        if hasattr(value, "__required_keys__")
    ]


def _shape(shape: type) -> Iterator[str]:
    yield f"### {shape.__name__}"
    yield ""
    yield from _paragraphs((inspect.cleandoc(shape.__doc__ or ""),))
    fields = (_FIELD.fullmatch(line) for line in inspect.getsource(shape).splitlines())
    yield from _table(
        ("field", "type", "meaning"),
        ((f"`{found[1]}`", _type(found[2]), found[3] or "") for found in fields if found),
    )


def _type(annotation: str) -> str:
    if inner := re.fullmatch(r"NotRequired\[(.+)\]", annotation):
        return f"{_type(inner[1])}, not always there"
    if inner := re.fullmatch(r"list\[(.+)\]", annotation):
        return f"list of {_type(inner[1])}"
    if annotation == "dict[str, str]":
        return "object of strings"
    if annotation.endswith(" | None"):
        return f"{_type(annotation.removesuffix(' | None'))} or null"
    names = {"str": "string", "int": "number", "bool": "boolean"}
    return names.get(annotation, f"[{annotation}](#{annotation.lower()})")


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield " ".join(text.split())
        yield ""


def _list(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    written = [f"- `{term}`: {' '.join(text.split())}" for term, text in pairs]
    yield from written
    if written:
        yield ""


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |".replace("|  |", "| |")
    yield ""
