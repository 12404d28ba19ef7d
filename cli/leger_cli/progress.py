"""Showing long work while it runs: drawn at a terminal, as lines anywhere else.

Progress goes to standard error, so that standard output holds the result alone.
"""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from leger_runtime.errors import InternalError

from leger_cli import output
from leger_cli.output import Tone
from leger_cli.views import words

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from leger.deployer.v1.deployer_pb2 import Progress
    from rich.text import Text

Answer = TypeVar("Answer", bound="Message")

_LABELS = {
    "CHECK": "Ask the host's Quadlet generator",
    "CONFLICTS": "Look for conflicts on the host",
    "SECRETS": "Check with the secrets service",
    "PULL": "Get images",
    "SWITCH": "Put the new generation in place",
    "RELOAD": "Let systemd read the units",
    "START": "Start units",
    "HEALTH": "Wait until services are healthy",
    "STOP": "Stop units",
    "CLEAN": "Remove files",
    "ACTIVATE": "Make the version the active one",
    "RESTART": "Restart units with the new value",
    "ROLL_BACK": "Go back to the state before",
}
_STARTED, _DONE, _FAILED, _WAITING = "started", "done", "failed", "waiting"
_MARKS = {_DONE: ("✓", Tone.GOOD), _FAILED: ("✗", Tone.BAD)}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_A_SECOND = 10


def follow(answers: Iterable[Answer], *, quiet: bool, keep: bool = True) -> Answer:
    """Show the progress among `answers` and return the last one, which carries the result.

    `quiet` shows nothing; without `keep` a terminal shows nothing any more at the end.
    """
    display: Silence
    if quiet:
        display = Silence()
    elif output.can_draw(sys.stderr):
        display = Drawing(keep=keep)
    else:
        display = Lines()
    last = None
    try:
        with display:
            for answer in answers:
                event = cast("Any", answer)  # a streamed answer is a oneof with a progress in it
                if event.HasField("progress"):
                    display.note(event.progress)
                else:
                    last = answer
    except KeyboardInterrupt:
        if keep:
            output.remark(
                "No longer watching: the host carries the work to its end. "
                "`leger status` shows how the stacks are."
            )
        raise
    if last is None:
        raise InternalError(
            "The deployer ended the work without a result.",
            why="Its stream of events held none.",
            next_step="Run `leger status` to see how the stacks are.",
        )
    return last


class Silence:
    """Shows nothing; a context for the length of the work."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        pass

    def note(self, event: "Progress") -> None:
        """Take notice of one event."""


class Lines(Silence):
    """A line for a step, for a subject that is done, and now and then for one that is waited for.

    Each begins with the seconds since the beginning.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()

    def note(self, event: "Progress") -> None:
        """Write the event's line; that a whole step is done, the next step's line tells."""
        parts = [label(event), event.subject, event.detail]
        state = state_of(event)
        if state == _DONE and not event.subject:
            return
        if state != _WAITING and (state != _STARTED or event.subject):
            parts.append(state)
        elapsed = time.monotonic() - self._began
        output.remark(f"{elapsed:6.1f}s  {': '.join(part for part in parts if part)}")


@dataclass
class _Subject:
    state: str
    detail: str


@dataclass
class _Step:
    label: str
    began: float
    state: str = _STARTED
    ended: float = 0.0
    detail: str = ""
    count: str = ""
    subjects: dict[str, _Subject] = field(default_factory=dict)


class Drawing(Silence):
    """The steps so far, each with its state and time, and what the running ones are about."""

    def __init__(self, *, keep: bool) -> None:
        from rich.console import Console
        from rich.live import Live

        colours = output.has_colour(sys.stderr)
        self._steps: dict[int, _Step] = {}
        self._live = Live(
            console=Console(
                stderr=True,
                force_terminal=True,
                color_system="standard" if colours else None,
                highlight=False,
            ),
            get_renderable=lambda: self.draw(time.monotonic()),
            refresh_per_second=_FRAMES_A_SECOND,
            transient=not keep,
            redirect_stdout=False,  # nothing else is written meanwhile
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for step in self._steps.values():
                if step.state == _STARTED:
                    step.state, step.ended = _FAILED, time.monotonic()
        self._live.stop()

    def note(self, event: "Progress") -> None:
        """Put the event into the next drawing."""
        now = time.monotonic()
        step = self._steps.setdefault(event.step, _Step(label(event), began=now))
        if event.total:
            step.count = f"{event.current}/{event.total}"
        if event.subject:
            step.subjects[event.subject] = _Subject(state_of(event), event.detail)
        else:
            step.state, step.ended, step.detail = state_of(event), now, event.detail

    def draw(self, now: float) -> "Text":
        """Return the drawing at the time `now`."""
        from rich.text import Text

        drawing = Text(no_wrap=True, overflow="ellipsis")
        for step in self._steps.values():
            running = step.state == _STARTED
            seconds = (now if running else step.ended) - step.began
            self._line(drawing, "", step.state, now, step.label, f"{step.count} {step.detail}")
            drawing.append(f" {words.elapsed(seconds)}\n", Tone.FAINT.value)
            for name, subject in step.subjects.items():
                if running or subject.state == _FAILED:
                    self._line(drawing, "    ", subject.state, now, name, subject.detail)
                    drawing.append("\n")
        drawing.rstrip()
        return drawing

    @staticmethod
    def _line(drawing: "Text", indent: str, state: str, now: float, name: str, detail: str) -> None:
        spinner = _SPINNER[int(now * _FRAMES_A_SECOND) % len(_SPINNER)]
        mark, tone = _MARKS.get(state, (spinner, Tone.CAUTION))
        drawing.append(indent)
        drawing.append(mark, tone.value)
        drawing.append(f" {output.printable(name)}")
        if detail.strip():
            drawing.append(f" {output.printable(detail.strip())}", Tone.FAINT.value)


def label(event: "Progress") -> str:
    """Return what the event's step does, as a person says it."""
    from leger.deployer.v1.deployer_pb2 import Step

    name = Step.Name(event.step).removeprefix("STEP_")
    return _LABELS.get(name, name.lower())


def state_of(event: "Progress") -> str:
    """Return the word for how the event's subject stands."""
    from leger.deployer.v1.deployer_pb2 import StepState

    return StepState.Name(event.state).removeprefix("STEP_STATE_").lower()
