"""Sockets that systemd listens on for this process (sd_listen_fds(3))."""

import os
import socket
from collections.abc import MutableMapping

from leger_runtime.errors import Kind, LegerError, reason_of

_FIRST = 3  # SD_LISTEN_FDS_START
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class SocketUnusable(LegerError):
    """What systemd passed is no socket for HTTP."""

    kind, reason = Kind.USAGE, "SOCKET_UNUSABLE"


def inherited(environment: MutableMapping[str, str]) -> list[socket.socket]:
    """Return the listening sockets that were passed to this process; none when it was started so.

    Its variables are taken out of the environment and the descriptors made close-on-exec, so that
    no other program takes them for its own. Raises SocketUnusable.
    """
    pid, count, _names = (environment.pop(name, "") for name in _VARIABLES)
    # podman passes them on, and sets the number to the one this process has in its container.
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    return [_listening(descriptor) for descriptor in range(_FIRST, _FIRST + int(count))]


def _listening(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        passed = socket.socket(fileno=descriptor)
        listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        is_ip = passed.family in (socket.AF_INET, socket.AF_INET6)
    except OSError as error:
        raise _unusable(descriptor, reason_of(error)) from None
    if not listens or not is_ip:
        raise _unusable(descriptor, "It does not listen on a TCP port")
    return passed


def _unusable(descriptor: int, why: str) -> SocketUnusable:
    return SocketUnusable(
        f"The socket with descriptor {descriptor} cannot serve setec's API.",
        why=f"{why}.",
        next_step="Let leger-setec.socket have ListenStream= with an address and a port, and no"
        " other kind of socket.",
    )
