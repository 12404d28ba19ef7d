"""Waiting for what another thread or process brings about."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], object], *, within: float = 30.0) -> None:
    """Wait until it holds; fail after so many seconds."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"not within {within:g} s"
        time.sleep(0.005)
