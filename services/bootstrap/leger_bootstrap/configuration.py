"""The operator's leger.toml: what it may say, and where it says what it may not."""

import difflib
import ipaddress
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from leger_runtime.errors import Kind, LegerError, reason_of

from leger_bootstrap import toml_text
from leger_bootstrap.scope import Scope

NAME = "leger.toml"
_MAX_SIZE = 1024 * 1024  # bytes: a person writes this file
# What the container of the secrets service has there already; a mount over it would hide that.
_TAKEN = ("/usr", "/proc", "/sys", "/dev", "/run/leger", "/run/secrets")
# What TOML lets stand without quotes.
_BARE = re.compile(r"[A-Za-z0-9_-]+")
# Each ends a path, or means something else, in a unit file or a Quadlet.
_UNUSABLE = re.compile(r"[\s:%$;\"'\\]")


class ConfigurationInvalid(LegerError):
    """leger.toml says what leger does not understand."""

    kind, reason = Kind.INVALID, "CONFIGURATION_INVALID"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} has a mistake: what it said before stays in force.",
            why=why,
            next_step="Correct it, then run `legerd bootstrap`.",
        )


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What an operator has decided; None where that is left to leger.

    `backup_directory` is absolute and normalised. `listen` is an address of this machine alone with
    a port, as ListenStream= takes it; False when there is to be no HTTP API.
    """

    backup_directory: Path | None = None
    listen: str | Literal[False] | None = None


class _Option(NamedTuple):
    field: str
    read: Callable[[object], object]  # raises ValueError with a sentence that says what is wrong


def path(scope: Scope) -> Path:
    """Return where the scope's leger.toml is, or would be."""
    return scope.config / NAME


def read(scope: Scope) -> Configuration:
    """Return what the scope's leger.toml says; nothing when there is none.

    Raises ConfigurationInvalid for a file that cannot be read or is open to everybody's changes,
    a key that is not known, and a value that its key cannot have.
    """
    where = path(scope)
    try:
        return _said(_content(where))
    except FileNotFoundError:
        return Configuration()
    except OSError as error:
        raise ConfigurationInvalid(where, f"It cannot be read: {reason_of(error)}.") from None
    except ValueError as error:
        raise ConfigurationInvalid(where, f"{str(error).rstrip('.')}.") from None
    except RecursionError:
        raise ConfigurationInvalid(where, "It is nested too deeply.") from None


def _content(where: Path) -> bytes:
    # Without waiting for a writer, should it be a pipe.
    descriptor = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError("It is no ordinary file.")
        if mode & stat.S_IWOTH:
            raise ValueError("Everybody on the host can write to it.")
        content = file.read(_MAX_SIZE + 1)
    if len(content) > _MAX_SIZE:
        raise ValueError(f"It is larger than {_MAX_SIZE} bytes.")
    return content


def _said(content: bytes) -> Configuration:
    given: dict[str, object] = {}
    for key, value in _leaves(toml_text.loads(content), ""):
        try:
            if key in _TABLES:
                raise ValueError(f"`{key}` is a table: write [{key}].")
            if key not in OPTIONS:
                known = [*OPTIONS, *_TABLES]
                nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
                raise ValueError(f"`{key}` is not known; perhaps `{nearest}` is meant.")
            option = OPTIONS[key]
            given[option.field] = option.read(value)
        except ValueError as error:
            line = _line(content.decode("utf-8-sig"), key)
            raise ValueError(f"Line {line}: {error}") from None
    return Configuration(**given)  # type: ignore[arg-type]  # each option reads its field's type


def _leaves(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    """Yield what stands in the tables that are known, by its whole key."""
    for key, value in table.items():
        whole = f"{prefix}{key if _BARE.fullmatch(key) else json.dumps(key)}"
        if isinstance(value, dict) and whole in _TABLES:
            yield from _leaves(value, f"{whole}.")
        else:
            yield whole, value


def _line(text: str, key: str) -> int:
    """Return the line that names a key, or else the nearest of the tables that it is in."""
    nearest, line, table = -1, 1, ""
    for number, written in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*(?P<heading>\[*)(?P<name>[^=\]#]+?)\s*[=\]]", written)
        if not found:
            continue
        name = re.sub(r"[\"'\s]", "", found["name"])
        if found["heading"]:
            whole = table = name
        else:
            whole = f"{table}.{name}" if table else name
        # A heading may also be of a table below one that is not known.
        is_around = f"{key}.".startswith(f"{whole}.") or f"{whole}.".startswith(f"{key}.")
        if is_around and min(len(whole), len(key)) > nearest:
            nearest, line = min(len(whole), len(key)), number
    return line


def _directory(value: object) -> Path:
    what = "`secrets.backup_directory` takes"
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(f'{what} an absolute path, such as "/mnt/backups".')
    if _UNUSABLE.search(value) or not value.isprintable() or ".." in Path(value).parts:
        raise ValueError(f"{what} a path without blanks, .., and any of : % $ ; \" ' \\")
    # Not by normpath(3) alone, which keeps two slashes at the start.
    found = Path("/", *Path(value).parts[1:])
    for taken in map(Path, _TAKEN):
        if found.is_relative_to(taken) or taken.is_relative_to(found):
            raise ValueError(f"{what} no such path: the service has {taken} of its own.")
    return found


def _address(value: object) -> str | Literal[False]:
    what = "`secrets.http.listen` takes"
    if value is False:
        return False
    written = re.fullmatch(r"(\[(?P<six>[^]]+)\]|(?P<four>[^:]+)):(?P<port>\d{1,5})", str(value))
    try:
        if not isinstance(value, str) or not written or not 0 < int(written["port"]) < 1 << 16:
            raise ValueError
        address = ipaddress.ip_address(written["six"] or written["four"])
        if (address.version == 6) != bool(written["six"]):
            raise ValueError
    except ValueError:
        raise ValueError(
            f'{what} an address with a port, such as "127.0.0.1:8080", or false.'
        ) from None
    if not address.is_loopback:
        raise ValueError(
            f"{what} an address of this machine alone, such as 127.0.0.1: on any other, tokens and"
            " secrets would cross the network in the clear."
        )
    return value


# Each option by its whole key.
OPTIONS: Mapping[str, _Option] = {
    "secrets.backup_directory": _Option("backup_directory", _directory),
    "secrets.http.listen": _Option("listen", _address),
}
_TABLES = ("secrets", "secrets.http")
