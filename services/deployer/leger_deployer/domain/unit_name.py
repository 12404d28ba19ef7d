"""Names of systemd's units, by the rules of systemd.unit(5)."""

import re

_MAX_LENGTH = 255
_UNIT = re.compile(
    r"[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\@-]*)?"
    r"\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)",
    re.ASCII,
)


def is_valid(name: str) -> bool:
    """Whether systemd takes it for the name of a unit, or of a template."""
    return len(name) <= _MAX_LENGTH and _UNIT.fullmatch(name) is not None


def template_of(unit: str) -> str:
    """Return "job@.service" for "job@x.service", and the name itself for what is no instance."""
    prefix, at, rest = unit.partition("@")
    return f"{prefix}@.{rest.rpartition('.')[2]}" if at else unit


def expand(word: str, unit: str) -> str | None:
    """Return a word of a unit with its specifiers resolved; None where only systemd can.

    Known are those of systemd.unit(5) that the unit's name decides.
    """
    stem = unit.rpartition(".")[0]
    prefix, at, instance = stem.partition("@")
    if at and not instance:
        values = {"%": "%", "p": prefix}  # the others are each instance's own
    else:
        values = {"%": "%", "n": unit, "N": stem, "p": prefix, "i": instance}
    expanded = re.sub("%(.)", lambda found: values.get(found[1], "\0"), word, flags=re.DOTALL)
    return None if "\0" in expanded else expanded
