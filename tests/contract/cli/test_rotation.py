"""`leger secrets rotate` and `rollback`: the real secrets service, and a deployer on a socket."""

import json
import os
import subprocess

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer, failure
from contract.cli.store import Store
from leger_runtime.errors import Kind

NEW = b"sesame-2"


@pytest.fixture
def stored(secrets: Store) -> Store:
    """Version 1 of api_key is active."""
    secrets.put("api_key", b"sesame")
    secrets.bind("api_key", "web.service")
    return secrets


def rollouts(deployer: Deployer) -> list[tuple[str, int]]:
    return [(request.secret, request.version) for request in deployer.rollouts]


def test_a_new_value_is_stored_and_left_to_the_deployer_to_activate(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    done = leger.run("secrets", "rotate", "api_key", stdin=NEW + b"\n")
    assert done.code == 0
    assert done.out.splitlines() == [
        "api_key: version 2 active, version 1 was",
        "  restarted    web.service",
        "  not running  worker.service",
    ]
    assert "Restart units with the new value: web.service: done" in done.err
    assert rollouts(deployer) == [("api_key", 2)]
    assert stored.values()["api_key"] == [b"sesame", NEW]
    assert stored.active()["api_key"] == b"sesame"


def test_the_value_is_shown_nowhere(leger: Leger, stored: Store, deployer: Deployer) -> None:
    done = leger.at_terminal("secrets", "rotate", "api_key", answers=[NEW.decode(), NEW.decode()])
    assert done.code == 0
    assert NEW.decode() not in done.out
    assert stored.values()["api_key"] == [b"sesame", NEW]


def test_a_value_on_the_command_line_is_refused_and_not_repeated(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    done = leger.run("secrets", "rotate", "api_key", NEW.decode())
    assert done.code == 2
    assert "VALUE_ON_COMMAND_LINE" in leger.run("--json", "secrets", "rotate", "a", "b").err
    assert NEW.decode() not in done.out + done.err
    assert rollouts(deployer) == []


def test_the_result_as_json(leger: Leger, stored: Store, deployer: Deployer) -> None:
    done = leger.run("secrets", "rotate", "api_key", "--json", stdin=NEW)
    assert json.loads(done.out) == {
        "name": "api_key",
        "version": 2,
        "previous_version": 1,
        "public_key": None,
        "units": ["web.service"],
        "restarted": ["web.service"],
        "not_running": ["worker.service"],
    }
    assert done.err == ""


def test_a_generated_value_never_leaves_the_service(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    done = leger.run("secrets", "rotate", "api_key", "--generate", "--password", "--length", "40")
    assert done.code == 0
    made = stored.values()["api_key"][1]
    assert len(made) == 40
    assert made.decode() not in done.out + done.err
    assert rollouts(deployer) == [("api_key", 2)]


def test_a_value_in_a_pipe_is_not_passed_over_for_one_that_is_made(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    done = leger.run("secrets", "rotate", "api_key", "--generate", stdin=b"hunter2\n")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: Something was piped in that this command does not read.\n")
    assert (stored.values()["api_key"], rollouts(deployer)) == ([b"sesame"], [])


def test_an_open_pipe_with_nothing_in_it_holds_nothing_up(leger: Leger, stored: Store) -> None:
    read, write = os.pipe()
    done = subprocess.run(
        leger.command(["secrets", "rotate", "api_key", "--generate", "--no-restart"]),
        stdin=read,
        env=leger.environment,
        check=False,
    )
    os.close(read)
    os.close(write)
    assert done.returncode == 0


def test_generate_alone_makes_a_token_and_an_option_of_a_recipe_says_it_too(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    assert leger.run("secrets", "rotate", "api_key", "--generate").code == 0
    assert leger.run("secrets", "rotate", "api_key", "--prefix", "sk-").code == 0
    assert stored.values()["api_key"][2].startswith(b"sk-")


def test_of_a_private_key_the_public_one_is_the_result(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    done = leger.run("secrets", "rotate", "api_key", "--key", "ed25519", "--openssh")
    assert done.out.startswith("ssh-ed25519 ")
    assert len(done.out.splitlines()) == 1
    assert "api_key: version 2 active" in done.err


def test_the_active_value_again_is_nothing_to_rotate(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    stored.put("api_key", NEW, active=1)
    done = leger.run("secrets", "rotate", "api_key", stdin=b"sesame")
    assert done.code == 0
    assert done.out == "api_key: version 1 has this value and is active; nothing to rotate\n"
    again = json.loads(leger.run("secrets", "rotate", "api_key", "--json", stdin=b"sesame").out)
    assert (again["version"], again["previous_version"], again["restarted"]) == (1, 1, [])
    assert rollouts(deployer) == []
    assert stored.values()["api_key"] == [b"sesame", NEW]


def test_a_value_that_waits_as_the_latest_version_is_rolled_out(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    stored.put("api_key", NEW, active=1)
    assert leger.run("secrets", "rotate", "api_key", stdin=NEW).code == 0
    assert rollouts(deployer) == [("api_key", 2)]
    assert stored.values()["api_key"] == [b"sesame", NEW]


def test_without_restarts_the_value_is_active_and_the_deployer_not_needed(
    leger: Leger, stored: Store
) -> None:
    done = leger.run("secrets", "rotate", "api_key", "--no-restart", stdin=NEW)
    assert done.code == 0
    assert done.out == "api_key: version 2 active, version 1 was\n"
    assert "→ leger services restart web" in done.err
    assert stored.active()["api_key"] == NEW


def test_a_generated_value_is_active_at_once_without_restarts(leger: Leger, stored: Store) -> None:
    done = leger.run("secrets", "rotate", "api_key", "--no-restart", "--generate", "--json")
    assert json.loads(done.out)["version"] == 2
    assert stored.info("api_key").active_version == 2


@pytest.mark.parametrize("verb", ["rotate", "rollback"])
def test_a_silent_deployer_is_noticed_before_anything_changes(
    leger: Leger, stored: Store, verb: str
) -> None:
    done = leger.run("secrets", verb, "api_key", stdin=NEW)
    assert done.code == 8
    assert "Nothing was changed." in done.err
    assert "--no-restart" in done.err
    assert stored.values()["api_key"] == [b"sesame"]


def test_a_person_is_not_asked_for_a_value_that_cannot_be_rolled_out(
    leger: Leger, stored: Store
) -> None:
    assert "Value of" not in leger.at_terminal("secrets", "rotate", "api_key").out


@pytest.mark.parametrize("verb", ["rotate", "rollback"])
def test_a_secret_that_is_not_stored_is_not_found(
    leger: Leger, stored: Store, deployer: Deployer, verb: str
) -> None:
    done = leger.run("secrets", verb, "nothing", stdin=NEW)
    assert done.code == 5
    assert "leger secrets put nothing" in done.err
    assert set(stored.values()) == {"api_key"}


def test_a_rollout_that_fails_tells_why_with_the_exit_code_of_its_kind(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    deployer.fails["RolloutSecret"] = failure(
        Kind.UNAVAILABLE, "UNIT_UNHEALTHY", "web.service does not become healthy."
    )
    done = leger.run("secrets", "rotate", "api_key", stdin=NEW)
    assert done.code == 8
    assert "error: web.service does not become healthy." in done.err
    assert done.out == ""


def test_of_a_rollout_that_fails_the_new_version_is_kept_and_said_to_be(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    deployer.fails["RolloutSecret"] = failure(Kind.CONFLICT, "NOT_FOR_ENVIRONMENT")
    done = leger.run("secrets", "rotate", "api_key", stdin=NEW)
    assert "Version 2, with the new value, is kept." in done.err
    assert "`leger secrets delete api_key --version 2`" in done.err
    assert stored.values()["api_key"] == [b"sesame", NEW]
    again = leger.run("secrets", "rotate", "api_key", stdin=NEW)
    assert "is kept" not in again.err, "it was stored before"
    made = leger.run("secrets", "rotate", "api_key", "--generate")
    assert "`leger secrets delete api_key --version 3`" in made.err


def test_a_rollback_rolls_the_former_version_out(
    leger: Leger, stored: Store, deployer: Deployer
) -> None:
    stored.put("api_key", NEW)
    done = leger.run("secrets", "rollback", "api_key")
    assert done.code == 0
    assert done.out.splitlines()[0] == "api_key: version 1 active, version 2 was"
    assert rollouts(deployer) == [("api_key", 1)]


def test_a_rollback_without_restarts_activates_alone(leger: Leger, stored: Store) -> None:
    stored.put("api_key", NEW)
    done = leger.run("secrets", "rollback", "api_key", "--no-restart", "--json")
    assert json.loads(done.out)["version"] == 1
    assert stored.active()["api_key"] == b"sesame"
    assert leger.run("secrets", "rollback", "api_key", "--no-restart").code == 0
    assert stored.active()["api_key"] == NEW


@pytest.mark.parametrize("options", [[], ["--no-restart"]])
def test_there_must_be_a_version_to_go_back_to(
    leger: Leger, stored: Store, deployer: Deployer, options: list[str]
) -> None:
    done = leger.run("secrets", "rollback", "api_key", *options)
    assert done.code == 6
    assert "api_key has no version to go back to" in done.err
    assert rollouts(deployer) == []
