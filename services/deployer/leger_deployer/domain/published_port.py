"""Ports of the host that containers are reached through."""

import ipaddress
import re
from dataclasses import dataclass

PROTOCOLS = ("tcp", "udp", "sctp")

_PUBLISH = re.compile(
    r"(?:(?P<address>\[[^]]*\]|[^:\[\]]*):)??(?:(?P<host>[0-9-]*):)?(?P<container>[0-9-]+)"
    r"(?:/(?P<protocol>[a-z]+))?",
    re.ASCII,
)


class PublishInvalid(ValueError):
    """A value of `PublishPort=` that podman would refuse; the text says why."""


@dataclass(frozen=True, kw_only=True, order=True)
class PublishedPort:
    """One port; `host_address` "" means every address, `host_port` 0 that podman chooses one."""

    host_address: str
    host_port: int
    container_port: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.socket}->{self.container_port}"

    @property
    def socket(self) -> str:
        """The host's side, such as "127.0.0.1:8080/tcp"."""
        address = f"[{self.host_address}]" if ":" in self.host_address else self.host_address
        return f"{address or '*'}:{self.host_port}/{self.protocol}"

    def overlaps(self, other: "PublishedPort") -> bool:
        """Whether both cannot be bound at the same time."""
        return (
            self.protocol == other.protocol
            and self.host_port == other.host_port != 0
            and _addresses_overlap(self.host_address, other.host_address)
        )


def parse(value: str) -> tuple[PublishedPort, ...]:
    """Return the ports of one `PublishPort=`: [[ADDRESS:][HOST]:]CONTAINER[/PROTOCOL].

    HOST and CONTAINER may be ranges of equal length (podman-run(1), `--publish`). Raises
    PublishInvalid.
    """
    found = _PUBLISH.fullmatch(value)
    if found is None:
        raise PublishInvalid("it is not of the form ADDRESS:HOST:CONTAINER/PROTOCOL")
    protocol = found["protocol"] or "tcp"
    if protocol not in PROTOCOLS:
        raise PublishInvalid(f"the protocol {protocol} is none of {', '.join(PROTOCOLS)}")
    address = (found["address"] or "").strip("[]")
    if address:
        try:
            ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            raise PublishInvalid(f"{address} is no address") from None
    container = _range(found["container"])
    host = _range(found["host"]) if found["host"] else [0] * len(container)
    if len(host) != len(container):
        raise PublishInvalid("the two ranges differ in length")
    return tuple(
        PublishedPort(
            host_address=address, host_port=outer, container_port=inner, protocol=protocol
        )
        for outer, inner in zip(host, container, strict=True)
    )


def _range(text: str) -> list[int]:
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise PublishInvalid(f"{text} is neither a port nor a range of ports")
    low, high = int(first), int(last or first)
    if not 0 < low <= high <= 65535:
        raise PublishInvalid(f"{text} is not within 1-65535")
    return list(range(low, high + 1))


def _addresses_overlap(one: str, other: str) -> bool:
    """Whether two addresses to listen on are the same, or one of them takes in the other.

    "" and "::" take in every address: Linux binds the latter to both families by default.
    """
    if one == other or "" in (one, other):
        return True
    first, second = ipaddress.ip_address(one), ipaddress.ip_address(other)
    if first.version == second.version:
        return first == second or first.is_unspecified or second.is_unspecified
    six = first if first.version == 6 else second
    return six.is_unspecified
