"""What `Secret=` says: podman's syntax for handing a secret to a container.

The rules are those of `podman run --secret` (podman-run(1); pkg/specgenutil of podman).
"""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum

DEFAULT_MODE = 0o444

# systemd asks for a credential from the abstract address "@RANDOM/unit/UNIT/CREDENTIAL", RANDOM
# being 16 digits, which fits into a socket's 108 bytes (src/basic/socket-util.c,
# sockaddr_un_set_path) up to this length of unit and credential together.
MAX_UNIT_AND_CREDENTIAL = 83
_MAX_ID = 0xFFFF_FFFF


class SecretOptionsInvalid(ValueError):
    """Options that podman would refuse; the text says which and why."""


class SecretType(Enum):
    """How a container gets a secret: as a file, or as an environment variable."""

    MOUNT = "mount"
    ENV = "env"


@dataclass(frozen=True, kw_only=True)
class SecretOptions:
    """One secret for one container.

    `target` is the variable's name, or the absolute path in the container; it may hold specifiers
    of systemd. `mode`, `uid` and `gid` are the file's, and mean nothing for a variable.
    """

    secret: str
    type: SecretType
    target: str
    mode: int = DEFAULT_MODE
    uid: int = 0
    gid: int = 0


def parse(word: str) -> SecretOptions:
    """Return what one word of `Secret=` asks for. Raises SecretOptionsInvalid."""
    source, type_, target = "", "", ""
    mode, uid, gid, for_files = DEFAULT_MODE, 0, 0, ""
    first, *rest = word.split(",")
    if "=" not in first or not rest:
        source = first
    else:
        rest.insert(0, first)
    for option in rest:
        name, equals, value = option.partition("=")
        if not equals:
            raise SecretOptionsInvalid(f"“{option}” is not of the form option=value")
        match name:
            case "source":
                source = value
            case "type":
                if type_:
                    raise SecretOptionsInvalid("type= is given twice")
                type_ = value
            case "target":
                target = value
            case "mode":
                mode, for_files = _number(name, value, base=8, limit=0o7777), name
            case "uid" | "UID":
                uid, for_files = _number(name, value, base=10, limit=_MAX_ID), name
            case "gid" | "GID":
                gid, for_files = _number(name, value, base=10, limit=_MAX_ID), name
            case _:
                raise SecretOptionsInvalid(f"the option {name}= is not known")
    if not source:
        raise SecretOptionsInvalid("it names no secret")
    if type_ not in ("", "mount", "env"):
        raise SecretOptionsInvalid(f"the type {type_} is neither mount nor env")
    if type_ == "env":
        if for_files:
            raise SecretOptionsInvalid(f"{for_files}= has no meaning with type=env")
        return SecretOptions(secret=source, type=SecretType.ENV, target=target or source)
    return SecretOptions(
        secret=source,
        type=SecretType.MOUNT,
        target=_path(target or source),
        mode=mode,
        uid=uid,
        gid=gid,
    )


def _number(name: str, value: str, *, base: int, limit: int) -> int:
    digits = "[0-7]+" if base == 8 else "[0-9]+"
    if not re.fullmatch(digits, value, re.ASCII) or int(value, base) > limit:
        raise SecretOptionsInvalid(f"{name}={value} is not a number that {name}= takes")
    return int(value, base)


def _path(target: str) -> str:
    return target if target.startswith("/") else f"/run/secrets/{target}"


def credential_name(secret: str) -> str:
    """Return the name under which systemd keeps a secret for a unit.

    It is the secret's own name where systemd can take it (letters, digits, `_`, `.`, `-`), else a
    readable likeness with a digest of the name, so that two secrets never share one.
    """
    likeness = re.sub(r"[^A-Za-z0-9_.-]", "_", secret)
    # A file name: "." and ".." are none, and 255 bytes is the longest.
    if likeness == secret and secret.strip(".") and len(secret) <= 200:
        return secret
    digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
    return f"{likeness[:200]}-{digest}"
