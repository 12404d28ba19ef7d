"""A plan at a terminal of 80 columns."""

from leger.deployer.v1 import deployer_pb2 as d
from leger_cli.views import plan as view
from unit.cli.conftest import Written

WEB = d.PublishedPort(host_address="127.0.0.1", host_port=8080, container_port=80, protocol="tcp")


def seen(written: Written) -> str:
    return "\n" + written()


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
    view.show(d.Plan(stack="mine", units=units))
    shown = terminal()
    assert shown.count("(will be built)") == 2
    assert "pulled" not in shown


def test_a_plan_at_a_terminal(terminal: Written) -> None:
    view.show(a_plan(stored=False))
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
    view.verdict(a_plan(stored=False))
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
    assert view.missing_secrets(plan) == ["api_key"]
