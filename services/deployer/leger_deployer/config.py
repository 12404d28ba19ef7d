"""The configuration of the deployer service, read once from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leger_runtime.errors import Kind, LegerError

from leger_deployer.domain.scope import Scope

_MAX_SOCKET_PATH = 107  # bytes: unix(7), sun_path
_LONGEST_SOCKET = "operator/grpc.sock"


class ConfigInvalid(LegerError):
    """A variable of the environment that the service does not understand."""

    kind, reason = Kind.USAGE, "CONFIG_INVALID"


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that can be set; each field is the variable LEGER_<FIELD>."""

    scope: Scope = Scope.SYSTEM
    # The operator's account name.
    account: str = "root"
    # The socket: operator/grpc.sock.
    runtime_dir: Path = Path("/run/leger/deployer")
    # The deployer's own way into the secrets service.
    secrets_socket: Path = Path("/run/leger/secrets-client/grpc.sock")
    podman_socket: Path = Path("/run/leger/podman/podman.sock")
    # The D-Bus socket of the scope's manager: the system's bus, or the user's.
    bus: Path = Path("/run/leger/bus")
    # These three are the same paths on the host.
    data_dir: Path = Path("/var/lib/leger")
    quadlet_dir: Path = Path("/etc/containers/systemd")
    host_runtime_dir: Path = Path("/run")


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
    _check_socket_path(config.runtime_dir)
    return config


def _unknown(variable: str) -> ConfigInvalid:
    import difflib  # only a mistake needs it

    nearest = difflib.get_close_matches(variable, _VARIABLES, n=1, cutoff=0)[0]
    return ConfigInvalid(
        f"The variable {variable} is not known.",
        why="The deployer service reads no such variable.",
        next_step=f"Perhaps {nearest} is meant; else remove it.",
    )


def _scope(variable: str, text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        names = ", ".join(scope.value for scope in Scope)
        raise _invalid(variable, f"A scope is one of {names}.") from None


def _account(variable: str, text: str) -> str:
    if not text or not text.isprintable():
        raise _invalid(variable, "An account's name is printable, and not empty.")
    return text


def _path(variable: str, text: str) -> Path:
    path = Path(text)
    # A colon would end the path where it is one of several, as QUADLET_UNIT_DIRS= takes them.
    if not path.is_absolute() or ":" in text or not text.isprintable():
        raise _invalid(variable, "It takes an absolute path without a colon.")
    return path


def _invalid(variable: str, why: str) -> ConfigInvalid:
    return ConfigInvalid(
        f"The variable {variable} has a value it cannot have.",
        why=why,
        next_step=f"Correct {variable}, or remove it.",
    )


def _check_socket_path(runtime_dir: Path) -> None:
    length = len(bytes(runtime_dir / _LONGEST_SOCKET))
    if length > _MAX_SOCKET_PATH:
        raise ConfigInvalid(
            f"The directory {runtime_dir} cannot hold sockets.",
            why=f"A socket in it would have a path of {length} bytes; {_MAX_SOCKET_PATH} is the"
            " most that Linux takes.",
            next_step=f"Set {_PREFIX}RUNTIME_DIR to a directory with a shorter path.",
        )
