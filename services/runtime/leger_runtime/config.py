"""Reading a service's configuration from its environment, once, into a frozen dataclass."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from leger_runtime.errors import Kind, LegerError

PREFIX = "LEGER_"

Config = TypeVar("Config")

_MAX_SOCKET_PATH = 107  # bytes: unix(7), sun_path


class ConfigInvalid(LegerError):
    """A variable of the environment that the service does not understand."""

    kind, reason = Kind.USAGE, "CONFIG_INVALID"


def read(kind: type[Config], environment: Mapping[str, str], *, service: str) -> Config:
    """Return a `kind`, a dataclass, with what the environment sets and its defaults elsewhere.

    The field `state_dir` is the variable LEGER_STATE_DIR. A field is an Enum, by its values; a
    Path, absolute; or a str, printable and not empty. `service` names the reader in errors, such
    as "the secrets service". Raises ConfigInvalid for a LEGER_ variable that is no field, and for
    a value that its field cannot have.
    """
    fields = {PREFIX + name.upper(): (name, of) for name, of in get_type_hints(kind).items()}
    given: dict[str, object] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX):
            continue
        if variable not in fields:
            raise _unknown(variable, fields, service)
        name, of = fields[variable]
        given[name] = _value(variable, text, of)
    return kind(**given)


def check_sockets(directory: Path, *, longest: str) -> None:
    """Raise ConfigInvalid unless a socket named `longest` can be bound in LEGER_RUNTIME_DIR."""
    length = len(bytes(directory / longest))
    if length > _MAX_SOCKET_PATH:
        raise ConfigInvalid(
            f"The directory {directory} cannot hold sockets.",
            why=f"A socket in it would have a path of {length} bytes; {_MAX_SOCKET_PATH} is the"
            " most that Linux takes.",
            next_step=f"Set {PREFIX}RUNTIME_DIR to a directory with a shorter path.",
        )


def _unknown(variable: str, fields: Mapping[str, Any], service: str) -> ConfigInvalid:
    import difflib  # only a mistake needs it

    nearest = difflib.get_close_matches(variable, fields, n=1, cutoff=0)[0]
    return ConfigInvalid(
        f"The variable {variable} is not known.",
        why=f"{service[0].upper()}{service[1:]} reads no such variable.",
        next_step=f"Perhaps {nearest} is meant; else remove it.",
    )


def _value(variable: str, text: str, of: type) -> object:
    if issubclass(of, Enum):
        values = [str(member.value) for member in of]
        if text not in values:
            raise _invalid(variable, f"It is one of {', '.join(values)}.")
        return of(text)
    if issubclass(of, Path):
        # A colon would end the path where it is one of several, as QUADLET_UNIT_DIRS= takes them.
        if not Path(text).is_absolute() or ":" in text or not text.isprintable():
            raise _invalid(variable, "It takes an absolute path without a colon.")
        return Path(text)
    if not text or not text.isprintable():
        raise _invalid(variable, "It is not empty, and consists of printable characters.")
    return text


def _invalid(variable: str, why: str) -> ConfigInvalid:
    return ConfigInvalid(
        f"The variable {variable} has a value it cannot have.",
        why=why,
        next_step=f"Correct {variable}, or remove it.",
    )
