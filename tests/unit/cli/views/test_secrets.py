"""Secrets at a terminal of 80 columns, never their values."""

import time

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import secrets_pb2 as s
from leger_cli.views import secrets as view
from unit.cli.conftest import Written

NOW = 1_700_000_000
DAY = 86_400


def seen(written: Written) -> str:
    return "\n" + written()


def at(days: float) -> Timestamp:
    """Return the time so many days from now."""
    return Timestamp(seconds=int(NOW + days * DAY))


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> s.SecretInfo:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    return s.SecretInfo(
        name="api_key",
        versions=[
            s.SecretVersion(version=number, create_time=at(number - 3), created_by="operator:root")
            for number in (1, 2)
        ],
        active_version=2,
        previous_version=1,
        units=["notes-web.service", "worker@.service"],
        create_time=at(-2),
        created_by="operator:root",
        update_time=at(-1),
        updated_by="token:ci",
        activate_time=at(-1),
    )


@pytest.fixture
def noted(secret: s.SecretInfo) -> s.SecretInfo:
    """The same, with all that can be noted."""
    secret.notes.description = "For the assistant"
    secret.notes.labels.update({"team": "home", "paid": ""})
    secret.notes.expire_time.CopyFrom(at(5))
    secret.notes.rotate_after_days = 30
    secret.rotate_due_time.CopyFrom(at(29))
    return secret


def test_the_details_are_the_versions_and_who_gets_them(
    terminal: Written, secret: s.SecretInfo
) -> None:
    view.details(secret)
    assert (
        seen(terminal)
        == """
api_key
  used by       notes-web.service, worker@.service
  created       2023-11-12 22:13:20 by operator:root
  changed       2023-11-13 22:13:20 by token:ci
  active since  2023-11-13 22:13:20

VERSION  STORED               BY             STATE
2        2023-11-13 22:13:20  operator:root  active
1        2023-11-12 22:13:20  operator:root  previous
"""
    )


def test_the_details_have_what_is_noted(terminal: Written, noted: s.SecretInfo) -> None:
    view.details(noted)
    assert (
        terminal().split("\n\n")[0]
        == """\
api_key
  description   For the assistant
  used by       notes-web.service, worker@.service
  labels        paid, team=home
  expires       2023-11-19 22:13:20, expires in 5 days
  rotate        every 30 days, in 29 days
  created       2023-11-12 22:13:20 by operator:root
  changed       2023-11-13 22:13:20 by token:ci
  active since  2023-11-13 22:13:20"""
    )


def test_a_row_a_secret(terminal: Written, secret: s.SecretInfo, noted: s.SecretInfo) -> None:
    view.table([noted], labels=False)
    assert (
        seen(terminal)
        == """
NAME     ACTIVE  VERSIONS  CHANGED  DUE                USED BY
api_key  2       2         1d ago   expires in 5 days  notes-web.service,
                                                       worker@.service
"""
    )


def test_labels_have_a_column_when_they_are_asked_for(pipe: Written, noted: s.SecretInfo) -> None:
    view.table([noted], labels=True)
    head, row = pipe().splitlines()
    assert head.endswith("LABELS")
    assert row.endswith("paid, team=home")


def test_a_new_value_hints_at_the_services_to_restart_but_no_template(
    terminal: Written, secret: s.SecretInfo
) -> None:
    view.put(s.PutSecretResponse(version=3, active=True, created=True), secret)
    assert (
        seen(terminal)
        == """
api_key: version 3 stored and active
→ leger services restart notes-web
"""
    )


def test_a_value_that_was_there_hints_at_nothing(terminal: Written, secret: s.SecretInfo) -> None:
    view.put(s.PutSecretResponse(version=2, active=True, created=False), secret)
    assert seen(terminal) == "\napi_key: version 2 has this value already and is active\n"


def test_a_version_that_only_waits_says_how_it_becomes_active(
    terminal: Written, secret: s.SecretInfo
) -> None:
    view.put(s.PutSecretResponse(version=3, active=False, created=True), secret)
    assert (
        seen(terminal)
        == """
api_key: version 3 stored; version 2 is active
→ leger secrets activate api_key 3
"""
    )


def test_activating_the_active_version_says_so(terminal: Written, secret: s.SecretInfo) -> None:
    view.activated(secret, previous=2)
    assert seen(terminal) == "\napi_key: version 2 was active already\n"


def test_a_generated_value_is_not_part_of_what_is_said(
    terminal: Written, secret: s.SecretInfo
) -> None:
    view.generated(s.GenerateSecretResponse(version=3, active=True), secret)
    assert (
        seen(terminal)
        == """
api_key: version 3 made and active
→ leger services restart notes-web
"""
    )


def test_a_public_key_alone_is_the_output(
    capsys: pytest.CaptureFixture[str], secret: s.SecretInfo
) -> None:
    made = s.GenerateSecretResponse(version=3, active=False, public_key="ssh-ed25519 AAAA\n")
    view.generated(made, secret)
    said = capsys.readouterr()
    assert said.out == "ssh-ed25519 AAAA\n"
    assert said.err == (
        "api_key: version 3 made; version 2 is active\n→ leger secrets activate api_key 3\n"
    )
