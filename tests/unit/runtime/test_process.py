"""A service as a process, from its start to its end."""

import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from leger_runtime import process
from leger_runtime.errors import Kind, LegerError, ServiceUnavailable


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Recorder:
    """A service whose start does what the test wants."""

    def __init__(self, start: Callable[[], None]) -> None:
        self.calls: list[str] = []
        self.status = "Serving."
        self._start = start

    def start(self) -> None:
        self.calls.append("start")
        self._start()

    def stop(self) -> None:
        self.calls.append("stop")


def run(service: Recorder) -> int:
    return process.run(lambda: service, name="example")


def fail(error: Exception) -> Callable[[], None]:
    def start() -> None:
        raise error

    return start


def unavailable() -> LegerError:
    return ServiceUnavailable("What.", why="Why.", next_step="Next.")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_start_ends_it_gracefully(number: signal.Signals) -> None:
    service = Recorder(lambda: signal.raise_signal(number))
    assert run(service) == 0
    assert service.calls == ["start", "stop"]


def test_a_signal_while_it_is_built_ends_it_gracefully() -> None:
    service = Recorder(lambda: None)

    def build() -> Recorder:
        signal.raise_signal(signal.SIGTERM)
        return service

    assert process.run(build, name="example") == 0
    assert service.calls == ["start", "stop"]


AT_EVERY_STEP = """
import os, signal, sys, threading
from leger_runtime import process

class Service:
    status = "Serving."

    def start(self):
        sys.settrace(trace)

    def stop(self):
        sys.settrace(None)

def trace(frame, event, _):
    global steps
    frame.f_trace_opcodes = True
    if event == "opcode":
        steps += 1
        if steps == until:
            signal.raise_signal(signal.SIGTERM)
    return trace

def send():
    global waits
    waits = True
    os.kill(os.getpid(), signal.SIGTERM)

until, waits = 0, False
while not waits:  # by then it was sent at each step before
    until, steps = until + 1, 0
    late = threading.Timer(0.5, send)
    late.start()
    assert process.run(Service, name="example") == 0
    late.cancel()
    late.join()
"""


def test_a_signal_at_whatever_step_the_wait_for_it_begins_ends_it_gracefully() -> None:
    subprocess.run([sys.executable, "-c", AT_EVERY_STEP], check=True, timeout=60)


def test_a_start_that_fails_is_stopped_and_told_in_three_parts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = Recorder(fail(unavailable()))
    assert run(service) == Kind.UNAVAILABLE.value
    assert service.calls == ["start", "stop"]
    assert caplog.messages == ["What.", "Why.", "Next."]
    assert {record.levelno for record in caplog.records} == {logging.CRITICAL}


def test_what_the_system_refuses_names_the_service_and_the_file(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = FileNotFoundError(2, "No such file or directory", "/run/leger")
    assert run(Recorder(fail(error))) == Kind.UNAVAILABLE.value
    assert caplog.messages[:2] == [
        "The example service cannot run.",
        "No such file or directory: /run/leger.",
    ]
