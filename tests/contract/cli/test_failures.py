"""What happens when a service cannot be reached, or the command is ended from outside."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer
from contract.cli.forbidden import closed
from contract.cli.store import Store


@pytest.fixture
def host(leger: Leger) -> dict[str, str]:
    """An environment in which podman is installed and leger's services were stopped."""
    programs = leger.runtime / "bin"
    programs.mkdir()
    answers = "\n\n".join(
        f"Id={unit}.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\n"
        "Result=success\nExecMainStatus=0\nNRestarts=0\nUnitFileState=enabled"
        for unit in ("legerd", "leger-pod", "leger-secrets", "leger-deployer")
    )
    (leger.runtime / "answers").write_text(answers)
    for name, script in {
        "podman": "exit 0",
        "systemctl": f"exec cat {leger.runtime}/answers",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return {"PATH": f"{programs}:{os.environ['PATH']}"}


@pytest.mark.parametrize("arguments", [["secrets", "list"], ["status"]])
def test_a_stopped_legerd_is_named_with_what_starts_it(
    leger: Leger, host: dict[str, str], arguments: list[str]
) -> None:
    done = leger.run(*arguments, env=host)
    assert (done.code, done.out) == (8, "")
    assert "legerd.service is stopped" in done.err
    assert done.err.splitlines()[2] == "  → Run `systemctl --user start legerd.service`."


def test_a_stale_socket_is_the_same_as_none(leger: Leger, host: dict[str, str]) -> None:
    path = leger.runtime / "leger/secrets/operator/grpc.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    done = leger.run("secrets", "get", "x", "--json", env=host)
    assert done.code == 8
    assert json.loads(done.err)["error"]["reason"] == "SERVICE_UNAVAILABLE"


def test_grpc_says_nothing_of_its_own(leger: Leger, host: dict[str, str]) -> None:
    asked = {"GRPC_VERBOSITY": "DEBUG", "GRPC_TRACE": "http"}
    done = leger.run("secrets", "get", "x", env={**host, **asked})
    assert len(done.err.splitlines()) == 3


def test_a_missing_podman_is_named(leger: Leger, host: dict[str, str]) -> None:
    (leger.runtime / "bin/podman").unlink()
    done = leger.run("secrets", "list", env={"PATH": f"{leger.runtime}/bin"})
    assert done.code == 8
    assert "podman is not installed" in done.err


def test_a_socket_of_another_account_is_not_permitted(leger: Leger, secrets: Store) -> None:
    with closed(leger.runtime / "leger/secrets/operator") as prefix:
        done = leger.run("secrets", "list", prefix=prefix)
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("error: This account may not use these services.")


def test_an_interrupted_command_ends_with_130_and_no_traceback(
    leger: Leger, deployer: Deployer
) -> None:
    deployer.go_on.clear()
    with leger.begun("services", "logs", "web", "-f") as process:
        assert process.stdout is not None
        assert b"ready" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    deployer.go_on.set()
    assert (process.returncode, err.strip()) == (130, b"")


def test_a_reader_that_leaves_ends_the_command_quietly(leger: Leger, deployer: Deployer) -> None:
    deployer.go_on.clear()
    with leger.begun("services", "logs", "web", "-f") as process:
        assert process.stdout is not None
        assert b"ready" in process.stdout.readline()
        process.stdout.close()
        deployer.go_on.set()  # the next line finds nobody
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == -signal.SIGPIPE


def test_an_interrupted_install_says_where_to_look(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    deployer.go_on.clear()
    with leger.begun("deploy", "install", str(stack), "--yes") as process:
        assert process.stderr is not None
        while b"Start units" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    deployer.go_on.set()
    assert process.returncode == 130
    assert b"the host carries the work to its end. `leger status` shows" in err
    assert b"Traceback" not in err


def test_a_full_disk_behind_the_output_is_said(leger: Leger, deployer: Deployer) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            leger.command(["status"]),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=leger.environment,
            check=False,
        )
    assert done.returncode == 8
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [("status", 0), ("--version", 0), ("stauts", 2), ("secrets get x", 8)]
)
def test_closed_streams_are_no_reason_to_fall(
    leger: Leger, deployer: Deployer, arguments: str, code: int
) -> None:
    command = f"exec {sys.executable} -m leger_cli.main {arguments} --user <&- >&- 2>&-"
    command = command.replace("--version --user", "--version")
    done = subprocess.run(["sh", "-c", command], env=leger.environment, check=False)
    assert done.returncode == code


def test_a_terminal_without_utf8_loses_the_arrow_and_nothing_else(leger: Leger) -> None:
    done = leger.run(
        "secrets", "get", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    )
    assert done.code == 2
    assert "  ? Run `leger secrets get --help`." in done.err
