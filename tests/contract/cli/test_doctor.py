"""`leger doctor` as a process, beside services that run and some that do not."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer
from contract.cli.forbidden import closed
from contract.cli.store import Store
from leger.deployer.v1.deployer_pb2 import SERVICE_STATE_FAILED

STATUS = {
    "installed": "localhost/leger/services:1",
    "running": {"leger-secrets": "localhost/leger/services:1"},
    "refused": None,
    "requirements": [
        {"program": "podman", "needed": "5.4", "found": "podman version 5.8", "met": True},
        {"program": "systemctl", "needed": "254", "found": "systemd 262", "met": True},
    ],
    "configuration": {
        "file": "/nowhere/leger.toml",
        "in_force": True,
        "http": None,
        "why": None,
        "next": None,
    },
    "directories": {"data": "/", "secrets": "/"},
}
KEY_STATUS = {"path": "/key", "protection": "tpm2", "unlock": "root-key"}
# Every unit that is asked for is active.
SYSTEMCTL = """
for unit; do case $unit in --*|show) ;; *)
  printf 'Id=%s\\nLoadState=loaded\\nActiveState=active\\nSubState=sub\\nResult=success\\n' $unit
  printf 'ExecMainStatus=0\\nNRestarts=0\\nUnitFileState=enabled\\n\\n' ;; esac; done
"""


@pytest.fixture
def programs(leger: Leger, tmp_path: Path) -> Path:
    """The programs of a host, as far as doctor asks them."""
    directory = tmp_path / "bin"
    directory.mkdir()
    scripts = {
        "systemctl": SYSTEMCTL,
        "loginctl": "echo yes",
        "podman": "exit 0",
        "legerd": "if [ $1 = key ]; then\n"
        f"cat <<'END'\n{json.dumps(KEY_STATUS)}\nEND\n"
        f"else cat <<'END'\n{json.dumps(STATUS)}\nEND\nfi",
    }
    for name, script in scripts.items():
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
    leger.environment["PATH"] = f"{directory}{os.pathsep}{os.environ['PATH']}"
    return directory


def verdicts(leger: Leger) -> dict[str, Any]:
    done = leger.run("doctor", "--json")
    answer = json.loads(done.out)
    assert done.code == (8 if answer["verdict"] == "problem" else 0)
    found = {check["check"]: check for check in answer["checks"]}
    found.pop("cgroups")  # they are this machine's
    return found


@pytest.mark.usefixtures("programs", "secrets", "deployer")
def test_a_healthy_host_has_no_problem(leger: Leger) -> None:
    found = verdicts(leger)
    assert "problem" not in {check["verdict"] for check in found.values()}
    assert found["secrets"]["verdict"] == found["store"]["verdict"] == "ok"
    assert found["recovery key"]["verdict"] == "warning"


@pytest.mark.usefixtures("programs")
def test_services_that_are_down_keep_nothing_else_from_being_looked_at(leger: Leger) -> None:
    found = verdicts(leger)
    assert {n for n, c in found.items() if c["verdict"] == "problem"} == {"secrets", "deployer"}
    assert found["podman"]["verdict"] == "ok"
    assert found["store"]["verdict"] == found["stacks"]["verdict"] == "skipped"


@pytest.mark.usefixtures("programs")
def test_a_sealed_store_and_a_service_that_failed_are_problems(
    leger: Leger, secrets: Store, deployer: Deployer
) -> None:
    leger.run("secrets", "seal")
    deployer.services[0].state = SERVICE_STATE_FAILED
    done = leger.run("doctor", "--quiet")
    assert done.code == 8
    assert "problem: store: It is sealed." in done.out
    assert "problem: stacks: db is failed" in done.out
    assert "ok: " not in done.out


@pytest.mark.usefixtures("programs")
def test_after_an_unseal_what_the_seal_kept_down_is_to_be_started(
    leger: Leger, secrets: Store, deployer: Deployer
) -> None:
    secrets.put("api_key", b"value")
    secrets.bind("api_key", "web.service")
    leger.run("secrets", "seal")
    secrets.ask("web.service", "api_key")
    deployer.services[1].state = SERVICE_STATE_FAILED
    assert verdicts(leger)["stacks"]["fix"] == "`leger services logs web`"
    leger.run("secrets", "unseal")
    assert verdicts(leger)["stacks"]["fix"] == "`leger services start web`"


@pytest.mark.usefixtures("programs")
def test_an_account_that_may_not_ask_is_not_told_that_all_is_well(
    leger: Leger, secrets: Store, deployer: Deployer
) -> None:
    with closed(leger.runtime / "leger/secrets/operator") as prefix:
        done = leger.run("doctor", "--json", prefix=prefix)
    checks = {check["check"]: check for check in json.loads(done.out)["checks"]}
    assert {n for n, c in checks.items() if c["verdict"] == "problem"} - {"cgroups"} == {"access"}
    assert checks["secrets"]["verdict"] == "skipped"
    assert done.code == 4


def test_a_host_with_nothing_of_leger_is_told_what_to_do(leger: Leger, tmp_path: Path) -> None:
    leger.environment["PATH"] = str(tmp_path)
    done = leger.run("doctor")
    assert done.code == 8
    assert done.out.startswith("problem: podman: This host has no leger services.")
    assert "  → Install the leger package" in done.out
