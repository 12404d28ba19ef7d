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
