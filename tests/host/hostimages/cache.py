"""Images that were made once are kept, as the build keeps what it made: see rpm/build_cache.py."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

# Appended, as in packages.py: `tests/host/images` runs without the project's environment.
sys.path.append(str(Path(__file__).resolve().parents[3] / "rpm"))

import build_cache
from build_cache import fingerprint

__all__ = ["fingerprint", "kept", "say"]


def kept(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the path of `kind` for `key`, made first when it is not there: `build_cache.kept`.

    The person who waits is told how long it took.
    """

    def timed(draft: Path) -> None:
        began = time.monotonic()
        make(draft)
        say(f"{kind} is ready, after {time.monotonic() - began:.0f} s")

    return build_cache.kept(kind, key, timed, part="images")


def say(text: str) -> None:
    """Tell the person who waits what is going on."""
    sys.stderr.write(f"images: {text}\n")
    sys.stderr.flush()
