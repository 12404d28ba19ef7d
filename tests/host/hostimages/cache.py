"""What was made once is kept, by the hash of what it was made from.

    <cache>/images/<kind>-<hash>      a finished file or directory
    <cache>/images/<kind>.lock        held while one of that kind is made
    <cache>/images/.<kind>-making     the unfinished one; what a killed run leaves is removed

`<cache>` is $LEGER_CACHE, or leger's directory in $XDG_CACHE_HOME or ~/.cache.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Appended, as in packages.py: `tests/host/images` runs without the project's environment.
sys.path.append(str(Path(__file__).resolve().parents[3] / "rpm"))

from build_cache import fingerprint

__all__ = ["directory", "fingerprint", "kept", "say"]


def directory() -> Path:
    """Return the directory everything is kept in; it need not exist."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("LEGER_CACHE") or base / "leger").absolute() / "images"


def kept(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the path of `kind` for `key`; `make` writes it first when it is not there.

    `make` is given the path of a draft, which becomes the real one by a rename. Callers at the
    same time wait for one of them. An exception of `make` is passed on, and nothing is kept.
    """
    path = directory() / f"{kind}-{key}"
    if path.exists():
        return path
    directory().mkdir(parents=True, exist_ok=True)
    with (directory() / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return path
        draft = directory() / f".{kind}-making"
        _remove(draft)
        began = time.monotonic()
        try:
            make(draft)
            draft.rename(path)
        finally:
            _remove(draft)
    say(f"{kind} is ready, after {time.monotonic() - began:.0f} s")
    return path


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def say(text: str) -> None:
    """Tell the person who waits what is going on."""
    sys.stderr.write(f"images: {text}\n")
    sys.stderr.flush()
