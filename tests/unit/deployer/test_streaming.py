"""Long work is a stream of events that does not depend on its listener."""

import threading
from collections.abc import Iterator
from typing import cast

import pytest
from leger_deployer.domain.progress import Progress, Report, Step, StepState
from leger_deployer.streaming import events
from leger_runtime import principals
from leger_runtime.principals import Principal, Role

EVENT = Progress(step=Step.CHECK, state=StepState.DONE)


def test_events_come_first_and_the_result_last() -> None:
    def work(report: Report) -> str:
        report(EVENT)
        return "result"

    assert list(events(work)) == [EVENT, "result"]


def test_a_failure_is_raised_where_the_events_are_read() -> None:
    def work(report: Report) -> str:
        report(EVENT)
        raise ValueError("it fails")

    stream = events(work)
    assert next(stream) == EVENT
    with pytest.raises(ValueError, match="it fails"):
        next(stream)


def test_the_work_goes_on_when_nobody_listens_any_more() -> None:
    goes_on, ended = threading.Event(), threading.Event()

    def work(report: Report) -> str:
        report(EVENT)
        goes_on.wait(30)
        report(EVENT)
        ended.set()
        return "result"

    stream = cast("Iterator[object]", events(work))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    goes_on.set()
    assert ended.wait(30)


def test_the_work_knows_the_principal_of_its_call() -> None:
    principal = Principal(Role.OPERATOR, "alice")
    principals.enter(principal)
    assert list(events(lambda _: principals.current())) == [principal]
