"""What is noted about secrets: `leger secrets update`, and what list and info say of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from contract.cli.conftest import Leger
from contract.cli.store import Store
from leger.secrets.v1 import secrets_pb2 as s


@pytest.fixture
def stored(secrets: Store) -> Store:
    secrets.put("api_key", b"one")
    secrets.put("db", b"two")
    return secrets


def test_notes_are_shown_once_they_are_taken(leger: Leger, stored: Store) -> None:
    done = leger.run(
        *("secrets", "update", "api_key", "--description", "For the assistant"),
        *("--label", "team=home", "--label", "paid", "--rotate-every", "90d"),
        *("--expires", "2999-01-01"),
    )
    assert (done.code, done.err) == (0, "")
    facts = {line[2:14].strip(): line[16:] for line in done.out.splitlines() if line[:2] == "  "}
    assert facts["description"] == "For the assistant"
    assert facts["labels"] == "paid, team=home"
    assert facts["expires"].startswith("2999-01-01 00:00:00, expires in ")
    assert facts["rotate"] == "every 90 days, in 89 days"
    assert leger.run("secrets", "info", "api_key").out == done.out
    assert stored.values()["api_key"] == [b"one"]


def test_what_is_not_named_stays(leger: Leger, stored: Store) -> None:
    leger.run("secrets", "update", "db", "--label", "a=1", "--label", "b=2", "--expires", "90d")
    leger.run("secrets", "update", "db", "--remove-label", "a", "--label", "c=3")
    leger.run("secrets", "update", "db", "--description", "x", "--rotate-every", "12w")
    notes = stored.info("db").notes
    assert dict(notes.labels) == {"b": "2", "c": "3"}
    assert notes.rotate_after_days == 84
    expires = notes.expire_time.ToDatetime(UTC)
    assert timedelta(days=89) < expires - datetime.now(UTC) <= timedelta(days=90)


def test_never_takes_a_date_away(leger: Leger, stored: Store) -> None:
    leger.run("secrets", "update", "db", "--expires", "90d", "--rotate-every", "7d")
    done = leger.run(
        *("secrets", "update", "db", "--expires", "never", "--rotate-every", "never"),
        *("--description", "", "--json"),
    )
    found = json.loads(done.out)
    assert (found["expire_time"], found["rotate_due_time"]) == (None, None)
    assert found["rotate_after_days"] is None


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 2),
        (["--expires", "tomorrow"], 2),
        (["--expires", "999999w"], 2),
        (["--rotate-every", "0d"], 2),
        (["--rotate-every", "2027-01-01"], 2),
        (["--label", "a=1", "--remove-label", "a"], 2),
        (["--label", "=x"], 7),
        (["--rotate-every", "3651d"], 7),
        (["--description", "a\nb"], 7),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    leger: Leger, stored: Store, options: list[str], code: int
) -> None:
    done = leger.run("secrets", "update", "db", *options)
    assert (done.code, done.out) == (code, "")
    assert stored.info("db").notes == s.SecretNotes()


def test_a_secret_that_is_not_there_cannot_be_noted(leger: Leger, stored: Store) -> None:
    assert leger.run("secrets", "update", "nothing", "--description", "x").code == 5


def names(leger: Leger, *options: str) -> list[str]:
    done = leger.run("secrets", "list", "--json", *options)
    return [secret["name"] for secret in json.loads(done.out)["secrets"]]


def test_labels_choose_what_is_listed(leger: Leger, stored: Store) -> None:
    stored.put("other", b"x")
    stored.update("api_key", s.SecretNotes(labels={"team": "home", "paid": ""}), "labels")
    stored.update("db", s.SecretNotes(labels={"team": "work"}), "labels")
    assert names(leger, "--label", "team") == ["api_key", "db"]
    assert names(leger, "--label", "team=work") == ["db"]
    assert names(leger, "--label", "team", "--label", "paid") == ["api_key"]
    assert names(leger, "--label", "team=") == []
    out = leger.run("secrets", "list", "--label", "team=home").out
    assert out.splitlines()[1].endswith("paid, team=home")


def test_what_is_due_can_be_listed_alone(leger: Leger, stored: Store) -> None:
    leger.run("secrets", "update", "api_key", "--expires", "10d")
    leger.run("secrets", "update", "db", "--expires", "20d", "--rotate-every", "1d")
    assert names(leger, "--due") == ["api_key"]
    assert "expires in 9 days" in leger.run("secrets", "list").out
    stored.put("old", b"x")
    leger.run("secrets", "update", "old", "--expires", "2020-01-01")
    assert names(leger, "--due") == ["api_key", "old"]


def test_a_choice_that_fits_nothing_says_so(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "list", "--label", "nobody")
    assert (done.code, done.out) == (0, "")
    assert done.err == "No secret matches.\n→ leger secrets list\n"
