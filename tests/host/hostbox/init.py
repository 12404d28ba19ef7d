"""From a fork to the box's systemd: namespaces, root file system, devices, network.

systemd-nspawn(1) does the same for a container, but needs a systemd outside as well.
"""

from __future__ import annotations

import os
import signal
import stat
import uuid
from pathlib import Path
from typing import Final, NoReturn

from . import enter, kernel
from .errors import BoxError, Code
from .layout import Box, Record, store_point

# Mode 0666: rootless networking opens net/tun, and rootless storage may open fuse.
DEVICES: Final = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
    "fuse": (10, 229),
    "net/tun": (10, 200),
}
LINKS: Final = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
# Rootless networking copies the address of an interface with a default route, so there is one.
# Nothing is behind it: what would reach the internet is refused at once instead of timing out.
NETWORK: Final = (
    "ip link set lo up",
    "ip link add eth0 type veth peer name nowhere0",
    "ip link set nowhere0 up",
    "ip link set eth0 up",
    "ip address add 192.0.2.2/24 dev eth0",
    "ip route add default via 192.0.2.1 dev eth0",
    "nft add table inet box",
    "nft add chain inet box output { type filter hook output priority 0 ; }",
    "nft add rule inet box output oifname eth0 reject with icmpx admin-prohibited",
    "nft add chain inet box forward { type filter hook forward priority 0 ; }",
    "nft add rule inet box forward oifname eth0 reject with icmpx admin-prohibited",
)


def start(box: Box, record: Record) -> int:
    """Fork the process that becomes the box's systemd; return its process id as seen out here.

    It has been executed when this returns. The disk and the cgroup are there. Raises BoxError.
    """
    reader, writer = os.pipe()
    launcher = os.fork()
    if launcher == 0:
        _launch(box, record, reader, writer)
    os.close(writer)
    with os.fdopen(reader) as report:
        text = report.read()
    os.waitpid(launcher, 0)
    pid, _, trouble = text.partition("\n")
    if trouble or not pid:
        raise BoxError(
            f"the box {box.name!r} could not be started",
            why=trouble.strip() or "the launching process ended without a word",
            todo="be root with CAP_SYS_ADMIN on a kernel with namespaces, overlay and cgroup2, and"
            " point LEGER_CACHE at a file system that is itself no overlay;"
            f" {box.console} may say more",
            code=Code.UNAVAILABLE,
        )
    return int(pid)


def _launch(box: Box, record: Record, reader: int, writer: int) -> NoReturn:
    """In the forked launcher: enter cgroup and namespaces, fork process 1, report its id."""
    try:
        os.close(reader)
        os.setsid()
        (box.cgroup / "cgroup.procs").write_text("0")
        kernel.unshare(
            kernel.CLONE_NEWNS
            | kernel.CLONE_NEWPID
            | kernel.CLONE_NEWCGROUP
            | kernel.CLONE_NEWUTS
            | kernel.CLONE_NEWIPC
            | kernel.CLONE_NEWNET
        )
        hold, release = os.pipe()
        pid = os.fork()
        if pid:
            os.write(writer, f"{pid}\n".encode())
            os.write(release, b"x")
            os._exit(0)
        os.read(hold, 1)  # the id is reported before any trouble is
        _become_systemd(box, record)
    except BaseException as error:
        os.write(writer, f"{type(error).__name__}: {error}".encode())
    os._exit(1)


def _become_systemd(box: Box, record: Record) -> NoReturn:
    console = os.open(box.console, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    _mount_disk(box, record)
    _mount_memory(box.root)
    _make_devices(box.root / "dev")
    _give_boot_id(box.root)
    _enter_root(box.root)
    null = os.open("/dev/null", os.O_RDONLY)
    for fd, source in ((0, null), (1, console), (2, console)):
        os.dup2(source, fd)
    Path("/proc/sys/kernel/hostname").write_text(Path("/etc/hostname").read_text())
    for command in NETWORK:
        _run(command)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    environment = {"container": "leger-box", "PATH": enter.ROOT_PATH, "LANG": "C.UTF-8"}
    os.execve("/sbin/init", ["/sbin/init"], environment)


def _mount_disk(box: Box, record: Record) -> None:
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    layers = f"lowerdir={record.rootfs},upperdir={box.upper},workdir={box.work}"
    kernel.mount("box", box.root, "overlay", data=layers)
    for inside, outside in box.storage.items():
        (box.root / inside).mkdir(parents=True, exist_ok=True)
        kernel.mount(outside, box.root / inside, flags=kernel.MS_BIND)
    for number, store in enumerate(record.image_stores):
        point = box.root / store_point(number)
        kernel.mount(store, point, flags=kernel.MS_BIND)
        read_only = kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY
        kernel.mount("none", point, flags=read_only)


def _mount_memory(root: Path) -> None:
    plain = kernel.MS_NOSUID | kernel.MS_NODEV
    quiet = plain | kernel.MS_NOEXEC
    kernel.mount("proc", root / "proc", "proc", quiet)
    kernel.mount("sysfs", root / "sys", "sysfs", quiet)
    kernel.mount("cgroup2", root / "sys/fs/cgroup", "cgroup2", quiet)
    kernel.mount("tmpfs", root / "run", "tmpfs", plain, "mode=755")
    kernel.mount("tmpfs", root / "tmp", "tmpfs", plain, "mode=1777")
    kernel.mount("tmpfs", root / "dev", "tmpfs", kernel.MS_NOSUID, "mode=755")
    for directory in ("pts", "shm", "mqueue", "net"):
        (root / "dev" / directory).mkdir()
    terminals = "newinstance,ptmxmode=0666,mode=620,gid=5"
    no_exec = kernel.MS_NOSUID | kernel.MS_NOEXEC
    kernel.mount("devpts", root / "dev/pts", "devpts", no_exec, terminals)
    kernel.mount("shm", root / "dev/shm", "tmpfs", plain, "mode=1777")
    kernel.mount("mqueue", root / "dev/mqueue", "mqueue", quiet)


def _make_devices(dev: Path) -> None:
    for name, (major, minor) in DEVICES.items():
        os.mknod(dev / name, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
        (dev / name).chmod(0o666)
    for name, target in LINKS.items():
        (dev / name).symlink_to(target)


def _give_boot_id(root: Path) -> None:
    """Make this boot one of its own for the journal; the kernel's id is the outer machine's."""
    hidden = root / "dev/.box"
    (hidden / "proc").mkdir(parents=True)
    (hidden / "boot_id").write_text(f"{uuid.uuid4()}\n")
    kernel.mount(hidden / "boot_id", root / "proc/sys/kernel/random/boot_id", flags=kernel.MS_BIND)
    # In a user namespace proc can be mounted only while one without such a mount is in sight.
    kernel.mount("proc", hidden / "proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV)
    hidden.chmod(0o700)


def _enter_root(root: Path) -> None:
    os.chdir(root)
    kernel.pivot_root(".", ".")
    kernel.umount(".", kernel.MNT_DETACH)
    os.chdir("/")
    # Without shared propagation every LoadCredential= directory comes out empty.
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_SHARED)


def _run(command: str) -> None:
    """Run a command of the box's own file system, before systemd is there."""
    words = command.split()
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(f"/usr/sbin/{words[0]}", words)
        finally:
            os._exit(127)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        raise OSError(f"`{command}` ended with status {status}")
