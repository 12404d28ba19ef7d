"""`leger secrets info` tells which units run with an old version of a secret."""

import json

from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer, service
from contract.cli.store import Store
from leger.deployer.v1.deployer_pb2 import SERVICE_STATE_STOPPED


def test_a_unit_that_runs_with_an_old_version_is_shown_with_the_command_that_changes_that(
    leger: Leger, secrets: Store, deployer: Deployer
) -> None:
    secrets.put("api_key", b"one")
    secrets.bind("api_key", "db.service", "later.service", "web.service", "work@.service")
    secrets.ask("web.service", "api_key")
    secrets.put("api_key", b"two")
    secrets.ask("db.service", "api_key")
    secrets.ask("work@a.service", "api_key")
    done = leger.run("secrets", "info", "api_key")
    assert [line.split() for line in done.out.split("\n\n")[-1].splitlines()] == [
        ["UNIT", "RUNS", "WITH"],
        ["db.service", "version", "2"],
        ["later.service", "-"],
        ["web.service", "version", "1", "old"],
        ["work@a.service", "version", "2"],
    ]
    assert done.err == "→ leger services restart web\n"
    found = json.loads(leger.run("secrets", "info", "api_key", "--json").out)["handed_out"]
    assert [(u["unit"], u["version"], u["outdated"]) for u in found] == [
        ("db.service", 2, False),
        ("later.service", None, False),
        ("web.service", 1, True),
        ("work@a.service", 2, False),
    ]


def test_a_unit_that_does_not_run_has_no_old_version(
    leger: Leger, secrets: Store, deployer: Deployer
) -> None:
    secrets.put("api_key", b"one")
    secrets.bind("api_key", "web.service")
    secrets.ask("web.service", "api_key")
    secrets.put("api_key", b"two")
    deployer.services = [service("web", state=SERVICE_STATE_STOPPED)]
    done = leger.run("secrets", "info", "api_key")
    assert "old" not in done.out
    assert done.err == ""
