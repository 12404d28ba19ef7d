"""The configuration of the secrets service, read once from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from leger_runtime.errors import Kind, LegerError

_MAX_SOCKET_PATH = 107  # bytes: unix(7), sun_path
_LONGEST_SOCKET = "deployer/grpc.sock"


class ConfigInvalid(LegerError):
    """A variable of the environment that the service does not understand."""

    kind, reason = Kind.USAGE, "CONFIG_INVALID"


class Scope(Enum):
    """Whose units are served: the system's, or those of one user."""

    SYSTEM = "system"
    USER = "user"


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that can be set; each field is the variable LEGER_<FIELD>."""

    scope: Scope = Scope.SYSTEM
    # The operator's account name, as the audit log and `created_by` show it.
    account: str = "root"
    # Sockets: operator/grpc.sock, deployer/grpc.sock, credentials.sock.
    runtime_dir: Path = Path("/run/leger/secrets")
    # The store and the audit log.
    state_dir: Path = Path("/var/lib/legerd")
    key_file: Path = Path("/run/secrets/store-key")
    journal_socket: Path = Path("/run/systemd/journal/socket")


_PREFIX = "LEGER_"
_VARIABLES = {_PREFIX + field.upper(): field for field in Config.__dataclass_fields__}


def read(environment: Mapping[str, str]) -> Config:
    """Return the configuration that the environment sets, defaults elsewhere.

    Raises ConfigInvalid for a LEGER_ variable that is unknown or has a value it cannot have.
    """
    given: dict[str, Scope | Path | str] = {}
    for variable, text in environment.items():
        if not variable.startswith(_PREFIX):
            continue
        field = _VARIABLES.get(variable)
        if field is None:
            raise _unknown(variable)
        if field == "scope":
            given[field] = _scope(variable, text)
        elif field == "account":
            given[field] = _account(variable, text)
        else:
            given[field] = _path(variable, text)
    config = Config(**given)  # type: ignore[arg-type]  # each was made for its field above
    _check_socket_paths(config.runtime_dir)
    return config


def _unknown(variable: str) -> ConfigInvalid:
    import difflib  # only a mistake needs it

    nearest = difflib.get_close_matches(variable, _VARIABLES, n=1, cutoff=0)[0]
    return ConfigInvalid(
        f"The variable {variable} is not known.",
        why="The secrets service reads no such variable.",
        next_step=f"Perhaps {nearest} is meant; else remove it.",
    )


def _scope(variable: str, text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        raise ConfigInvalid(
            f"The variable {variable} has a value it cannot have.",
            why=f"A scope is one of {', '.join(scope.value for scope in Scope)}.",
            next_step=f"Correct {variable}, or remove it.",
        ) from None


def _account(variable: str, text: str) -> str:
    if not text or not text.isprintable():
        raise ConfigInvalid(
            f"The variable {variable} has a value it cannot have.",
            why="An account's name is not empty and consists of printable characters.",
            next_step=f"Correct {variable}, or remove it.",
        )
    return text


def _path(variable: str, text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ConfigInvalid(
            f"The variable {variable} has a value it cannot have.",
            why="It takes an absolute path.",
            next_step=f"Correct {variable}, or remove it.",
        )
    return path


def _check_socket_paths(runtime_dir: Path) -> None:
    length = len(bytes(runtime_dir / _LONGEST_SOCKET))
    if length > _MAX_SOCKET_PATH:
        raise ConfigInvalid(
            f"The directory {runtime_dir} cannot hold sockets.",
            why=f"A socket in it would have a path of {length} bytes; {_MAX_SOCKET_PATH} is the"
            " most that Linux takes.",
            next_step=f"Set {_PREFIX}RUNTIME_DIR to a directory with a shorter path.",
        )
