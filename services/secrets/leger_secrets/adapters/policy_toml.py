"""The language of the policy file: what it may say, and where it says what it may not."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

from leger_runtime.errors import LegerError

from leger_secrets.domain import names
from leger_secrets.domain.grants import Grant, Rule

_TABLE = "grants"
_KEYS = ("principals", "actions", "secrets")
# Whom a rule can name. Not units: what a unit gets is what its stack binds to it.
_KINDS = ("operator", "svc", "token")


class PolicyMistake(Exception):
    """What is wrong with a policy file, in one sentence, with the line where that is clear."""


def parse(content: bytes, *, source: str) -> tuple[Rule, ...]:
    """Return the rules that a policy file's content says. Raises PolicyMistake."""
    try:
        text = content.decode()
        written = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyMistake(f"It is no TOML: {str(error).rstrip('.')}.") from None
    except RecursionError:
        raise PolicyMistake("It is no TOML: it is nested too deeply.") from None
    for key in written:
        if key != _TABLE:
            raise _Place(0, 1, text.splitlines()).mistake(key, _unknown(key, [_TABLE]))
    tables = written.get(_TABLE, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise PolicyMistake(f"Each rule stands below a heading of its own, [[{_TABLE}]].")
    return tuple(
        Rule(source=source, number=place.number, **_said(table, place))
        for table, place in zip(tables, _places(text, len(tables)), strict=True)
    )


class _Place(NamedTuple):
    """The lines of one rule; none when it is not clear which they are."""

    number: int
    first: int
    lines: Sequence[str]

    def mistake(self, key: str, what: str) -> PolicyMistake:
        """Return the mistake with the line of the key, else of the heading, else the rule."""
        written = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]|\s*\[+\s*{re.escape(key)}\b")
        lines = (i for i, line in enumerate(self.lines, self.first) if written.match(line))
        if self.lines:
            return PolicyMistake(f"Line {next(lines, self.first)}: {what}")
        return PolicyMistake(f"Rule {self.number}: {what}")


class _Said(TypedDict):
    principals: tuple[str, ...]
    grant: Grant


def _said(table: Mapping[str, object], place: _Place) -> _Said:
    for key in table:
        if key not in _KEYS:
            raise place.mistake(key, _unknown(key, _KEYS))
    principals, actions, secrets = (_texts(table, key, place) for key in _KEYS)
    for principal in principals:
        if problem := _problem_of_principal(principal):
            raise place.mistake("principals", problem)
    try:
        grant = Grant.of(actions, secrets)
    except LegerError as error:
        key = error.violations[0].field.rpartition(".")[2]
        raise place.mistake(key, error.why) from None
    return {"principals": tuple(principals), "grant": grant}


def _texts(table: Mapping[str, object], key: str, place: _Place) -> list[str]:
    found = table.get(key)
    if isinstance(found, list) and found and all(isinstance(text, str) for text in found):
        return found
    raise place.mistake(key, f'`{key}` is needed, a list of texts such as ["…", "…"].')


def _problem_of_principal(principal: str) -> str:
    kind, _, name = principal.partition(":")
    if principal == "*" or (kind in _KINDS and name and principal.isprintable()):
        return ""
    shown = names.quoted(principal)
    if kind == "unit":
        return f"{shown} cannot be granted anything: a unit gets what its stack names."
    return f'{shown} is no principal; one is written like "token:ci", or "token:*" for all.'


def _unknown(key: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
    return f"`{key}` is not known; perhaps `{nearest}` is meant."


def _places(text: str, count: int) -> list[_Place]:
    lines = text.splitlines()
    heading = re.compile(rf"\s*\[\[\s*{_TABLE}\s*\]\]")
    starts = [i for i, line in enumerate(lines) if heading.match(line)]
    if len(starts) != count:  # written inline, or quoted in a text of several lines
        return [_Place(number, 0, ()) for number in range(1, count + 1)]
    ends = [*starts, len(lines)][1:]
    return [
        _Place(number, start + 1, lines[start:end])
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
    ]
