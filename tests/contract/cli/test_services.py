"""`leger status` and `leger services` against a deployer on a socket."""

import json

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer, failure, service
from leger.deployer.v1 import deployer_pb2 as d
from leger_runtime.errors import Kind


def test_status_is_a_row_a_service(leger: Leger, deployer: Deployer) -> None:
    rows = [line.split() for line in leger.run("status").out.splitlines()]
    assert rows[0] == ["STACK", "SERVICE", "PORT", "PUBLISHED", "STATE", "REQUIRES"]
    assert rows[2][:5] == ["notes", "web", "80/tcp", "127.0.0.1:8080", "running"]
    assert rows[2][6:] == ["db"]


def test_status_of_one_stack_leaves_the_others_out(leger: Leger, deployer: Deployer) -> None:
    deployer.services.append(service("x", stack="memos"))
    out = leger.run("status", "memos").out
    assert "memos" in out
    assert "notes" not in out


def test_status_says_why_a_service_does_not_run(leger: Leger, deployer: Deployer) -> None:
    deployer.services = [
        service("web", state=d.SERVICE_STATE_FAILED, why="It exited with code 3.", restarts=1)
    ]
    done = leger.run("status")
    assert done.code == 0
    assert "! web is failed after 1 restart: It exited with code 3." in done.out


def test_status_says_when_reasons_about_secrets_are_missing(
    leger: Leger, deployer: Deployer
) -> None:
    deployer.secrets_available = False
    done = leger.run("status")
    assert done.code == 0
    assert done.err.endswith("reasons about secrets are missing.\n→ leger doctor\n")


def test_status_of_an_unknown_stack_is_not_found(leger: Leger, deployer: Deployer) -> None:
    deployer.fails["GetStatus"] = failure(Kind.NOT_FOUND, "STACK_NOT_FOUND")
    assert leger.run("status", "memos").code == 5


def test_services_are_listed_with_their_units_and_images(leger: Leger, deployer: Deployer) -> None:
    row = leger.run("services", "list").out.splitlines()[1].split()
    assert (row[2], row[-1]) == ("db.service", "localhost/db:1")


@pytest.mark.parametrize(
    ("verb", "action"),
    [
        ("start", d.SERVICE_ACTION_START),
        ("stop", d.SERVICE_ACTION_STOP),
        ("restart", d.SERVICE_ACTION_RESTART),
    ],
)
def test_services_are_controlled_and_their_state_is_shown(
    leger: Leger, deployer: Deployer, verb: str, action: int
) -> None:
    done = leger.run("services", verb, "web", "db")
    assert done.code == 0
    assert [(c.action, list(c.services)) for c in deployer.controls] == [(action, ["web", "db"])]
    assert "127.0.0.1:8080" in done.out


def test_controlling_no_service_is_a_mistake(leger: Leger, deployer: Deployer) -> None:
    assert leger.run("services", "restart").code == 2


def test_logs_name_who_wrote_them(leger: Leger, deployer: Deployer) -> None:
    done = leger.run("services", "logs", "web", "-n", "5", "-f")
    assert done.out.splitlines()[0] == "Nov 14 22:13:20 web: ready"
    assert [(r.service, r.tail, r.follow) for r in deployer.logs] == [("web", 5, True)]


def test_logs_in_a_pipe_are_as_they_were_written(leger: Leger, deployer: Deployer) -> None:
    assert "\x1b[2Jcleared" in leger.run("services", "logs", "web").out


def test_logs_cannot_command_a_terminal_but_have_their_colours(
    leger: Leger, deployer: Deployer
) -> None:
    out = leger.at_terminal("services", "logs", "web").out
    assert "\x1b[2J" not in out
    assert "\x1b[32mgreen\x1b[0m" in out


def test_logs_as_json_are_one_object_a_line(leger: Leger, deployer: Deployer) -> None:
    lines = leger.run("services", "logs", "web", "--json").out.splitlines()
    assert json.loads(lines[0])["message"] == "ready"
