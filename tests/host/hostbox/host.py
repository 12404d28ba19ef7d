"""What makes a box's disk a host of its own: its layers, its identity, its settings."""

from __future__ import annotations

import os
import resource
import secrets
import shutil
import stat
from pathlib import Path

from . import kernel
from .layout import USER_STORAGE, Box, Record, store_point


def prepare(box: Box, record: Record) -> None:
    """Make the layers, and what a new disk has of its own; a kept disk stays as it is."""
    for directory in (box.work, box.root, *box.storage.values()):
        directory.mkdir(parents=True, exist_ok=True)
    os.chown(box.storage[USER_STORAGE], 1000, 1000)
    etc = box.upper / "etc"
    if not etc.exists():
        (etc / "containers").mkdir(parents=True)
        (etc / "machine-id").write_text(secrets.token_hex(16) + "\n")
        (etc / "hostname").write_text(f"{box.name}\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n192.0.2.2 {box.name}\n")
        (etc / "containers/containers.conf").write_text(_containers_conf())
        if record.image_stores:
            (etc / "containers/storage.conf").write_text(_storage_conf(record))
            _shield_alice(box, record)
    for number in range(len(record.image_stores)):
        (box.upper / store_point(number)).mkdir(parents=True, exist_ok=True)


def _shield_alice(box: Box, record: Record) -> None:
    """Give alice a storage.conf of her own: newer podman takes root's run directory from root's."""
    path = Path("home/alice/.config/containers/storage.conf")
    for directory in reversed(path.parents[:-1]):
        made = box.upper / directory
        made.mkdir()
        like = Path(record.rootfs) / directory
        status = (like if like.exists() else like.parent).stat()
        os.chown(made, status.st_uid, status.st_gid)
        made.chmod(stat.S_IMODE(status.st_mode))
    (box.upper / path).write_text('[storage]\ndriver = "overlay"\n')
    os.chown(box.upper / path, 1000, 1000)


def remove(box: Box) -> None:
    """Delete the box's directory, and first whatever is still mounted in it."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in reversed(mounts):
        if Path(point).is_relative_to(box.directory):
            kernel.umount(point, kernel.MNT_DETACH)
    shutil.rmtree(box.directory)


def _containers_conf() -> str:
    """Without CAP_SYS_RESOURCE a runtime may not raise a limit: ask for no more than there is."""
    limits = []
    for name, kind, most in (
        ("nofile", resource.RLIMIT_NOFILE, 20000),
        ("nproc", resource.RLIMIT_NPROC, 90000),
    ):
        hard = resource.getrlimit(kind)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        limits.append(f'"{name}={value}:{value}"')
    return f"[containers]\ndefault_ulimits = [{', '.join(limits)}]\npids_limit = 0\n"


def _storage_conf(record: Record) -> str:
    points = ", ".join(f'"/{store_point(n)}"' for n in range(len(record.image_stores)))
    return (
        '[storage]\ndriver = "overlay"\nrunroot = "/run/containers/storage"\n'
        'graphroot = "/var/lib/containers/storage"\n\n'
        f"[storage.options]\nadditionalimagestores = [{points}]\n"
    )
