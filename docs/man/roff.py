"""Manual pages: one for leger and one for each noun, in the macros of man(7)."""

from collections.abc import Iterable, Iterator

import facts
import tree
from leger_cli.version import __version__


def pages(root: tree.Command) -> dict[str, str]:
    """Return the pages by file name, such as "leger-secrets.1"."""
    nouns = [noun for noun in root.children if noun.words != "version"]  # nothing more to say
    return {
        "leger.1": _page(root, _overview(root, nouns), see=[noun.path for noun in nouns]),
        **{
            f"{noun.path.replace(' ', '-')}.1": _page(noun, _commands(noun), see=[root.path])
            for noun in nouns
        },
    }


def _page(command: tree.Command, body: Iterable[str], *, see: list[str]) -> str:
    name = command.path.replace(" ", "-")
    lines = [
        f'.TH "{name.upper()}" "1" "" "leger {__version__}" "User Commands"',
        ".SH NAME",
        f"{name} \\- {_text(command.summary).rstrip('.')}",
        *body,
        ".SH SEE ALSO",
        ",\n".join(f".BR {_text(path.replace(' ', '-'))} (1)" for path in see),
    ]
    return "\n".join(lines) + "\n"


def _overview(root: tree.Command, nouns: list[tree.Command]) -> Iterator[str]:
    yield from _synopsis(root)
    yield ".SH DESCRIPTION"
    yield from _paragraphs((root.summary, *root.description))
    yield ".SH COMMANDS"
    for noun in root.children:
        page = noun.path.replace(" ", "-")
        where = f" See \\fB{_text(page)}\\fR(1)." if noun in nouns else ""
        yield from _term(noun.path, noun.summary, extra=where)
    yield ".SH OPTIONS"
    yield from _terms((*root.options, *tree.global_options()))
    yield ".SH OUTPUT"
    yield from _paragraphs(facts.OUTPUT)
    yield ".SH EXIT STATUS"
    yield from _terms((str(code), text) for code, text in facts.EXIT_CODES.items())
    yield ".SH ENVIRONMENT"
    yield from _terms(facts.ENVIRONMENT.items())
    yield ".SH FILES"
    yield from _terms(facts.FILES.items())


def _commands(noun: tree.Command) -> Iterator[str]:
    leaves = list(noun.leaves())
    yield from _synopsis(*leaves)
    yield ".SH DESCRIPTION"
    if noun.children:
        yield from _paragraphs((noun.summary, *noun.description))
    heading = None
    for leaf in leaves:
        if noun.children:
            if leaf.heading != heading:
                heading = leaf.heading
                yield f".SH {_text(heading or 'Commands').upper()}"
            yield f".SS {_text(leaf.usage)}"
        yield from _paragraphs((leaf.summary, *leaf.description))
        yield from _terms((*leaf.arguments, *leaf.options))
    yield ".SH GLOBAL OPTIONS"
    yield from _terms(tree.global_options())
    yield ".SH EXIT STATUS"
    yield "As in \\fBleger\\fR(1)."
    yield ".SH EXAMPLES"
    for leaf in leaves:
        if leaf.examples:
            yield from (".PP", ".EX", *map(_text, leaf.examples), ".EE")


def _synopsis(*commands: tree.Command) -> Iterator[str]:
    yield ".SH SYNOPSIS"
    for number, command in enumerate(commands):
        if number:
            yield ".br"
        yield f"\\fB{_text(command.path)}\\fR{_text(command.usage.removeprefix(command.path))}"


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (".PP", _text(" ".join(text.split())))


def _terms(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, text in pairs:
        yield from _term(term, text)


def _term(term: str, text: str, extra: str = "") -> Iterator[str]:
    yield from (".TP", f"\\fB{_text(term)}\\fR", f"{_text(text)}{extra}")


def _text(text: str) -> str:
    """Escape what groff_man_style(7) says is special in running text."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("~", "\\(ti")
    return f"\\&{text}" if text.startswith((".", "'")) else text
