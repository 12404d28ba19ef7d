"""Commands on the host, outside of any container."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """What a command on the host printed, and its exit status."""

    status: int
    output: str
    messages: str


class HostCommands(Protocol):
    """Runs short-lived commands on the host, outside of any container."""

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> CommandResult:
        """Run to the end. Status 127 where there is no such command."""
        ...

    def lines(self, command: Sequence[str]) -> AbstractContextManager[Iterator[str | None]]:
        """Run with its output as lines; None now and then while there is none.

        Leaving the context ends the command.
        """
        ...
