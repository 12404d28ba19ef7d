"""Lines in the journals of other units, by journald's native protocol."""

import logging
import socket
import struct
from pathlib import Path

from leger_runtime.errors import reason_of

log = logging.getLogger(__name__)

_ERROR = "3"  # syslog's severity


class JournaldUnitJournal:
    """Writes so that `journalctl -u UNIT` shows it (src/shared/logs-show.c, add_matches_for_unit).

    In a user's scope it is `journalctl --user -u UNIT`, which reads another field.
    """

    def __init__(self, *, socket_path: Path, user_scope: bool) -> None:
        self._socket_path = str(socket_path)
        self._unit_field = "USER_UNIT" if user_scope else "OBJECT_SYSTEMD_UNIT"

    def tell(self, unit: str, message: str) -> None:
        """Add an error to the unit's journal; a journald that does not answer is only logged."""
        datagram = encode(
            {
                "MESSAGE": message,
                "PRIORITY": _ERROR,
                "SYSLOG_IDENTIFIER": "leger-secrets",
                self._unit_field: unit,
            }
        )
        flags = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        try:
            with socket.socket(socket.AF_UNIX, flags) as sock:
                sock.sendto(datagram, self._socket_path)
        except OSError as error:
            log.error("Cannot write to the journal of %s: %s", unit, reason_of(error))


def encode(fields: dict[str, str]) -> bytes:
    """Serialise fields (systemd.io/JOURNAL_NATIVE_PROTOCOL).

    A value with a newline is sent with its length in front, so that it cannot add fields.
    """
    parts = []
    for name, text in fields.items():
        value = text.encode()
        if b"\n" in value:
            parts.append(name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n")
        else:
            parts.append(name.encode() + b"=" + value + b"\n")
    return b"".join(parts)
