"""The sockets on which something of the host waits, as the kernel lists them in proc(5)."""

import ipaddress
import struct
from collections.abc import Iterator

from leger_deployer.domain.ports.host_commands import HostCommands
from leger_deployer.domain.published_port import PublishedPort

_TABLES = ("tcp", "tcp6", "udp", "udp6")
# net/tcp_states.h: a TCP socket that listens, and a UDP socket that is connected to nobody.
_LISTEN, _UNCONNECTED = "0A", "07"


def listening(commands: HostCommands) -> tuple[PublishedPort, ...]:
    """Return every address and port of the host that is taken; `container_port` is 0."""
    # A host may have IPv6 switched off: a table that is not there has no sockets.
    answer = commands.run(["/usr/bin/tail", "-n", "+1", *(f"/proc/net/{t}" for t in _TABLES)])
    return tuple(_sockets(answer.output))


def _sockets(text: str) -> Iterator[PublishedPort]:
    table = ""
    for line in text.splitlines():
        if line.startswith("==> "):
            table = line.split()[1].rpartition("/")[2]
            continue
        fields = line.split()
        if len(fields) < 4 or not fields[0].endswith(":"):
            continue
        waiting = _LISTEN if table.startswith("tcp") else _UNCONNECTED
        if fields[3] != waiting:
            continue
        address, _, port = fields[1].partition(":")
        yield PublishedPort(
            host_address=_address(address),
            host_port=int(port, 16),
            container_port=0,
            protocol=table[:3],
        )


def _address(hexadecimal: str) -> str:
    """Return an address that the kernel printed as words in the machine's byte order."""
    words = [int(hexadecimal[start : start + 8], 16) for start in range(0, len(hexadecimal), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
