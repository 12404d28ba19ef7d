"""`leger doctor` on a real host: it finds what was broken on purpose, and how to mend it."""

import json
from typing import Any

import pytest
from conftest import Host

KEY = "/etc/credstore.encrypted/leger.root-key"


def doctor(host: Host, *, user: str = "root", scope: str = "") -> tuple[int, dict[str, Any]]:
    answer = host.run(f"leger {scope} doctor --json", user=user)
    found = json.loads(answer.out)["checks"]
    return answer.code, {check["check"]: check for check in found}


def problems(checks: dict[str, Any]) -> set[str]:
    return {name for name, check in checks.items() if check["verdict"] == "problem"}


def test_a_host_as_the_package_makes_it_has_no_problem(host: Host) -> None:
    code, found = doctor(host)
    assert (code, problems(found)) == (0, set())
    assert found["version"]["verdict"] == found["client"]["verdict"] == "ok"
    assert host.do("leger doctor").startswith("ok: podman: podman version ")


@pytest.mark.parametrize(
    ("unit", "check"),
    [
        ("leger-secrets.service", "secrets"),
        ("leger-deployer.service", "deployer"),
        ("leger-podman.socket", "podman socket"),
        ("leger-setec.socket", "setec socket"),
        ("leger-backup.timer", "backups"),
    ],
)
def test_a_unit_that_is_stopped_is_found_and_started_as_is_said(
    host: Host, unit: str, check: str
) -> None:
    host.do(f"systemctl stop {unit}")
    code, found = doctor(host)
    assert (code, problems(found)) == (8, {check})
    assert unit in found[check]["why"] + found[check]["fix"]
    host.do(found[check]["fix"].split("`")[1])
    code, found = doctor(host)
    assert (code, problems(found)) == (0, set())


def test_with_everything_stopped_it_still_looks_at_the_rest(host: Host) -> None:
    host.do("systemctl stop legerd.service")
    # That returns before the services end.
    code, found = doctor(host)
    assert code == 8
    assert {found[name]["verdict"] for name in ("legerd", "secrets", "deployer")} <= {
        "problem",
        "warning",
    }
    host.wait("! systemctl is-active --quiet leger-pod.service")
    code, found = doctor(host)
    assert code == 8
    stopped = {"legerd", "secrets", "deployer", "setec socket"}
    assert stopped <= problems(found)
    assert {found[name]["fix"] for name in stopped} == {"Run `systemctl start legerd.service`."}
    assert "legerd.service is stopped" in host.run("leger status").err
    assert found["podman"]["verdict"] == found["disk space"]["verdict"] == "ok"
    assert found["root key"]["verdict"] == "ok"
    assert found["store"]["verdict"] == "skipped"
    host.do("systemctl start legerd.service")
    code, found = doctor(host)
    assert (code, problems(found)) == (0, set())


def test_a_root_key_that_is_gone_is_told_before_and_after_the_service_misses_it(host: Host) -> None:
    host.put("kept", "value")
    host.do(f"mv {KEY} /root/moved-root-key")
    code, found = doctor(host)
    assert (code, problems(found)) == (8, {"root key"})
    assert f"Neither {KEY} nor" in found["root key"]["why"]
    assert "leger secrets rekey --passphrase" in found["root key"]["fix"]
    assert found["configuration"]["verdict"] == "skipped"
    host.run("systemctl restart leger-secrets.service")
    code, found = doctor(host)
    assert (code, problems(found)) == (8, {"root key", "secrets"})
    assert "leger secrets restore" in found["root key"]["fix"]
    assert host.run("leger status").err.endswith("→ leger doctor\n")
    assert f"Neither {KEY} nor" in host.run("leger secrets list").err
    host.do(f"mv /root/moved-root-key {KEY}")
    host.do(found["root key"]["fix"].split("`")[1])
    code, found = doctor(host)
    assert (code, problems(found)) == (0, set())
    assert host.do("leger secrets get kept") == "value"
    host.do("leger secrets delete kept --yes")


def test_a_sealed_store_is_a_problem_until_it_is_open(host: Host) -> None:
    host.do("leger secrets seal")
    code, found = doctor(host)
    assert (code, problems(found)) == (8, {"store"})
    assert "root has sealed it" in found["store"]["why"]
    host.do("leger secrets unseal")
    code, found = doctor(host)
    assert (code, problems(found)) == (0, set())


def test_who_may_not_look_is_told_so_and_nothing_else_is_said_to_be_broken(host: Host) -> None:
    code, found = doctor(host, user="alice", scope="--system")
    assert (code, problems(found)) == (4, {"access"})
    assert "sudo" in found["access"]["fix"]
    assert found["podman"]["verdict"] == "ok"
    assert found["version"]["verdict"] == found["secrets"]["verdict"] == "skipped"


def test_who_has_no_services_is_told_once_how_to_have_some(host: Host) -> None:
    answer = host.run("setpriv --reuid=nobody --clear-groups env -i PATH=$PATH leger doctor")
    assert answer.code == 4, answer
    assert "\nproblem: access: This account may not use leger's system scope." in answer.out
    assert answer.out.count("`systemctl --user enable --now legerd.service`") == 1
