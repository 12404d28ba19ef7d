"""The example stacks hold together: names, secrets, ports, networks, files."""

import itertools
import re
import shlex
import subprocess
from ipaddress import ip_address, ip_network

import pytest
from unit.examples.stack_files import STACKS, Quadlet, Stack

EACH = pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
# Units of the host that a stack may name.
HOST_UNITS = {"tailscaled.service"}
QUADLETS = [quadlet for stack in STACKS.values() for quadlet in stack.quadlets]
CONTAINERS = [container for stack in STACKS.values() for container in stack.containers]


def secrets_of(stack: Stack) -> set[str]:
    lines = [line for c in stack.containers for line in c.values("Container", "Secret")]
    return {line.split(",")[0] for line in lines}


def published(container: Quadlet) -> list[tuple[str, str]]:
    """Return port and protocol on the host of each PublishPort."""
    ports = []
    for line in container.values("Container", "PublishPort"):
        numbers, _, protocol = line.partition("/")
        ports.append((numbers.split(":")[-2], protocol or "tcp"))
    return ports


@EACH
def test_every_unit_that_is_named_is_one_the_stack_generates(stack: Stack) -> None:
    for quadlet in stack.quadlets:
        for key in ("Requires", "Wants", "After", "Before", "BindsTo", "PartOf"):
            for name in " ".join(quadlet.values("Unit", key)).split():
                assert name in stack.units | HOST_UNITS, f"{quadlet.path.name}: {key}={name}"


@EACH
def test_whatever_is_required_is_also_waited_for(stack: Stack) -> None:
    for container in stack.containers:
        after = " ".join(container.values("Unit", "After")).split()
        for key in ("Requires", "Wants"):
            assert set(" ".join(container.values("Unit", key)).split()) <= set(after)


@EACH
def test_every_network_and_volume_that_is_named_is_in_the_stack(stack: Stack) -> None:
    names = {quadlet.path.name for quadlet in stack.quadlets}
    used = set()
    for container in stack.containers:
        networks = container.values("Container", "Network")
        sources = [v.split(":")[0] for v in container.values("Container", "Volume")]
        used |= {*networks, *(s for s in sources if not s.startswith(("./", "/")))}
    assert used == {name for name in names if not name.endswith(".container")}


@EACH
def test_every_file_that_is_mounted_or_read_is_in_the_stack(stack: Stack) -> None:
    for container in stack.containers:
        sources = [v.split(":")[0] for v in container.values("Container", "Volume")]
        sources += container.values("Container", "EnvironmentFile")
        for source in sources:
            if source.startswith("./"):
                assert (stack.directory / source).is_file(), source
            assert source.startswith("./") or source.endswith(".volume"), source


@EACH
def test_the_readme_puts_every_secret_and_no_other(stack: Stack) -> None:
    assert set(re.findall(r"leger secrets put (\w+)", stack.readme)) == secrets_of(stack)


@EACH
def test_the_readme_names_every_container(stack: Stack) -> None:
    for container in stack.containers:
        assert f"`{container.path.stem}`" in stack.readme


def test_no_port_is_published_twice_on_one_host() -> None:
    ports = [port for container in CONTAINERS for port in published(container)]
    assert sorted(ports) == sorted(set(ports))
    assert {("443", "tcp"), ("443", "udp")} <= set(ports)


def test_no_port_but_that_of_the_front_door_is_open_to_other_hosts() -> None:
    for container in CONTAINERS:
        for line in container.values("Container", "PublishPort"):
            assert line.startswith("127.0.0.1:") or container.path.stem == "caddy"


def test_no_name_is_given_twice_on_one_host() -> None:
    for section, key in (
        ("Container", "ContainerName"),
        ("Volume", "VolumeName"),
        ("Network", "NetworkName"),
    ):
        named = [q for q in QUADLETS if q.path.suffix == f".{section.lower()}"]
        names = [quadlet.value(section, key) for quadlet in named]
        assert sorted(names) == sorted(set(names))


def test_both_networks_fit_on_one_host() -> None:
    networks = [quadlet for quadlet in QUADLETS if quadlet.path.suffix == ".network"]
    subnets = [ip_network(network.value("Network", "Subnet")) for network in networks]
    assert ip_network("10.89.0.0/24") in subnets
    assert not any(a.overlaps(b) for a, b in itertools.combinations(subnets, 2))
    for network, subnet in zip(networks, subnets, strict=True):
        assert ip_address(network.value("Network", "Gateway")) in subnet


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda c: c.path.stem)
def test_every_container_is_started_at_boot_and_waited_for_until_healthy(
    container: Quadlet,
) -> None:
    assert container.value("Install", "WantedBy") == "multi-user.target default.target"
    assert container.value("Container", "Notify") == "healthy"
    assert container.value("Container", "ContainerName") == container.path.stem


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda c: c.path.stem)
def test_every_health_check_reaches_the_shell_as_it_was_written(container: Quadlet) -> None:
    command = container.value("Container", "HealthCmd")
    # Quadlet 5.4 takes a double quote at the end of a value away.
    assert not command.endswith('"')
    assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0
    assert shlex.split(command)


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda c: c.path.stem)
def test_every_image_is_named_in_full(container: Quadlet) -> None:
    registry, _, rest = container.value("Container", "Image").partition("/")
    assert "." in registry or registry == "localhost"
    assert re.fullmatch(r"[\w./-]+:[\w.-]+", rest)


@pytest.mark.parametrize("name", ["postgres", "redis", "web"])
def test_every_image_of_notes_can_be_built_from_a_public_base(name: str) -> None:
    directory = STACKS["notes"].directory / "images" / name
    text = (directory / "Containerfile").read_text()
    assert "ARG BASE_IMAGE=docker.io/library/debian:trixie-slim\nFROM ${BASE_IMAGE}\n" in text
    assert "COPY packages " in text
    assert re.search(r"^USER (?!root)\w+$", text, re.MULTILINE)
    for source in re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", text, re.MULTILINE):
        for file in source.split():
            assert (directory / file).is_file(), file
