"""The stacks on the disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from leger_deployer.domain.intent import Intent
from leger_deployer.domain.stack import Generation


class Upload(Protocol):
    """A directory that is being written, aside, where nothing reads it yet."""

    directory: Path

    def write(self, path: str, content: bytes, *, mode: int) -> None:
        """Create a file, or append to it. `path` is relative and safe."""
        ...


class StackFiles(Protocol):
    """The stacks on the disk: what is staged, generations, and which of them is active.

    All that is written is durable when the method returns, except for what is staged.
    """

    def new_upload(self, staged_id: str) -> Upload:
        """Make an empty directory for a staged stack."""
        ...

    def drop_staged(self, staged_id: str) -> None:
        """Remove a staged stack, if it is there."""
        ...

    def drop_all_staged(self) -> None:
        """Remove what an earlier process left."""
        ...

    def write_drop_ins(self, directory: Path, drop_ins: Mapping[str, str]) -> None:
        """Replace leger's drop-ins in a staged directory by these: relative path -> text.

        Raises StagedNotFound when another upload has taken its place.
        """
        ...

    def store_generation(self, generation: Generation, directory: Path) -> None:
        """Keep a copy of a staged directory, and what is known of it, as a generation.

        Raises StagedNotFound when another upload has taken its place.
        """
        ...

    def switch(self, stack: str, number: int) -> None:
        """Make a generation the active one, by one rename, and show it to Quadlet."""
        ...

    def withdraw(self, stack: str) -> None:
        """Hide the stack from Quadlet, so that it is no longer installed. Fine when it is not."""
        ...

    def drop_generations(self, stack: str) -> None:
        """Remove all generations of a stack that is not installed."""
        ...

    def active(self, stack: str) -> Generation | None:
        """Return the active generation of a stack; None when it is not installed."""
        ...

    def stacks(self) -> Sequence[str]:
        """Return the names of the installed stacks, sorted."""
        ...

    def next_number(self, stack: str) -> int:
        """Return the number that the stack's next generation has."""
        ...

    def record_intent(self, intent: Intent) -> None:
        """Note what is about to be done, before it is done."""
        ...

    def clear_intent(self, stack: str) -> None:
        """Note that it is done, or undone: from here on the host is as it should be."""
        ...

    def intents(self) -> Sequence[Intent]:
        """Return what was begun and not ended."""
        ...
