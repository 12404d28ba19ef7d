"""Services and their ports at a terminal of 80 columns."""

import time

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from leger.deployer.v1 import deployer_pb2 as d
from leger_cli.views import ports
from leger_cli.views import services as view
from unit.cli.conftest import Written

WEB = d.PublishedPort(host_address="127.0.0.1", host_port=8080, container_port=80, protocol="tcp")
METRICS = d.PublishedPort(host_port=9090, container_port=9090, protocol="tcp")


def seen(written: Written) -> str:
    return "\n" + written()


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> list[d.ServiceStatus]:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_600.0)
    since = Timestamp(seconds=1_700_000_000)
    return [
        d.ServiceStatus(
            stack="notes",
            service="notes-db",
            unit="notes-db.service",
            state=d.SERVICE_STATE_RUNNING,
            since=since,
            image="localhost/notes-db:1",
        ),
        d.ServiceStatus(
            stack="notes",
            service="notes-web",
            unit="notes-web.service",
            state=d.SERVICE_STATE_FAILED,
            ports=[WEB, METRICS],
            requires=["notes-cache", "notes-db"],
            since=Timestamp(seconds=1_700_000_590),
            why='The secret "api_key" is not stored, so systemd could not give it to the unit.',
            restarts=5,
            image="localhost/notes-web:1",
        ),
    ]


def test_status_at_a_terminal(terminal: Written, services: list[d.ServiceStatus]) -> None:
    view.status(services)
    assert (
        seen(terminal)
        == """
STACK  SERVICE    PORT      PUBLISHED       STATE        REQUIRES
notes  notes-db   -         -               running 10m  -
notes  notes-web  80/tcp    127.0.0.1:8080  failed 10s   notes-cache, notes-db
                  9090/tcp  *:9090

! notes-web is failed after 5 restarts: The secret "api_key" is not stored, so
  systemd could not give it to the unit.
  → leger services logs notes-web
"""
    )


def test_status_in_a_pipe_is_never_wrapped(pipe: Written, services: list[d.ServiceStatus]) -> None:
    services[1].requires.extend(f"notes-worker-{number:02}" for number in range(20))
    view.status(services)
    rows = pipe().splitlines()
    assert rows[2].endswith("notes-worker-19")
    assert "could not give it to the unit." in rows[5]


def test_a_table_is_no_wider_than_the_terminal(
    terminal: Written, services: list[d.ServiceStatus]
) -> None:
    services[1].requires.extend(f"notes-worker-{number:02}" for number in range(20))
    view.status(services)
    written = terminal()
    assert max(map(len, written.splitlines())) <= 80
    assert "notes-worker-19" in written


def test_services_at_a_terminal(terminal: Written, services: list[d.ServiceStatus]) -> None:
    view.details(services[:1])
    assert (
        seen(terminal)
        == """
SERVICE   STACK  UNIT              STATE        RESTARTS  IMAGE
notes-db  notes  notes-db.service  running 10m  0         localhost/notes-db:1
"""
    )


def test_no_service_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    view.status([])
    said = capsys.readouterr()
    assert said.out == ""
    assert "leger deploy install" in said.err


def test_foreign_text_cannot_command_the_terminal(
    terminal: Written, services: list[d.ServiceStatus]
) -> None:
    services[1].why = "bad \x1b]0;owned\x07"
    services[1].service = "web\x1b[2J"
    view.status(services)
    written = terminal()
    assert "\x1b" not in written
    assert "web\\x1b[2J" in written


def test_ports_are_written_as_people_write_them() -> None:
    v6 = d.PublishedPort(host_address="::1", host_port=53, container_port=53, protocol="udp")
    assert [ports.host_side(p) for p in (WEB, METRICS, v6, d.PublishedPort())] == [
        "127.0.0.1:8080",
        "*:9090",
        "[::1]:53",
        "*:any",
    ]
    assert ports.container_side(v6) == "53/udp"
