"""The rollout that is under way, on the disk."""

from typing import Protocol

from leger_deployer.domain.rollout_intent import RolloutIntent


class RolloutJournal(Protocol):
    """At most one intent. What is written is durable when the method returns."""

    def read(self) -> RolloutIntent | None:
        """Return what was begun and not ended."""
        ...

    def write(self, intent: RolloutIntent) -> None:
        """Note what is about to be done, in the place of what was noted."""
        ...

    def clear(self) -> None:
        """Note that it is done, or undone. Fine when nothing is noted."""
        ...
