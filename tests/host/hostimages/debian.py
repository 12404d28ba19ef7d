"""Debian without an image: a base file system, and a repository of the packages an image needs.

Both are made on a tmpfs in namespaces of their own: dpkg's many fsyncs cost nothing there, and
neither a mount nor a process outlives the run, however it ends.
"""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from . import cache
from .errors import ImageError

SUITE: Final = "trixie"

# $1 is the work directory, $2 the tar to write. The settings in the middle are what Debian's own
# slim images have: no daemon starts while a package is installed, no manual or translation comes.
_BASE: Final = r"""
mount -t tmpfs -o mode=0755 tmpfs "$1"
debootstrap --variant=minbase --include=python3 SUITE "$1"

cat > "$1/usr/sbin/policy-rc.d" <<'END'
#!/bin/sh
exit 101
END
chmod 0755 "$1/usr/sbin/policy-rc.d"
cat > "$1/etc/dpkg/dpkg.cfg.d/slim" <<'END'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/lintian/*
END
cat > "$1/etc/apt/apt.conf.d/slim" <<'END'
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "false";
Acquire::Languages "none";
END

cd "$1"
find usr/share/doc -type f ! -name copyright -delete
find usr/share/doc -type l -delete
find usr/share/doc -mindepth 1 -type d -empty -delete
rm -rf usr/share/man/* usr/share/info/* usr/share/locale/* usr/share/lintian/* \
    var/cache/apt/* var/cache/debconf/*-old var/lib/apt/lists/* var/lib/dpkg/*-old var/log/* \
    var/cache/ldconfig/* dev/* run/* tmp/* etc/machine-id etc/hostname etc/resolv.conf
tar --sort=name --numeric-owner --create --file="$2" .
"""

# $1 is the work directory, $2 the directory to write, $3 the base's tar; the rest are packages.
# A flat repository needs one index, and each entry the package's own fields and three more.
_REPOSITORY: Final = r"""
work=$1 target=$2 base=$3
shift 3
mount -t tmpfs -o mode=0755 tmpfs "$work"
tar --extract --numeric-owner --file="$base" --directory="$work"
cat /etc/resolv.conf > "$work/etc/resolv.conf"
mount -t proc proc "$work/proc"
mkdir "$work/dev/shm" && mknod -m 0666 "$work/dev/null" c 1 3
chroot "$work" apt-get --quiet update
chroot "$work" apt-get --quiet --yes --download-only install "$@"
mkdir "$target"
cd "$work/var/cache/apt/archives"
for deb in *.deb; do
    chroot "$work" dpkg-deb --field "/var/cache/apt/archives/$deb"
    sum=$(sha256sum "$deb")
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' \
        "$deb" "$(stat --format=%s "$deb")" "${sum%% *}"
done > "$target/Packages"
mv *.deb "$target"
"""

RECIPE: Final = SUITE + _BASE + _REPOSITORY
"""Changes with what `base` and `repository` would make, the packages' names aside."""


def base() -> Path:
    """Return the tar of a root file system with Debian and Python, made first when needed."""
    return cache.kept("base", cache.fingerprint([SUITE, _BASE]) + ".tar", _make_base)


def repository(packages: Sequence[str]) -> Path:
    """Return a directory that apt takes for a repository of `packages` and all they depend on.

    Left out is what the base has. Made when needed; of the versions Debian had at that moment.
    """
    root = base()
    names = sorted(set(packages))

    def make(draft: Path) -> None:
        cache.say(f"fetching {', '.join(names)} and what they depend on")
        _run(_REPOSITORY, draft, str(root), *names)

    return cache.kept("packages", cache.fingerprint([root.name, _REPOSITORY, *names]), make)


def _make_base(draft: Path) -> None:
    if shutil.which("debootstrap") is None:
        raise ImageError(
            "debootstrap is missing",
            why="without an image registry the base image is made from Debian's packages",
            todo="apt-get install debootstrap",
        )
    cache.say(f"making a base of Debian {SUITE} and Python, once; less than a minute")
    _run(_BASE, draft)


def _run(script: str, draft: Path, *arguments: str) -> None:
    """Run a script above in its namespaces, to write `draft`."""
    log = Path(f"{draft}.log")
    contained = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    shell = ["/bin/sh", "-euc", script.replace("SUITE", SUITE), "images"]
    with log.open("w+") as output, TemporaryDirectory() as work:
        done = subprocess.run(
            [*contained, *shell, work, str(draft), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive",
            },
            preexec_fn=_die_with_parent,
            check=False,
        )
        output.seek(0)
        said = [line.strip() for line in output if line.strip()][-3:]
    if done.returncode != 0:
        raise ImageError(
            "Debian's packages could not be installed",
            why=" | ".join(said) or f"status {done.returncode}, without a word",
            todo=f"read {log}; this needs root and a Debian mirror, as apt-get does",
        )
    log.unlink()


def _die_with_parent() -> None:
    """prctl(2): this process is killed when the one that started it ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, int(signal.SIGKILL), 0, 0, 0)
