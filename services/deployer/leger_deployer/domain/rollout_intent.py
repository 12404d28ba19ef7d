"""What is under way with a secret: written before it is done, cleared at the end.

A process that is killed in between leaves it behind; whoever starts next goes back. Clearing it is
what makes a rollout stay.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class RolloutIntent:
    """A version that is rolled out in the place of `previous`, the one that was active.

    `before_previous` is what a roll-back from `previous` went to, 0 for nothing; None in a record
    of a leger that did not keep it.
    `touched` are the units that may have been restarted since `begun`.
    """

    secret: str
    version: int
    previous: int
    before_previous: int | None = None
    begun: datetime
    touched: tuple[str, ...] = ()
