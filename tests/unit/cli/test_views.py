"""What a person sees at a terminal of 80 columns."""

import time

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from leger.deployer.v1 import deployer_pb2 as d
from leger_cli.views import plan as plan_view
from leger_cli.views import ports, words
from leger_cli.views import services as services_view
from leger_cli.views import stacks as stacks_view
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
    services_view.status(services)
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
    services_view.status(services)
    rows = pipe().splitlines()
    assert rows[2].endswith("notes-worker-19")
    assert "could not give it to the unit." in rows[5]


def test_a_table_is_no_wider_than_the_terminal(
    terminal: Written, services: list[d.ServiceStatus]
) -> None:
    services[1].requires.extend(f"notes-worker-{number:02}" for number in range(20))
    services_view.status(services)
    written = terminal()
    assert max(map(len, written.splitlines())) <= 80
    assert "notes-worker-19" in written


def test_services_at_a_terminal(terminal: Written, services: list[d.ServiceStatus]) -> None:
    services_view.details(services[:1])
    assert (
        seen(terminal)
        == """
SERVICE   STACK  UNIT              STATE        RESTARTS  IMAGE
notes-db  notes  notes-db.service  running 10m  0         localhost/notes-db:1
"""
    )


def test_no_service_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    services_view.status([])
    said = capsys.readouterr()
    assert said.out == ""
    assert "leger deploy install" in said.err


def test_foreign_text_cannot_command_the_terminal(
    terminal: Written, services: list[d.ServiceStatus]
) -> None:
    services[1].why = "bad \x1b]0;owned\x07"
    services[1].service = "web\x1b[2J"
    services_view.status(services)
    written = terminal()
    assert "\x1b" not in written
    assert "web\\x1b[2J" in written


def a_plan(*, stored: bool) -> d.Plan:
    return d.Plan(
        stack="notes",
        units=[
            d.PlannedUnit(unit="notes-network.service", kind=d.UNIT_KIND_NETWORK),
            d.PlannedUnit(
                unit="notes-db.service",
                kind=d.UNIT_KIND_CONTAINER,
                image="localhost/notes-db:1",
                image_present=True,
                requires=["notes-network.service"],
                waits_for_health=True,
            ),
            d.PlannedUnit(
                unit="notes-web.service",
                kind=d.UNIT_KIND_CONTAINER,
                image="registry.example/notes-web:1",
                ports=[WEB],
                requires=["notes-db.service", "notes-network.service"],
            ),
        ],
        secrets=[
            d.SecretUse(
                unit="notes-db.service",
                secret="db_password",
                type="mount",
                target="/run/secrets/db_password",
                stored=True,
            ),
            d.SecretUse(
                unit="notes-web.service",
                secret="api_key",
                type="env",
                target="API_KEY",
                stored=stored,
            ),
        ],
        assets=["conf.d/app.conf", "schema.sql"],
        warnings=["notes-web.container names an image by a tag, which may move."],
    )


def test_an_image_that_the_stack_builds_is_not_said_to_be_pulled(terminal: Written) -> None:
    units = [
        d.PlannedUnit(unit="mine-build.service", kind=d.UNIT_KIND_BUILD, image="localhost/mine"),
        d.PlannedUnit(unit="web.service", kind=d.UNIT_KIND_CONTAINER, image="localhost/mine"),
    ]
    plan_view.show(d.Plan(stack="mine", units=units))
    shown = terminal()
    assert shown.count("(will be built)") == 2
    assert "pulled" not in shown


def test_a_plan_at_a_terminal(terminal: Written) -> None:
    plan_view.show(a_plan(stored=False))
    assert (
        seen(terminal)
        == """
Stack notes

Units, in the order in which they start:
  1. notes-network.service  network
  2. notes-db.service       container
     image      localhost/notes-db:1 (on this host)
     requires   notes-network.service
     waits      until its health check passes
  3. notes-web.service      container
     image      registry.example/notes-web:1 (will be pulled)
     published  127.0.0.1:8080 → 80/tcp
     requires   notes-db.service, notes-network.service

Secrets:
  ✗ api_key  not stored → leger secrets put api_key
      notes-web.service as API_KEY
  ✓ db_password
      notes-db.service at /run/secrets/db_password

Files:
  conf.d/app.conf, schema.sql

! warning: notes-web.container names an image by a tag, which may move.
"""
    )


def test_the_verdict_on_a_valid_stack(terminal: Written) -> None:
    plan_view.verdict(a_plan(stored=False))
    assert (
        seen(terminal)
        == """
✓ notes is valid: 3 units, 2 secrets, 2 other files
  not stored yet → leger secrets put api_key

! warning: notes-web.container names an image by a tag, which may move.
"""
    )


def test_missing_secrets_are_named_once() -> None:
    plan = a_plan(stored=False)
    plan.secrets.append(plan.secrets[1])
    assert plan_view.missing_secrets(plan) == ["api_key"]


def test_a_removal_names_the_volumes_it_left(terminal: Written) -> None:
    stacks_view.removed(
        d.RemoveResult(stack="notes", stopped_units=["web.service"], kept_volumes=["data"])
    )
    assert (
        seen(terminal)
        == """
notes: removed, 1 unit stopped
  kept volumes, for when the stack is installed again: data
"""
    )


def test_ports_are_written_as_people_write_them() -> None:
    v6 = d.PublishedPort(host_address="::1", host_port=53, container_port=53, protocol="udp")
    assert [ports.host_side(p) for p in (WEB, METRICS, v6, d.PublishedPort())] == [
        "127.0.0.1:8080",
        "*:9090",
        "[::1]:53",
        "*:any",
    ]
    assert ports.container_side(v6) == "53/udp"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (0.4, "0s"), (59, "59s"), (61, "1m"), (7_300, "2h"), (90_000, "1d")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert words.age(seconds) == text


def test_long_work_is_timed_in_minutes() -> None:
    assert (words.elapsed(0.44), words.elapsed(125)) == ("0.4s", "2m 05s")
