"""What somebody else has is found, named, and told apart from what only looks alike."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest
from leger_deployer.domain.conflicts import Conflicts
from leger_deployer.domain.errors import PortInUse, ResourceConflict, UnitConflict
from leger_deployer.domain.generator_output import GeneratedUnit
from leger_deployer.domain.ports.container_engine import Network
from leger_deployer.domain.ports.unit_manager import UnitState
from leger_deployer.domain.published_port import parse
from leger_deployer.domain.quadlet_file import UnitFile
from leger_deployer.domain.stack import Generation, StackUnit, UnitKind
from unit.deployer.fakes import FakeHost, FakeUnits


def unit(name: str, kind: UnitKind = UnitKind.CONTAINER, **more: object) -> StackUnit:
    suffix = "" if kind is UnitKind.CONTAINER else f"-{kind.value}"
    made = StackUnit(file=f"{name}.{kind.value}", unit=f"{name}{suffix}.service", kind=kind)
    return replace(made, **more)  # type: ignore[arg-type]


def publishing(name: str, *ports: str) -> StackUnit:
    return unit(name, ports=tuple(port for text in ports for port in parse(text)))


def installed(stack: str, *units: StackUnit) -> Generation:
    return Generation(stack=stack, number=1, apply_time=datetime.now(UTC), units=units)


def check(host: FakeHost, *wanted: StackUnit, others: tuple[Generation, ...] = ()) -> list[str]:
    return Conflicts(units=FakeUnits(host), engine=host, commands=host).check(wanted, others, ())


def sockets(**tables: str) -> str:
    return "".join(
        f"==> /proc/net/{table} <==\n  sl  local_address rem_address   st\n{rows}"
        for table, rows in tables.items()
    )


def test_a_stack_of_its_own_names_and_ports_has_no_conflict(host: FakeHost) -> None:
    assert check(host, publishing("web", "80:80"), unit("net", UnitKind.NETWORK)) == []


def test_a_unit_that_is_there_is_named_with_the_file_that_makes_it(host: FakeHost) -> None:
    host.states["dbus.service"] = UnitState(
        unit="dbus.service", load="loaded", source="/usr/lib/systemd/system/dbus.service"
    )
    with pytest.raises(UnitConflict, match=r"dbus\.container becomes dbus\.service.*/usr/lib"):
        check(host, unit("dbus"))


def test_a_unit_of_a_quadlet_that_systemd_has_not_read_yet_is_there_too(host: FakeHost) -> None:
    other = GeneratedUnit(
        name="web.service",
        source=PurePosixPath("/etc/containers/systemd/other.container"),
        file=UnitFile(),
    )
    conflicts = Conflicts(units=FakeUnits(host), engine=host, commands=host)
    with pytest.raises(UnitConflict, match=r"web\.service.*/etc/containers/systemd/other"):
        conflicts.check([unit("web")], (), [other])


@pytest.mark.parametrize(
    ("table", "address", "publish"),
    [
        ("tcp", "0100007F:1F90", "127.0.0.1:8080:80"),
        ("tcp", "0100007F:1F90", "8080:80"),
        ("tcp", "00000000:1F90", "127.0.0.1:8080:80"),
        ("tcp6", "00000000000000000000000000000000:1F90", "127.0.0.1:8080:80"),
        ("tcp6", "00000000000000000000000001000000:1F90", "[::1]:8080:80"),
        ("tcp6", "0000000000000000FFFF00000100007F:1F90", "127.0.0.1:8080:80"),
    ],
)
def test_a_port_on_which_the_host_listens_is_taken(
    host: FakeHost, table: str, address: str, publish: str
) -> None:
    host.sockets = sockets(**{table: f"   0: {address} 00000000:0000 0A\n"})
    with pytest.raises(PortInUse, match=r"8080/tcp.*web\.service.*taken by a process"):
        check(host, publishing("web", publish))


def test_a_bound_udp_socket_takes_its_port(host: FakeHost) -> None:
    host.sockets = sockets(udp="   0: 00000000:01BB 00000000:0000 07\n")
    assert check(host, publishing("web", "443:443/tcp")) == []
    with pytest.raises(PortInUse, match="443/udp"):
        check(host, publishing("web", "443:443/udp"))


def test_a_connection_and_another_address_do_not_take_a_port(host: FakeHost) -> None:
    host.sockets = sockets(
        tcp="   0: 0100007F:1F90 0100007F:C350 01\n   1: 0200007F:1F90 00000000:0000 0A\n"
    )
    assert check(host, publishing("web", "127.0.0.1:8080:80")) == []


def test_443_of_tcp_and_of_udp_are_two_ports(host: FakeHost) -> None:
    assert check(host, publishing("caddy", "80:80", "443:443", "443:443/udp")) == []


def test_one_port_inside_of_many_containers_is_no_conflict(host: FakeHost) -> None:
    assert (
        check(
            host,
            publishing("openwebui", "127.0.0.1:3000:8080"),
            publishing("searxng", "8888:8080"),
            publishing("llama-swap", "127.0.0.1:9292:8080"),
            publishing("jupyter", "127.0.0.1:8889:8888"),
        )
        == []
    )


def test_a_port_that_a_stopped_stack_publishes_is_its_own(host: FakeHost) -> None:
    other = installed("notes", publishing("notes", "8888:80"))
    with pytest.raises(PortInUse, match=r"notes\.service of the stack notes"):
        check(host, publishing("searxng", "8888:8080"), others=(other,))


def test_two_services_of_one_stack_cannot_publish_one_port(host: FakeHost) -> None:
    with pytest.raises(PortInUse, match=r"a\.service of this stack"):
        check(host, publishing("a", "80:80"), publishing("b", "127.0.0.1:80:80"))


def test_a_port_that_podman_chooses_is_never_taken(host: FakeHost) -> None:
    assert check(host, publishing("a", "80"), publishing("b", "80")) == []


def test_a_container_that_is_there_is_a_conflict(host: FakeHost) -> None:
    host.container_names.add("systemd-web")
    with pytest.raises(ResourceConflict, match=r"container systemd-web"):
        check(host, unit("web", resource="systemd-web"))


def test_a_name_that_another_stack_has_is_a_conflict(host: FakeHost) -> None:
    other = installed("notes", unit("data", UnitKind.VOLUME, resource="data"))
    with pytest.raises(ResourceConflict, match=r"volume data.*belongs to the stack notes"):
        check(host, unit("mine", UnitKind.VOLUME, resource="data"), others=(other,))


def test_two_units_of_one_stack_cannot_make_one_container(host: FakeHost) -> None:
    with pytest.raises(ResourceConflict, match=r"made by a\.service too"):
        check(host, unit("a", resource="x"), unit("b", resource="x"))


def test_a_network_that_is_there_is_a_conflict(host: FakeHost) -> None:
    host.network_list.append(Network(name="llm"))
    with pytest.raises(ResourceConflict, match="network llm"):
        check(host, unit("llm", UnitKind.NETWORK, resource="llm"))


@pytest.mark.parametrize("subnet", ["10.89.0.0/24", "10.89.0.128/25", "10.0.0.0/8", "10.89.0.9/24"])
def test_a_subnet_that_overlaps_is_a_conflict(host: FakeHost, subnet: str) -> None:
    host.network_list.append(Network(name="theirs", subnets=("10.89.0.0/24", "fd00::/64")))
    with pytest.raises(ResourceConflict, match="theirs"):
        check(host, unit("n", UnitKind.NETWORK, resource="n", subnets=(subnet,)))


def test_another_subnet_is_none(host: FakeHost) -> None:
    host.network_list.append(Network(name="theirs", subnets=("10.89.0.0/24", "fd00::/64")))
    wanted = unit("n", UnitKind.NETWORK, resource="n", subnets=("10.89.1.0/24", "fd01::/64", "?"))
    assert check(host, wanted) == []


def test_volumes_that_are_there_are_used_and_told_of(host: FakeHost) -> None:
    host.volume_names |= {"kept", "shared"}
    other = installed("notes", unit("notes", volumes=("shared",)))
    notes = check(host, unit("web", volumes=("kept", "new", "shared")), others=(other,))
    assert notes == [
        "The volume kept exists, and is used with the data that it holds.",
        "The volume shared is shared with the stack notes.",
    ]
