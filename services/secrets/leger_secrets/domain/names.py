"""The names that may enter the store: of secrets, stacks, units and credentials."""

import re
from collections.abc import Sequence

from leger_secrets.domain.errors import InvalidName

MAX_SECRET_NAME = 255
"""In bytes of UTF-8."""

RESERVED_PREFIX = "_internal/"
"""setec keeps names under this one for itself (db/db.go, configPrefix)."""

MAX_UNIT_AND_CREDENTIAL = 83
"""systemd asks from the abstract address "@RANDOM/unit/UNIT/CREDENTIAL", RANDOM being 16 digits,
and refuses to when that is longer than 107 characters (src/basic/socket-util.c,
sockaddr_un_set_path): a unit with a longer pair could never start."""

_STACK = re.compile(r"[a-z][a-z0-9-]{0,47}")
# systemd.unit(5), "valid unit names", for the unit types that take LoadCredential=.
_UNIT = re.compile(r"[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\@-]*)?\.(service|socket|mount|swap)")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_.-]{1,255}")


def check_secret(name: str, *, field: str = "name") -> None:
    """Raise InvalidName, naming `field`, unless `name` may be the name of a secret.

    It consists of 1 to 255 bytes of UTF-8, all printable, without white space at either end; the
    segments between slashes are neither empty nor "." nor ".."; `_internal/` is reserved.
    """
    problem = _problem_of_secret(name)
    if problem:
        raise InvalidName(f"{quoted(name)} cannot be the name of a secret.", problem, field=field)


def check_secrets(wanted: Sequence[str]) -> None:
    """Raise InvalidName, naming one of the fields `names`, unless all may be names of secrets."""
    for number, name in enumerate(wanted):
        check_secret(name, field=f"names[{number}]")


def check_pattern(pattern: str, *, field: str) -> None:
    """Raise InvalidName unless the pattern, whose `*` matches any characters, can be meant."""
    if not pattern or len(pattern.encode()) > MAX_SECRET_NAME or not pattern.isprintable():
        raise InvalidName(
            f"{quoted(pattern)} cannot be a pattern of names.",
            f"It takes 1 to {MAX_SECRET_NAME} bytes of printable characters.",
            field=field,
        )


def check_stack(name: str, *, field: str = "stack") -> None:
    """Raise InvalidName unless `name` may be the name of a stack."""
    if not _STACK.fullmatch(name):
        raise InvalidName(
            f"{quoted(name)} cannot be the name of a stack.",
            "It takes 1 to 48 lower-case letters, digits and hyphens, starting with a letter.",
            field=field,
        )


def check_unit(name: str, *, field: str = "unit") -> None:
    """Raise InvalidName unless `name` names a unit, or a template, that takes credentials."""
    if len(name) > 255 or not _UNIT.fullmatch(name):
        raise InvalidName(
            f"{quoted(name)} is not the name of a unit that takes credentials.",
            'It takes a full systemd unit name such as "web.service" or "web@.service".',
            field=field,
        )


def check_credential(name: str, *, field: str = "credential") -> None:
    """Raise InvalidName unless `name` may be the name of a credential."""
    if name in (".", "..") or not _CREDENTIAL.fullmatch(name):
        raise InvalidName(
            f"{quoted(name)} cannot be the name of a credential.",
            "It takes 1 to 255 of the letters, digits, `_`, `.` and `-` of ASCII.",
            field=field,
        )


def check_address(unit: str, credential: str, *, field: str = "credential") -> None:
    """Raise InvalidName when systemd could not ask for this credential of this unit."""
    length = len(unit) + len(credential)
    if length > MAX_UNIT_AND_CREDENTIAL:
        raise InvalidName(
            f"{quoted(credential)} is too long a credential name for {unit}.",
            f"Unit and credential have {length} characters together, and systemd can ask for"
            f" {MAX_UNIT_AND_CREDENTIAL} at most.",
            field=field,
        )


def template_of(unit: str) -> str | None:
    """Return "web@.service" for "web@x.service", and None for a unit that is no instance."""
    prefix, at, rest = unit.partition("@")
    instance, dot, suffix = rest.rpartition(".")
    if not at or not dot or not instance:
        return None
    return f"{prefix}@.{suffix}"


def quoted(name: str) -> str:
    """Return the name in quotation marks, safe to print: cut when long, control codes escaped."""
    shown = name if len(name) <= 80 else name[:79] + "…"
    return '"' + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown) + '"'


def _problem_of_secret(name: str) -> str:
    if not name:
        return "It is empty."
    if len(name.encode()) > MAX_SECRET_NAME:
        return f"It is longer than {MAX_SECRET_NAME} bytes."
    if not name.isprintable():
        return "It contains a character that cannot be printed."
    if name != name.strip():
        return "It begins or ends with white space."
    if name.startswith(RESERVED_PREFIX):
        return f"Names under {RESERVED_PREFIX} are reserved."
    if any(segment in ("", ".", "..") for segment in name.split("/")):
        return 'A part between slashes is empty, "." or "..".'
    return ""
