"""The audit log on a real host: who did what, through crashes, and after somebody changed it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import PYTHON, Host
from hostbox.naming import box_name
from stacks import sleeper

STATE = "/var/lib/legerd"
KEY = "audit_key"
# One request writes a line for each name: so many that the log is rotated.
MANY_LINES = f"""
import sys
sys.path.insert(0, "/usr/lib/leger/site")
from pathlib import Path
from leger.secrets.v1 import secrets_pb2 as pb, secrets_pb2_grpc as pb_grpc
from leger_runtime import client
channel = client.channel(Path("/run/leger/secrets/operator/grpc.sock"), "rotation test")
secrets = pb_grpc.SecretsServiceStub(channel)
for _ in range(80):
    secrets.ResolveSecrets(pb.ResolveSecretsRequest(names=["{KEY}"] * 1000))
"""


@pytest.fixture(scope="module")
def machine(images: dict[str, Any]) -> Iterator[Host]:
    """A host of this module's own, as its tests damage the log."""
    host = Host(box_name("audit"))
    host.box("down")
    up = host.box("up", "--leger", "--image-store", images["store"])
    assert up.code == 0, up.err
    yield host
    host.box("down")


def audit(machine: Host, *filters: str) -> list[dict[str, Any]]:
    done = machine.do(f"leger audit --json {' '.join(filters)}")
    found: list[dict[str, Any]] = json.loads(done)["entries"]
    return found


def verified(machine: Host, *, code: int = 0) -> dict[str, Any]:
    answer = machine.run("leger audit verify --json")
    assert answer.code == code, answer
    found: dict[str, Any] = json.loads(answer.out)
    return found


def edit(machine: Host, file: str, program: str) -> None:
    """Change a file's content, a bytearray `b`, by a line of Python."""
    machine.do(
        'python3 -c "import pathlib, sys; p = pathlib.Path(sys.argv[1]);'
        ' b = bytearray(p.read_bytes()); exec(sys.argv[2]); p.write_bytes(b)"'
        f" {STATE}/{file} '{program}'"
    )


def test_what_people_and_units_do_is_listed_with_process_and_unit(machine: Host) -> None:
    machine.put(KEY, "a-value")
    machine.do(f"leger secrets get {KEY}")
    directory = machine.push_stack("audited", {"audited.container": sleeper(f"Secret={KEY}")})
    machine.do(f"leger deploy install {directory} --yes")
    try:
        put, got = (audit(machine, f"--secret {KEY} --action {a}")[0] for a in ("put", "get"))
        assert put["principal"] == got["principal"] == "operator:root"
        assert "(secrets put; pid " in put["process"]
        assert "(secrets get; pid " in got["process"]
        [bound] = audit(machine, "--action bind")
        assert (bound["principal"], bound["stack"]) == ("svc:deployer", "audited")
        handed_out, *_ = audit(machine, "--principal 'unit:*'")
        assert (handed_out["unit"], handed_out["secret"]) == ("audited.service", KEY)
        assert (handed_out["version"], handed_out["outcome"]) == (1, "allowed")
    finally:
        machine.do("leger deploy remove audited --yes")
    shown = machine.do(f"leger audit --secret {KEY} --action get --principal 'operator:*'")
    assert "operator:root get audit_key allowed version=1 process=" in shown


def test_a_killed_service_and_a_power_cut_leave_the_log_whole(machine: Host) -> None:
    machine.do(
        f"(while leger secrets get {KEY}; do :; done >/dev/null 2>&1) & sleep 1;"
        " kill -9 $(systemctl show --value -p MainPID leger-secrets.service); wait"
    )
    machine.wait("leger secrets list")
    assert verified(machine)["intact"]
    assert machine.box("reboot", "--hard").code == 0
    machine.wait("leger secrets list", seconds=120)
    found = verified(machine)
    assert (found["intact"], found["anchored"]) == (True, True)


def test_an_edited_byte_of_an_earlier_file_is_named_and_a_new_log_can_be_begun(
    machine: Host,
) -> None:
    machine.do(f"{PYTHON} -", stdin=MANY_LINES)
    assert verified(machine)["files"] == 2
    assert len(audit(machine, "--tail 3")) == 3
    edit(machine, "audit-000000000001.log", "b[5000] ^= 1")
    answer = machine.run("leger audit verify")
    assert answer.code == 6
    assert "audit-000000000001.log, line " in answer.err
    machine.do(f"leger secrets get {KEY}")  # the end is whole, so the service goes on
    machine.do("leger secrets unseal --begin-audit-log")
    assert verified(machine)["files"] == 1
    assert audit(machine)[0]["action"] == "begin-log"
    kept = machine.do(f"ls {STATE}").split()
    assert len([name for name in kept if ".broken-" in name]) == 2


def test_a_truncated_log_keeps_the_store_sealed_until_a_new_log_is_begun(machine: Host) -> None:
    for _ in range(3):
        machine.do(f"leger secrets get {KEY}")
    machine.do("systemctl stop leger-secrets.service")
    edit(machine, "audit.log", "del b[b.rindex(10, 0, -1) + 1:]")
    machine.do("systemctl start leger-secrets.service")
    refused = machine.run(f"leger secrets get {KEY}")
    assert refused.code == 8
    status = json.loads(machine.do("leger secrets status --json"))
    assert status["sealed"] is True
    assert "AUDIT_LOG_BROKEN" in json.dumps(status)
    assert verified(machine, code=6)["file"] == "audit.log"
    journal = machine.do("journalctl -u leger-secrets.service -n 20 --no-pager")
    assert "missing at its end" in journal
    machine.do("leger secrets unseal --begin-audit-log")
    assert machine.do(f"leger secrets get {KEY}") == "a-value"
    assert verified(machine)["intact"]
    assert audit(machine)[0]["action"] == "begin-log"


def test_a_log_that_is_removed_under_the_service_stops_it(machine: Host) -> None:
    machine.do(f"mv {STATE}/audit.log /root/audit.log")
    refused = machine.run(f"leger secrets get {KEY}")
    assert refused.code == 8
    assert "It was removed or renamed while the service ran." in refused.err
    machine.do(f"mv /root/audit.log {STATE}/audit.log")
    machine.do(f"leger secrets get {KEY}")
    assert verified(machine)["intact"]
