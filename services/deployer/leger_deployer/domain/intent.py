"""The journal of what is under way: written before the host is touched, cleared at the end.

A process that is killed in between leaves its intent behind. Whoever starts next takes the stack
away: that undoes an apply and finishes a removal, so that the host has the old state whole or the
new state whole.
"""

from dataclasses import dataclass
from enum import Enum

from leger_deployer.domain.stack import Generation


class Operation(Enum):
    """What is being done with a stack."""

    APPLY = "apply"
    REMOVE = "remove"


@dataclass(frozen=True, kw_only=True)
class Intent:
    """An operation on one stack; `doomed_volumes` are those that taking it away deletes.

    For an apply these are the volumes that it makes, for a removal those that the caller gave up.
    """

    operation: Operation
    generation: Generation
    doomed_volumes: tuple[str, ...] = ()
