"""systemd, of the system or of a user: jobs on units, and how units are."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol


class UnitAction(Enum):
    """What a job does with a unit."""

    START = "Start"
    STOP = "Stop"
    RESTART = "Restart"


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How a job ended; `result` as org.freedesktop.systemd1(5) names it, "done" when it worked.

    A job that could not even be queued has the result "refused", and `detail` says why.
    """

    unit: str
    result: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class UnitState:
    """A unit as its manager sees it; the words are those of org.freedesktop.systemd1(5).

    `exit_code` is how the process that decided ended (CLD_EXITED and so on; 0 when none has), and
    `exit_status` its status or signal; `failed_command` names it when it was one that runs before
    the main process. `since` is when the unit entered this state.
    """

    unit: str
    load: str = "not-found"
    active: str = "inactive"
    sub: str = "dead"
    result: str = "success"
    exit_code: int = 0
    exit_status: int = 0
    failed_command: str = ""
    restarts: int = 0
    since: datetime | None = None
    source: str = ""

    @property
    def exists(self) -> bool:
        """Whether the manager has anything by that name."""
        return self.load != "not-found"

    @property
    def is_running(self) -> bool:
        """Whether something of it runs, is on its way up or down, or will be tried again."""
        return self.active not in ("inactive", "failed")

    @property
    def is_changing(self) -> bool:
        """Whether it is on its way up or down."""
        return self.active in ("activating", "deactivating")

    @property
    def awaits_restart(self) -> bool:
        """Whether it failed, and its manager restarts it by itself in a while."""
        return self.active == "activating" and self.sub.startswith("auto-restart")


class UnitManager(Protocol):
    """systemd, of the system or of a user."""

    def reload(self) -> None:
        """Let it run its generators and read all units again; one caller at a time."""
        ...

    def jobs(self, action: UnitAction, units: Sequence[str]) -> Iterator[JobResult | None]:
        """Queue a job for each unit, in order, and yield each as it ends.

        Yields None every half second in which nothing ended, so that the caller can look after
        other things. A caller that stops iterating leaves the jobs to themselves.
        """
        ...

    def states(self, units: Iterable[str]) -> Mapping[str, UnitState]:
        """Return the states of the units; those that are not there have `load` "not-found"."""
        ...

    def instances(self, templates: Iterable[str]) -> Sequence[str]:
        """Return the loaded instances of templates such as "job@.service", sorted."""
        ...

    def dependents(self, units: Collection[str]) -> frozenset[str]:
        """Return the units that systemd stops, and restarts, together with any of these."""
        ...

    def reset_failed(self, units: Iterable[str]) -> None:
        """Forget failures of the units, so that they can be unloaded. Unknown ones are fine."""
        ...
