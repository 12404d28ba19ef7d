"""`leger secrets status`, `seal`, `unseal` and `rekey` against the real service."""

import json
import re

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer
from contract.cli.store import Store

PASSPHRASE = "five random words are good"


@pytest.fixture
def stored(secrets: Store) -> Store:
    secrets.put("api_key", b"first")
    return secrets


def status(leger: Leger) -> dict[str, object]:
    answer: dict[str, object] = json.loads(leger.run("secrets", "status", "--json").out)
    return answer


def test_an_open_store_says_what_it_is(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "status")
    assert done.code == 0
    rows = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert rows["State"] == "open"
    assert rows["Secrets"] == "1"
    assert re.match(r"\d+ seconds? old, of 20", rows["Key"])
    assert "Opens with   the host's root key\n" in done.out


def test_a_sealed_store_says_why_and_what_to_do(leger: Leger, stored: Store) -> None:
    assert leger.run("secrets", "seal").out == "The store is sealed.\n"
    done = leger.run("secrets", "status")
    assert done.code == 0
    assert "operator:tester has sealed it." in done.out
    refused = leger.run("secrets", "get", "api_key")
    assert refused.code == 8
    assert "sealed" in refused.err
    found = status(leger)
    assert found["sealed"] is True
    assert found["secrets"] is None
    assert leger.run("secrets", "unseal").out == "The store is open.\n"
    assert leger.run("secrets", "unseal").out == "The store was open already.\n"
    assert leger.run("secrets", "get", "api_key").out == "first"


def test_a_damaged_database_is_replaced_as_its_hint_says(leger: Leger, stored: Store) -> None:
    name = json.loads(leger.run("secrets", "backup", "--scheduled", "--json").out)["file"]
    leger.run("secrets", "seal")
    [database] = leger.runtime.rglob("secrets.db")
    database.write_bytes(bytes(database.stat().st_size))
    assert leger.run("secrets", "unseal").code != 0
    hint = leger.run("secrets", "status", "--json").out
    for step in ("secrets.db* away, but not keyring.json", "restore --scheduled NAME"):
        assert step in hint
    for file in database.parent.glob("secrets.db*"):
        file.unlink()
    done = leger.run("secrets", "unseal", "--accept-rollback")
    assert done.out == "The store is open. It holds no secrets.\n"
    assert "leger secrets backups" in done.err
    assert leger.run("secrets", "restore", "--scheduled", name).code == 0
    assert leger.run("secrets", "get", "api_key").out == "first"


def test_a_passphrase_is_piped_in_and_asked_for(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "rekey", "--passphrase", stdin=f"{PASSPHRASE}\n".encode())
    assert done.code == 0
    assert "encrypted anew" in done.out
    assert "leger secrets unseal" in done.err
    stored.restart()
    assert status(leger)["cause"] == {
        "reason": "PASSPHRASE_NEEDED",
        "what": "The store opens with a passphrase, which somebody has to type.",
        "why": "`leger secrets rekey --passphrase` has set one, so the host's root key does not"
        " open it.",
        "next": "Type it: `leger secrets unseal`.",
    }
    wrong = leger.run("secrets", "unseal", stdin=b"not this one\n")
    assert wrong.code == 7
    done = leger.at_terminal("secrets", "unseal", answers=[PASSPHRASE])
    assert done.code == 0
    assert PASSPHRASE not in done.out
    assert leger.run("secrets", "get", "api_key").out == "first"
    assert PASSPHRASE not in stored.audit_log
    assert json.loads(leger.run("secrets", "rekey", "--root-key", "--json").out)["unlock"] == (
        "root-key"
    )


def test_a_new_passphrase_is_typed_twice(leger: Leger, stored: Store) -> None:
    done = leger.at_terminal("secrets", "rekey", "--passphrase", answers=[PASSPHRASE, "another"])
    assert done.code != 0
    assert status(leger)["unlock"] == "root-key"
    done = leger.at_terminal("secrets", "rekey", "--passphrase", answers=[PASSPHRASE, PASSPHRASE])
    assert done.code == 0
    assert status(leger)["unlock"] == "passphrase"


def test_a_weak_passphrase_is_refused_with_the_rule(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "rekey", "--passphrase", stdin=b"too short\n")
    assert done.code == 7
    assert "fewer than 12 characters" in done.err


def test_two_ways_to_open_are_one_too_many(leger: Leger, stored: Store) -> None:
    assert leger.run("secrets", "rekey", "--passphrase", "--root-key").code == 2


def test_units_that_went_without_are_named(leger: Leger, stored: Store) -> None:
    stored.bind("api_key", "web.service")
    leger.run("secrets", "seal")
    stored.ask("web.service", "api_key")
    done = leger.run("secrets", "unseal")
    assert "leger services start web" in done.err


def test_the_status_of_stacks_mentions_a_sealed_store(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    assert json.loads(leger.run("status", "--json").out)["store_sealed"] is False
    leger.run("secrets", "seal")
    done = leger.run("status")
    assert done.code == 0
    assert "The secrets store is sealed" in done.err
