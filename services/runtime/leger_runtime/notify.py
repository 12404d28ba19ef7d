"""Telling systemd how the service is, by the protocol of sd_notify(3)."""

import os
import socket


def notify(message: str) -> None:
    """Send a message such as "READY=1"; does nothing when systemd did not ask for it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace, as sd_notify(3) writes it
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.connect(address)
        sock.sendall(message.encode())
