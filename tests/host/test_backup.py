"""Backups on a real host: every day by systemd, and back from one after the machine is lost."""

import json
import secrets
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import PYTHON, Host
from hostbox.naming import box_name
from stacks import sleeper

DIRECTORY = "/var/lib/legerd/backups"
# What `age -d -i KEY FILE` does, which no box has.
DECRYPT = """
import sys
sys.path.insert(0, "/usr/lib/leger/site")
import pyrage
key = open(sys.argv[1]).read().splitlines()[-1]
content = open(sys.argv[2], "rb").read()
sys.stdout.buffer.write(pyrage.decrypt(content, [pyrage.x25519.Identity.from_str(key)]))
"""


@pytest.fixture(scope="module")
def machine(images: dict[str, Any]) -> Iterator[Host]:
    """A host of this module's own, as one of its tests loses all that is stored."""
    host = Host(box_name("backup"))
    host.box("down")
    up = host.box("up", "--leger", "--image-store", images["store"])
    assert up.code == 0, up.err
    yield host
    host.box("down")


@pytest.fixture(scope="module")
def values(machine: Host) -> dict[str, str]:
    """The values of two versions of api_key, of which the first is active; another is burned."""
    values = {name: f"canary-{secrets.token_urlsafe(18)}" for name in ("first", "third")}
    machine.put("api_key", values["first"])
    machine.put("api_key", "burned")
    machine.put("api_key", values["third"])
    machine.do("leger secrets activate api_key 1")
    machine.do("leger secrets delete api_key --version 2 --yes")
    machine.do("leger secrets update api_key --description 'for the gateway'")
    return values


@pytest.fixture
def gateway(machine: Host, values: dict[str, str]) -> Iterator[str]:
    """A stack that is bound to api_key; the command that reads what its container was handed."""
    container = sleeper("ContainerName=gateway", "Secret=api_key,type=env,target=KEY")
    directory = machine.push_stack("gateway", {"gateway.container": container})
    machine.do(f"leger deploy install {directory} --yes")
    yield "podman --transient-store exec gateway printenv KEY"
    machine.do("leger deploy remove gateway --yes")


def files(machine: Host) -> list[str]:
    return machine.do(f"ls {DIRECTORY} 2>/dev/null || true").split()


def test_the_timer_waits_in_the_system_scope(machine: Host) -> None:
    assert machine.do("systemctl is-active leger-backup.timer").strip() == "active"
    listed = machine.do("systemctl list-timers --no-pager --all leger-backup.timer")
    assert "leger-backup.service" in listed
    assert machine.do("systemctl show --value -p NextElapseUSecRealtime leger-backup.timer").strip()


def test_the_service_of_the_timer_keeps_a_backup_and_nothing_in_the_clear(
    machine: Host, values: dict[str, str]
) -> None:
    machine.do("systemctl start leger-backup.service")
    [name] = files(machine)
    assert machine.do(f"stat -c %a {DIRECTORY}/{name}").strip() == "600"
    listed = json.loads(machine.do("leger secrets backups --json"))
    assert [backup["file"] for backup in listed["backups"]] == [name]
    assert listed["directory"] == DIRECTORY
    journal = machine.do("journalctl -u leger-backup.service --no-pager")
    assert f"{name}: 1 secret with 2 versions" in journal
    machine.assert_nowhere_on_disk(*values.values())


def test_a_backup_that_fails_is_seen(machine: Host, values: dict[str, str]) -> None:
    machine.do(f"mv {DIRECTORY} {DIRECTORY}.aside && touch {DIRECTORY}")
    try:
        assert machine.run("systemctl start leger-backup.service").code != 0
        assert machine.run("systemctl is-failed leger-backup.service").code == 0
        journal = machine.do("journalctl -u leger-backup.service -n 20 --no-pager")
        assert f"The directory of backups {DIRECTORY} cannot be" in journal
    finally:
        machine.do(f"rm {DIRECTORY} && mv {DIRECTORY}.aside {DIRECTORY}")
    machine.do("systemctl start leger-backup.service")
    assert machine.run("systemctl is-failed leger-backup.service").code != 0


def test_values_are_found_without_leger_as_the_documentation_says(
    machine: Host, values: dict[str, str]
) -> None:
    machine.do("leger secrets recovery-key --out /root/recovery.key")
    machine.do("leger secrets backup /root/secrets.age")
    decrypt = f"{PYTHON} -c {shlex.quote(DECRYPT)} /root/recovery.key /root/secrets.age"
    query = (
        'select(.secret.name == "api_key").secret'
        " | .active as $n | .versions[] | select(.number == $n).value"
    )
    found = machine.do(f"{decrypt} | jq -r {shlex.quote(query)} | base64 -d")
    assert found == values["first"]
    digest = machine.do(f"{decrypt} | sed '$d' | sha256sum").split()[0]
    assert machine.do(f"{decrypt} | tail -n 1 | jq -r .sha256").strip() == digest


def test_a_damaged_store_is_replaced_under_the_stacks_that_are_installed(
    machine: Host, values: dict[str, str], gateway: str
) -> None:
    machine.do("leger secrets backup --scheduled")
    newest = json.loads(machine.do("leger secrets backups --json"))["backups"][0]["file"]
    machine.do("leger secrets seal")
    machine.do("mkdir /root/damaged && mv /var/lib/legerd/secrets.db* /root/damaged/")
    machine.do("leger secrets unseal --accept-rollback")
    machine.do(f"leger secrets restore --scheduled {newest}")
    machine.do("leger services restart gateway")
    assert machine.do(gateway).strip() == values["first"]


def test_a_machine_that_was_lost_comes_back_with_the_recovery_key(
    machine: Host, values: dict[str, str], gateway: str
) -> None:
    machine.do("leger secrets backup --scheduled")
    newest = json.loads(machine.do("leger secrets backups --json"))["backups"][0]["file"]
    machine.do(f"cp {DIRECTORY}/{newest} /root/kept.age")

    machine.do("systemctl stop legerd.service leger-secrets.service")
    machine.do("rm -rf /var/lib/legerd /etc/credstore.encrypted/leger.* /etc/credstore/leger.*")
    machine.do("systemctl start legerd.service")
    machine.wait("leger secrets list")
    assert json.loads(machine.do("leger secrets list --json"))["secrets"] == []

    locked = machine.run("leger secrets restore /root/kept.age")
    assert (locked.code, "--identity KEYFILE" in locked.err) == (7, True)
    machine.do("leger secrets restore /root/kept.age --identity /root/recovery.key")
    info = json.loads(machine.do("leger secrets info api_key --json"))
    assert [version["version"] for version in info["versions"]] == [1, 3]
    assert (info["active_version"], info["description"]) == (1, "for the gateway")
    assert machine.do("leger secrets get api_key --version 3") == values["third"]
    machine.put("api_key", "next")
    assert json.loads(machine.do("leger secrets info api_key --json"))["active_version"] == 4
    machine.do("leger secrets activate api_key 1")

    # What is installed was not lost, and the deployer tells the new store.
    machine.wait("leger secrets info api_key --json | jq -e '.units == [\"gateway.service\"]'")
    machine.do("systemctl restart gateway.service")
    assert machine.do(gateway).strip() == values["first"]
    machine.assert_nowhere_on_disk(*values.values())


def test_a_user_has_the_timer_and_backups_of_their_own(machine: Host) -> None:
    machine.do("legerd bootstrap", user="alice")
    machine.put("mine", "alices-value", user="alice")
    listed = machine.do("systemctl --user list-timers --no-pager leger-backup.timer", user="alice")
    assert "leger-backup.service" in listed
    machine.do("systemctl --user start leger-backup.service", user="alice")
    answer = json.loads(machine.do("leger secrets backups --json", user="alice"))
    assert answer["directory"] == "/home/alice/.local/share/legerd/backups"
    [kept] = answer["backups"]
    file = f"{answer['directory']}/{kept['file']}"
    assert machine.do(f"stat -c '%U %a' {file}").split() == ["alice", "600"]
    machine.do("leger secrets delete mine --yes", user="alice")
    machine.do(f"leger secrets restore --scheduled {kept['file']}", user="alice")
    assert machine.do("leger secrets get mine", user="alice") == "alices-value"
