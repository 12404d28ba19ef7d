"""Telling systemd how the service is, by the protocol of sd_notify(3)."""

import logging
import os
import socket

from leger_runtime.errors import reason_of

log = logging.getLogger(__name__)


def notify(message: str) -> None:
    """Send a message such as "READY=1"; does nothing when systemd did not ask for it.

    Never raises, nor waits: a service goes on as it is when systemd cannot be told.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace, as sd_notify(3) writes it
        address = "\0" + address[1:]
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    try:
        with socket.socket(socket.AF_UNIX, kind) as sock:
            sock.connect(address)
            sock.sendall(message.encode())
    except OSError as error:
        log.warning("systemd was not told how the service is: %s.", reason_of(error))
