"""What the build made once is kept, by the hash of what it was made from.

    <cache>/package/<kind>-<hash>      a finished file or directory
    <cache>/package/<kind>.lock        held while one of that kind is made, or some are removed
    <cache>/package/.<kind>-making     the unfinished one; what a killed run leaves is removed

`<cache>` is $LEGER_CACHE, or leger's directory in $XDG_CACHE_HOME or ~/.cache. All of it may be
removed at any time.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def directory() -> Path:
    """Return the directory that everything is kept in; it need not exist."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("LEGER_CACHE") or base / "leger").absolute() / "package"


def fingerprint(parts: Iterable[str | bytes]) -> str:
    """Return 12 hex digits that change with any part, or with where one ends."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(content) + content)
    return digest.hexdigest()[:12]


def of_files(paths: Iterable[Path], *, below: Path) -> str:
    """Return the fingerprint of files, by their path below a directory, mode and content."""
    parts: list[str | bytes] = []
    for path in sorted(paths):
        parts += [f"{path.relative_to(below)} {path.stat().st_mode:o}", path.read_bytes()]
    return fingerprint(parts)


def kept(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the path of `kind` for `key`; `make` writes it first when it is not there.

    `make` is given the path of a draft, which becomes the real one by a rename. Callers at the
    same time wait for one of them. An exception of `make` is passed on, and nothing is kept.
    """
    path = directory() / f"{kind}-{key}"
    if _taken(path):
        return path
    with _locked(kind):
        if _taken(path):
            return path
        draft = directory() / f".{kind}-making"
        _remove(draft)
        try:
            make(draft)
            draft.rename(path)
        finally:
            _remove(draft)
    return path


def forget(kind: str, *, but: int) -> None:
    """Remove what is kept of a kind, but for those that were made or asked for last."""
    with _locked(kind):
        found = sorted(directory().glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime)
        for path in found[:-but]:
            # Whoever asks for it meanwhile finds all of it, or nothing.
            unwanted = path.rename(directory() / f".{kind}-unwanted")
            _remove(unwanted)


@contextmanager
def _locked(kind: str) -> Iterator[None]:
    directory().mkdir(parents=True, exist_ok=True)
    with (directory() / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _taken(path: Path) -> bool:
    """Tell whether it is there, and have its time say that it was asked for."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
