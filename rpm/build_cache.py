"""What was made once is kept, by the hash of what it was made from.

    <cache>/<part>/<kind>-<hash>      a finished file or directory
    <cache>/<part>/<kind>.lock        held while one of that kind is made, or some are removed
    <cache>/<part>/.<kind>-making     the unfinished one; what a killed run leaves is removed

`<cache>` is $LEGER_CACHE, or leger's directory in $XDG_CACHE_HOME or ~/.cache. The build's own part
is `package`; all of that may be removed at any time.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGE = "package"


def directory(part: str = _PACKAGE) -> Path:
    """Return the directory of a part of the cache; it need not exist."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("LEGER_CACHE") or base / "leger").absolute() / part


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


def kept(kind: str, key: str, make: Callable[[Path], None], *, part: str = _PACKAGE) -> Path:
    """Return the path of `kind` for `key`; `make` writes it first when it is not there.

    `make` is given the path of a draft, which becomes the real one by a rename. Callers at the
    same time wait for one of them. An exception of `make` is passed on, and nothing is kept.
    """
    place = directory(part)
    path = place / f"{kind}-{key}"
    if _taken(path):
        return path
    with _locked(place, kind):
        if _taken(path):
            return path
        draft = place / f".{kind}-making"
        _remove(draft)
        try:
            make(draft)
            draft.rename(path)
        finally:
            _remove(draft)
    return path


def forget(kind: str, *, but: int) -> None:
    """Remove what the build keeps of a kind, but for those that were made or asked for last."""
    place = directory()
    with _locked(place, kind):
        found = sorted(place.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime)
        for path in found[:-but]:
            # Whoever asks for it meanwhile finds all of it, or nothing.
            unwanted = path.rename(place / f".{kind}-unwanted")
            _remove(unwanted)


@contextmanager
def _locked(place: Path, kind: str) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    with (place / f"{kind}.lock").open("w") as lock:
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
