"""Published ports are read as podman reads them; what cannot be bound together overlaps."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leger_deployer.domain.published_port import PublishedPort, PublishInvalid, parse


def one(value: str) -> PublishedPort:
    (port,) = parse(value)
    return port


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("80:8080", ("", 80, 8080, "tcp")),
        ("127.0.0.1:4000:4000", ("127.0.0.1", 4000, 4000, "tcp")),
        ("443:443/udp", ("", 443, 443, "udp")),
        ("8080", ("", 0, 8080, "tcp")),
        ("127.0.0.1::80", ("127.0.0.1", 0, 80, "tcp")),
        ("[::1]:53:53/udp", ("::1", 53, 53, "udp")),
        ("[::]:53:53", ("::", 53, 53, "tcp")),
    ],
)
def test_the_forms_of_a_published_port(value: str, port: tuple[str, int, int, str]) -> None:
    address, host, container, protocol = port
    assert one(value) == PublishedPort(
        host_address=address, host_port=host, container_port=container, protocol=protocol
    )


def test_a_range_is_as_many_ports() -> None:
    ports = parse("127.0.0.1:9000-9002:80-82/udp")
    assert [(p.host_port, p.container_port) for p in ports] == [(9000, 80), (9001, 81), (9002, 82)]


@pytest.mark.parametrize(
    "value",
    ["", "a", "1:2:3:4", "80:80/http", "0:80:80", "80:99999", "9000-9002:80", "3-2:3-2",
     "300.1.1.1:80:80", "localhost:80:80"],
)  # fmt: skip
def test_what_podman_would_refuse_is_refused(value: str) -> None:
    with pytest.raises(PublishInvalid):
        parse(value)


@given(st.text())
def test_any_text_is_read_or_refused(value: str) -> None:
    with contextlib.suppress(PublishInvalid):
        parse(value)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("443:443", "443:8443"),
        ("127.0.0.1:80:80", "80:80"),
        ("127.0.0.1:80:80", "0.0.0.0:80:80"),
        ("127.0.0.1:80:80", "[::]:80:80"),
        ("[::1]:80:80", "[::]:80:80"),
        ("[::1]:80:80", "80:80"),
    ],
)
def test_a_port_on_overlapping_addresses_overlaps(first: str, second: str) -> None:
    assert one(first).overlaps(one(second))
    assert one(second).overlaps(one(first))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("443:443/tcp", "443:443/udp"),
        ("3000:8080", "8888:8080"),
        ("8888:8080", "127.0.0.1:8889:8888"),
        ("127.0.0.1:80:80", "127.0.0.2:80:80"),
        ("[::1]:80:80", "0.0.0.0:80:80"),
        ("8080", "8080"),
    ],
)
def test_other_protocols_ports_and_addresses_do_not(first: str, second: str) -> None:
    assert not one(first).overlaps(one(second))
