"""Copy files and directories into a running box and out of it, as `cp -a` would."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from . import enter, kernel
from .errors import BoxError, Code
from .layout import Box

_TAR: Final = ("tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--file=-")
_PACK: Final = (*_TAR, "--create", ".")
_UNPACK: Final = (*_TAR, "--extract", "--preserve-permissions", "--keep-directory-symlink")


class _Place:
    """One end of a copy: this machine, or a running box."""

    def __init__(self, box: Box | None) -> None:
        self.box = box
        self.pid = box.require_running() if box else 0

    @contextmanager
    def files(self) -> Iterator[None]:
        """Meanwhile this process's paths are looked up in this place."""
        if not self.pid:
            yield
            return
        here, cwd, root = (os.open(p, os.O_RDONLY) for p in ("/proc/self/ns/mnt", ".", "/"))
        target = os.pidfd_open(self.pid)
        kernel.setns(target, kernel.CLONE_NEWNS)
        try:
            yield
        finally:
            kernel.setns(here, kernel.CLONE_NEWNS)
            os.fchdir(root)
            os.chroot(".")
            os.fchdir(cwd)
            for fd in (here, cwd, root, target):
                os.close(fd)

    def tar(
        self, words: tuple[str, ...], directory: str, stdin: int, out: int
    ) -> Callable[[], int]:
        """Start tar in `directory` of this place; the result waits for its exit code."""

        def redirect() -> None:
            os.dup2(stdin, 0)
            os.dup2(out, 1)

        if self.box is None:
            return subprocess.Popen(words, cwd=directory, stdin=stdin, stdout=out).wait
        pid = enter.spawn(self.box, self.pid, words, cwd=directory, before=redirect)
        return lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class _Source(NamedTuple):
    """What is copied: `content` is open on a file, `link` is where a symlink points."""

    path: str
    status: os.stat_result
    content: int = -1
    link: str = ""


def push(box: Box, source: str, target: str, owner: str = "") -> None:
    """Copy this machine's `source` to `target` in the box; with `owner`, give it to that user.

    Modes, owners (by number), times, symlinks, hard links and extended attributes are kept. A
    `target` that is a directory or ends in / takes the copy under its own name; a `source` that
    ends in /. stands for what is in it. Missing parents are made. Raises BoxError.
    """
    here, there = _Place(None), _Place(box)
    account = enter.account(there.pid, owner) if owner else None
    written = _copy(here, _absolute(source), there, _in_box(target))
    if account:
        command = ("chown", "-hR", f"{account.uid}:{account.gid}", "--", written)
        if enter.capture(box, there.pid, command)[0]:
            raise _failed(f"giving {written} to {owner}", "chown refused", "is it read-only?")


def pull(box: Box, source: str, target: str) -> None:
    """Copy `source` of the box to this machine's `target`, by the rules of `push`."""
    _copy(_Place(box), _in_box(source), _Place(None), _absolute(target))


def _absolute(path: str) -> str:
    """`path` from the root, a slash or /. at its end kept: it means something."""
    ending = "/." if path.endswith("/.") else "/" if path.endswith("/") else ""
    return f"{Path(path).absolute()}{ending}"


def _in_box(path: str) -> str:
    if path.startswith("/"):
        return path
    raise BoxError(
        f"{path!r} is not an absolute path",
        why="a path in the box is given from its root",
        todo=f"write /{path}",
        code=Code.USAGE,
    )


def _copy(here: _Place, path: str, there: _Place, target: str) -> str:
    """Copy, and return the path that was written."""
    with here.files():
        source = _open(path)
    with there.files():
        if not path.endswith("/.") and (target.endswith("/") or Path(target).is_dir()):
            target = f"{target}/{Path(path).name}"
        written = Path(target)
        written.parent.mkdir(parents=True, exist_ok=True)
        if source.content >= 0:
            _write_file(source, written)
        elif source.link:
            _write_link(source, written)
        else:
            _make_directory(written)
    if stat.S_ISDIR(source.status.st_mode):
        _stream(here, path, there, str(written))
    return str(written)


def _open(path: str) -> _Source:
    try:
        status = os.stat(path, follow_symlinks=path.endswith(("/", "/.")))  # noqa: PTH116
        if stat.S_ISREG(status.st_mode):
            return _Source(path, status, content=os.open(path, os.O_RDONLY))
        if stat.S_ISLNK(status.st_mode):
            # Path.readlink would tidy the target up.
            return _Source(path, status, link=os.readlink(path))  # noqa: PTH115
    except OSError as error:
        code = Code.NOT_FOUND if error.errno == errno.ENOENT else Code.FAILED
        raise _failed(f"reading {path}", str(error.strerror), "check the path", code) from None
    if stat.S_ISDIR(status.st_mode):
        return _Source(path, status)
    raise _failed(f"copying {path}", "it is a device, a pipe or a socket", "copy a file")


def _write_file(source: _Source, target: Path) -> None:
    draft = target.with_name(f".{target.name}.box-new")
    with os.fdopen(source.content, "rb") as reader, draft.open("wb") as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
    status = source.status
    os.chown(draft, status.st_uid, status.st_gid)
    draft.chmod(stat.S_IMODE(status.st_mode))
    os.utime(draft, ns=(status.st_atime_ns, status.st_mtime_ns))
    draft.replace(target)


def _write_link(source: _Source, target: Path) -> None:
    draft = target.with_name(f".{target.name}.box-new")
    os.symlink(source.link, draft)  # noqa: PTH211
    os.lchown(draft, source.status.st_uid, source.status.st_gid)
    draft.replace(target)


def _make_directory(target: Path) -> None:
    try:
        target.mkdir(exist_ok=True)
    except FileExistsError:
        raise _failed(f"making {target}", "a file of that name is there", "remove it") from None


def _stream(here: _Place, source: str, there: _Place, target: str) -> None:
    reader, writer = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    packing = here.tar(_PACK, source, null, writer)
    unpacking = there.tar(_UNPACK, target, reader, null)
    for fd in (reader, writer, null):
        os.close(fd)
    packed, unpacked = packing(), unpacking()
    # tar exits 1 when a file changed while it was read: copied, as cp would have.
    if packed not in (0, 1) or unpacked != 0:
        why = f"tar ended with {packed} reading and {unpacked} writing"
        raise _failed(f"copying {source}", why, "read what tar said above")


def _failed(what: str, why: str, todo: str, code: Code = Code.FAILED) -> BoxError:
    return BoxError(f"{what} failed", why=why, todo=todo, code=code)
