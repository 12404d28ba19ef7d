"""Everything of a box that outlives a power cut, as files of this machine."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from . import cgroup, kernel
from .layout import Box, Record, store_point

# How a file says that it is gone; ESTALE does on an overlay.
VANISHED: Final = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
_NO_DISK: Final = (
    "tmpfs ramfs devtmpfs hugetlbfs proc sysfs cgroup cgroup2 devpts mqueue nsfs bpf debugfs "
    "tracefs securityfs configfs fusectl pstore binfmt_misc autofs efivarfs overlay "
)


class Tree(NamedTuple):
    """A directory of this machine, and the path it has in the box."""

    outside: str
    inside: str


class Found(NamedTuple):
    """A file: where to read it here, its path in the box, its size, a symlink's target."""

    outside: str
    inside: str
    size: int
    target: str = ""
    directory: bool = False


def mount_merged(box: Box, record: Record) -> None:
    """Mount the box's layers read-only at `box.root`, for this process's eyes only.

    It works whether the box runs or not, and shows what the box's own mounts hide. The process
    gets a mount namespace of its own, so the mount ends with it.
    """
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    layers = f"lowerdir={box.upper}:{record.rootfs}"
    kernel.mount("box", box.root, "overlay", kernel.MS_RDONLY, layers)
    # So that programs of the box can be run there, on any of its files.
    for outside, inside in (("/proc", "/proc"), *_storages(box, record)):
        if Path(f"{box.root}{inside}").is_dir():
            kernel.mount(outside, f"{box.root}{inside}", flags=kernel.MS_BIND)


def trees(box: Box, record: Record) -> list[Tree]:
    """Every directory tree of the box that is on a disk, `mount_merged` having been called."""
    found = [Tree(str(box.root), "/"), *_storages(box, record)]
    if pid := box.running_pid():
        found += _other_mounts(box, pid)
    return found


def _storages(box: Box, record: Record) -> Iterator[Tree]:
    """The plain directories that are bound into the box."""
    for inside, outside in box.storage.items():
        yield Tree(str(outside), f"/{inside}")
    for number, store in enumerate(record.image_stores):
        yield Tree(store, f"/{store_point(number)}")


def _other_mounts(box: Box, pid: int) -> Iterator[Tree]:
    """File systems somebody mounted in the running box, beside its own."""
    device = box.directory.stat().st_dev
    own = f"{os.major(device)}:{os.minor(device)}"
    seen = {own}
    for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        _, _, device_id, _, point = before.split()[:5]
        kind = after.split()[0]
        if kind in _NO_DISK.split() or kind.startswith("fuse") or device_id in seen:
            continue
        seen.add(device_id)
        point = point.encode().decode("unicode_escape")
        yield Tree(f"/proc/{pid}/root{point}", point)


def files(tree: Tree) -> Iterator[Found]:
    """Every file, directory and symlink of the tree, on its own file system only.

    What vanishes meanwhile is skipped. A directory that cannot be read raises OSError.
    """
    device = Path(tree.outside).stat().st_dev
    pending = [tree]
    while pending:
        here = pending.pop()
        try:
            entries = list(os.scandir(here.outside))
        except OSError as error:
            if error.errno in VANISHED:
                continue
            raise
        for entry in entries:
            inside = f"{here.inside.rstrip('/')}/{entry.name}"
            try:
                status = entry.stat(follow_symlinks=False)
                target = os.readlink(entry.path) if entry.is_symlink() else ""  # noqa: PTH115
            except OSError as error:
                if error.errno in VANISHED:
                    continue
                raise
            if not stat.S_ISDIR(status.st_mode):
                size = status.st_size if stat.S_ISREG(status.st_mode) else 0
                yield Found(entry.path, inside, size, target)
            elif status.st_dev == device:
                yield Found(entry.path, inside, 0, directory=True)
                pending.append(Tree(entry.path, inside))


def deleted_but_open(box: Box) -> Iterator[Found]:
    """Files without a name that a process of the box holds open: still on the disk."""
    for pid in cgroup.processes(box.cgroup):
        directory = Path(f"/proc/{pid}/fd")
        try:
            descriptors = list(directory.iterdir())
        except OSError:
            continue  # the process ended
        for descriptor in descriptors:
            try:
                name = str(descriptor.readlink())
                status = descriptor.stat()
                if not name.endswith(" (deleted)") or not stat.S_ISREG(status.st_mode):
                    continue
                if not kernel.lives_in_memory(descriptor):
                    yield Found(str(descriptor), f"{name} but still open", status.st_size)
            except OSError:
                continue  # closed meanwhile
