"""Who is calling.

grpcio tells nothing about the peer of a Unix socket, so every principal has a socket of its own in
a directory that only its user may enter: the socket *is* the identity. An interceptor on that
socket's server notes the principal for the length of a call.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What a principal is, as the policy tables name it."""

    OPERATOR = "operator"
    DEPLOYER = "svc:deployer"


@dataclass(frozen=True)
class Principal:
    """A caller: its role, and for an operator the account's name."""

    role: Role
    account: str = ""

    def __str__(self) -> str:
        return f"{self.role.value}:{self.account}" if self.account else self.role.value


_current: ContextVar[Principal] = ContextVar("principal")


def current() -> Principal:
    """Return the principal of the call being served.

    Raises LookupError outside of a call: code that needs a principal has no business there.
    """
    return _current.get()


def enter(principal: Principal) -> None:
    """Note the principal for the rest of this call; for the interceptor and tests."""
    _current.set(principal)
