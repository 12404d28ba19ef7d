"""What happens during long work, as it happens."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto


class Step(Enum):
    """A phase of long work; the names are those of the contract."""

    CHECK = auto()
    CONFLICTS = auto()
    SECRETS = auto()
    PULL = auto()
    SWITCH = auto()
    RELOAD = auto()
    START = auto()
    HEALTH = auto()
    STOP = auto()
    CLEAN = auto()
    ROLL_BACK = auto()
    ACTIVATE = auto()
    RESTART = auto()


class StepState(Enum):
    """How a step, or one subject of it, stands."""

    STARTED = auto()
    DONE = auto()
    FAILED = auto()
    WAITING = auto()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One thing that happened; `current` of `total` subjects are done, 0 where unknown."""

    step: Step
    state: StepState
    subject: str = ""
    detail: str = ""
    current: int = 0
    total: int = 0


Report = Callable[[Progress], None]


def ignore(_progress: Progress) -> None:
    """Report to nobody."""


class Phase:
    """One step, as a context: reports its start, and its end as done or failed."""

    def __init__(self, report: Report, step: Step, *, total: int = 0) -> None:
        self._report = report
        self._step = step
        self._total = total
        self._current = 0

    def __enter__(self) -> "Phase":
        self._say(StepState.STARTED)
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._say(StepState.DONE if failure is None else StepState.FAILED)

    def expect(self, total: int) -> None:
        """Say how many subjects there are, where that shows only on the way."""
        self._total = total

    def started(self, subject: str, detail: str = "") -> None:
        """Report that work on one subject begins."""
        self._say(StepState.STARTED, subject, detail)

    def done(self, subject: str, detail: str = "") -> None:
        """Report one subject done, and count it."""
        self._current += 1
        self._say(StepState.DONE, subject, detail)

    def failed(self, subject: str, detail: str = "") -> None:
        """Report that one subject failed; the step may still go on."""
        self._say(StepState.FAILED, subject, detail)

    def waiting(self, subject: str, detail: str) -> None:
        """Report that one subject is waited for, and how that stands."""
        self._say(StepState.WAITING, subject, detail)

    def only_waits(self, event: Progress) -> None:
        """Report to this step, of the steps of work within it, what they wait for."""
        if event.state is StepState.WAITING:
            self.waiting(event.subject, event.detail)

    def _say(self, state: StepState, subject: str = "", detail: str = "") -> None:
        self._report(
            Progress(
                step=self._step,
                state=state,
                subject=subject,
                detail=detail,
                current=self._current,
                total=self._total,
            )
        )
