"""What holds for every test."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _broken_pipes_stay_errors() -> Iterator[None]:
    """Take back what `leger` does to its own process: its main lets a broken pipe end it."""
    yield
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
