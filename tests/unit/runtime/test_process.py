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
    """A service whose start and stop do what the test wants."""

    def __init__(self, start: Callable[[], None], stop: Callable[[], object] = bool) -> None:
        self.calls: list[str] = []
        self.status = "Serving."
        self._start = start
        self._stop: Callable[[], object] = stop

    def start(self) -> None:
        self.calls.append("start")
        self._start()

    def stop(self) -> None:
        self.calls.append("stop")
        self._stop()


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

def send_to_one_that_waits():
    seen, unchanged = 0, 0
    while unchanged < 20:
        if ended.wait(0.025):
            return
        seen, unchanged = steps, unchanged + 1 if steps == seen else 0
    waits.append(steps)
    os.kill(os.getpid(), signal.SIGTERM)

until, waits = 0, []
while not waits:
    until, steps, ended = until + 1, 0, threading.Event()
    sender = threading.Thread(target=send_to_one_that_waits)
    sender.start()
    assert process.run(Service, name="example") == 0
    ended.set()
    sender.join()
assert waits == [until - 1] != [0], (waits, until)  # it was sent at each step before
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


def test_what_the_system_refuses_at_the_end_is_told_as_the_end_s(
    caplog: pytest.LogCaptureFixture,
) -> None:
    full = OSError(28, "No space left on device", "/var/lib/leger/audit.log")
    service = Recorder(lambda: signal.raise_signal(signal.SIGTERM), fail(full))
    assert run(service) == Kind.UNAVAILABLE.value
    assert caplog.messages[:2] == [
        "The example service did not end as it should.",
        "No space left on device: /var/lib/leger/audit.log.",
    ]


def test_an_end_that_fails_does_not_hide_why_the_start_did(
    caplog: pytest.LogCaptureFixture,
) -> None:
    missing = FileNotFoundError(2, "No such file or directory", "/run/leger")
    assert run(Recorder(fail(unavailable()), fail(missing))) == Kind.UNAVAILABLE.value
    assert [message for message in caplog.messages if message.startswith(("What", "The "))] == [
        "What.",
        "The example service did not end as it should.",
    ]


def test_a_defect_of_the_start_leaves_it_as_it_is_once_the_service_is_stopped() -> None:
    service = Recorder(fail(LookupError()))
    with pytest.raises(LookupError):
        run(service)
    assert service.calls == ["start", "stop"]
