"""The file system boxes start from: built once with debootstrap, then only read."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from . import kernel
from .errors import BoxError, Code
from .layout import cache_dir

PACKAGES: Final = (
    "systemd systemd-sysv dbus dbus-user-session libpam-systemd "
    "podman crun netavark aardvark-dns passt uidmap catatonit "
    "iproute2 nftables procps python3 rpm dnf curl ca-certificates git jq "
    "openssh-client openssh-server openssl sqlite3 zstd "
)

# What cannot work in a namespace, would reach the internet, or would touch the outer kernel.
MASKED: Final = (
    "systemd-modules-load.service systemd-udevd.service systemd-udevd-kernel.socket "
    "systemd-udevd-control.socket systemd-udev-trigger.service systemd-networkd.service "
    "systemd-networkd.socket systemd-networkd-wait-online.service systemd-sysctl.service "
    "systemd-pstore.service systemd-pcrextend.socket systemd-firstboot.service "
    "proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount dev-hugepages.mount "
    "sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount "
    "sys-fs-fuse-connections.mount console-getty.service getty@.service getty.target "
    "apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer "
    "dnf-makecache.timer podman-auto-update.timer e2scrub_all.timer e2scrub_reap.service "
    "netavark-firewalld-reload.service "
)

FILES: Final = {
    # Uncompressed, so that a search of the disk sees every byte that was logged.
    "etc/systemd/journald.conf.d/box.conf": (
        "[Journal]\nStorage=persistent\nCompress=no\nSeal=no\n"
        "RateLimitIntervalSec=0\nRateLimitBurst=0\nReadKMsg=no\nAudit=no\n"
    ),
    "etc/subuid": "alice:100000:65536\n",
    "etc/subgid": "alice:100000:65536\n",
    "var/lib/systemd/linger/alice": "",
    "etc/default/locale": "LANG=C.UTF-8\n",
    "etc/fstab": "",
    # Nothing answers there: a name lookup fails at once instead of timing out.
    "etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    "etc/containers/registries.conf": "unqualified-search-registries = []\n",
}

# Debian's packages are unknown to rpm. This one tells it what of them a package may require:
# podman, systemd, and the C library, as they are here.
STAND_IN: Final = r"""
version() {
    dpkg-query --show --showformat '${Version}' "$1" | sed 's/^[0-9]*://; s/[^0-9.].*//'
}
mkdir /tmp/stand-in
cd /tmp/stand-in
{
    printf '%s\n' 'Name: leger-box-host' 'Version: 1' 'Release: 1' 'License: Apache-2.0' \
        'Summary: What this box has by packages of Debian' 'BuildArch: noarch' \
        "Provides: podman = $(version podman)" "Provides: systemd = $(version systemd)" \
        'Provides: /bin/sh' 'Provides: rtld(GNU_HASH)'
    for library in /lib64/ld-linux-x86-64.so.2 /usr/lib/x86_64-linux-gnu/libc.so.6 \
        /usr/lib/x86_64-linux-gnu/libdl.so.2 /usr/lib/x86_64-linux-gnu/libm.so.6 \
        /usr/lib/x86_64-linux-gnu/libpthread.so.0 /usr/lib/x86_64-linux-gnu/librt.so.1; do
        /usr/lib/rpm/elfdeps --provides $library | sort -u | sed 's/^/Provides: /'
    done
    printf '%%description\nDebian packages, as rpm is to see them.\n%%files\n'
} > leger-box-host.spec
rpmbuild -bb --quiet --define '_topdir /tmp/stand-in' leger-box-host.spec
rpm --install RPMS/noarch/leger-box-host-1-1.noarch.rpm
cd /
rm -r /tmp/stand-in
"""

SCRIPT: Final = """
useradd --create-home --uid 1000 --shell /bin/bash --comment 'An ordinary user' alice
install -d -o alice -g alice /home/alice/.config /home/alice/.local /home/alice/.local/share \
    /home/alice/.local/share/containers
install -d /etc/containers/systemd /usr/lib/containers /var/log/journal
systemctl disable ssh.service ssh.socket
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/info/* \
    /usr/share/locale/* /var/log/*.log /var/log/apt /var/cache/debconf/*-old
rm -f /etc/machine-id /var/lib/dbus/machine-id /etc/hostname
"""


def recipe_hash(suite: str) -> str:
    """Changes whenever the file system that `build` would make for `suite` changes."""
    files = sorted(FILES.items())
    recipe = repr((suite, PACKAGES.split(), MASKED.split(), files, SCRIPT, STAND_IN))
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def rootfs_path(suite: str) -> Path:
    """Where the built file system of `suite` is, or will be."""
    return cache_dir() / "rootfs" / f"{suite}-{recipe_hash(suite)}"


def ensure(suite: str) -> Path:
    """The root file system of `suite`, built first when it is not there (about a minute).

    Progress goes to stderr. Several callers at once wait for one build; a killed build leaves
    nothing that another would take for a finished one. Raises BoxError.
    """
    path = rootfs_path(suite)
    if path.exists():
        return path
    with _build_lock(path.parent):
        if path.exists():
            return path
        for stale in path.parent.glob(".building-*"):
            shutil.rmtree(stale)
        draft = path.parent / f".building-{path.name}"
        try:
            _build(suite, draft)
            draft.rename(path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return path


@contextmanager
def _build_lock(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for a build that is under way")
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _build(suite: str, target: Path) -> None:
    began = time.monotonic()
    log = cache_dir() / f"build-{suite}.log"
    _say(f"building the {suite} root file system, once; about a minute")
    with log.open("w+") as output:
        _debootstrap(suite, target, output)
        _say("setting up users, units and journal")
        _configure(target, output)
    log.unlink()
    _say(f"built {suite} in {time.monotonic() - began:.0f} s")


def _debootstrap(suite: str, target: Path, output: IO[str]) -> None:
    tool = shutil.which("debootstrap")
    if tool is None:
        raise BoxError(
            "debootstrap is missing",
            why="the box's root file system is made with it",
            todo="apt-get install debootstrap",
            code=Code.UNAVAILABLE,
        )
    command = [
        tool,
        "--variant=minbase",
        f"--include={','.join(PACKAGES.split())}",
        suite,
        str(target),
    ]
    if not Path("/usr/share/debootstrap/scripts", suite).exists():
        command += ["", "sid"]  # an empty mirror is debootstrap's own default
    with subprocess.Popen(
        _contained(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=kernel.die_with_parent,
    ) as process:
        assert process.stdout is not None
        phases = list(_PHASES)
        for line in process.stdout:
            output.write(line)
            verb = line.removeprefix("I: ").split(" ")[0].lower()
            if line.startswith("I: ") and verb in phases:
                phases.remove(verb)
                _say(f"{verb} packages")
    if process.returncode != 0:
        raise _failed("debootstrap", process.returncode, output)


_PHASES: Final = ("retrieving", "extracting", "unpacking", "configuring")


def _contained(command: list[str]) -> list[str]:
    """`command` in namespaces of its own: its mounts and children end with it."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *command]


def _configure(target: Path, output: IO[str]) -> None:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        _contained(["chroot", str(target), "/bin/sh", "-euc", SCRIPT + STAND_IN]),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environment,
        preexec_fn=kernel.die_with_parent,
        check=False,
    )
    if done.returncode != 0:
        raise _failed("setting up the root file system", done.returncode, output)
    for name, text in FILES.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
    for unit in MASKED.split():
        path = target / "etc/systemd/system" / unit
        path.unlink(missing_ok=True)
        path.symlink_to("/dev/null")


def _failed(what: str, status: int, output: IO[str]) -> BoxError:
    output.flush()
    output.seek(0)
    tail = " | ".join(line.strip() for line in output.readlines()[-3:] if line.strip())
    return BoxError(
        f"{what} failed with status {status}",
        why=tail or "it said nothing",
        todo=f"read {output.name}, then try again; packages come through apt, so check that too",
    )


def _say(text: str) -> None:
    print(f"box: {text}", file=sys.stderr, flush=True)
