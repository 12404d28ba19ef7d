"""leger.toml on a real host: what it says is so, at the price of what it concerns alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Host

FILE = "/etc/leger/leger.toml"
RELOAD = "systemctl reload legerd.service"
PAGE = (
    "curl -sS -o /dev/null -w '%{{http_code}}' --max-time 20 http://127.0.0.1:{}/static/style.css"
)
REFUSED = 7  # curl(1): failed to connect
CONFLICT = 6
INVOCATION = "systemctl show --value -p InvocationID"


@contextmanager
def written(host: Host, text: str) -> Iterator[None]:
    """Have leger.toml say this, and what it said before again in the end."""
    before = host.do(f"cat {FILE}")
    host.do(f"cat > {FILE}", stdin=text)
    try:
        yield
    finally:
        host.do(f"cat > {FILE} && {RELOAD}", stdin=before)


def check(host: Host, name: str) -> dict[str, str]:
    checks = json.loads(host.run("leger doctor --json").out)["checks"]
    found: dict[str, str] = next(check for check in checks if check["check"] == name)
    return found


def test_the_file_of_the_package_is_in_force_and_decides_nothing(host: Host) -> None:
    assert host.do("rpm -qc leger").split() == [FILE]  # an edited one outlives upgrades
    assert check(host, "configuration")["verdict"] == "ok"
    assert host.run("ls /etc/systemd/system/leger-setec.socket.d").code != 0


def test_another_port_serves_and_nothing_but_its_service_is_restarted(host: Host) -> None:
    deployer = host.do(f"{INVOCATION} leger-deployer.service leger-pod.service")
    with written(host, '[secrets.http]\nlisten = "127.0.0.1:8090"\n'):
        assert check(host, "configuration")["verdict"] == "warning"
        host.do(RELOAD)
        assert host.do(PAGE.format(8090)) == "200"
        assert host.run(PAGE.format(8080)).code == REFUSED
        assert check(host, "configuration")["verdict"] == "ok"
    assert host.do(PAGE.format(8080)) == "200"
    assert host.run(PAGE.format(8090)).code == REFUSED
    assert host.do(f"{INVOCATION} leger-deployer.service leger-pod.service") == deployer


def test_a_port_that_is_taken_fails_the_reload_and_the_api_stays_where_it_was(host: Host) -> None:
    host.do(
        "systemd-run --quiet --unit=taken --property=Type=exec python3 -m http.server"
        " --bind 127.0.0.1 8091"
    )
    host.wait("ss -ltn | grep -q 127.0.0.1:8091")
    text = '[secrets.http]\nlisten = "127.0.0.1:8091"\n'
    with written(host, text):
        assert host.run(RELOAD).code != 0
        assert host.do(PAGE.format(8080)) == "200"
        for command in ("legerd bootstrap", "legerd bootstrap --retry"):
            answer = host.run(command)
            assert answer.code == CONFLICT
            assert answer.err.startswith(f"error: What {FILE} says was tried and taken back.\n")
            why = "leger-setec.socket cannot listen on 127.0.0.1:8091: Address already in use."
            assert why in answer.err
            assert "→ See with `ss -ltnp` what has that address." in answer.err
        assert host.do(PAGE.format(8080)) == "200"
        assert host.do("systemctl is-active legerd.service leger-setec.socket") == 2 * "active\n"
        assert why in check(host, "configuration")["why"]
        host.do("systemctl stop taken.service")
        host.do("legerd bootstrap --retry")
        assert host.do(PAGE.format(8091)) == "200"
    assert host.do(PAGE.format(8080)) == "200"


def test_what_the_services_do_not_start_with_is_taken_back_and_said(host: Host) -> None:
    host.put("kept", "value")
    with written(host, '[secrets]\nbackup_directory = "/etc/hostname/backups"\n'):
        assert host.run(RELOAD).code != 0
        assert host.do("systemctl is-active legerd.service") == "active\n"
        assert host.do("leger secrets get kept") == "value"
        answer = host.run("legerd bootstrap")
        assert answer.code == CONFLICT
        assert answer.err.startswith(f"error: What {FILE} says was tried and taken back.\n")
        assert "Not a directory" in answer.err
        status = host.do("legerd status")
        assert f"What {FILE} says was tried and taken back." in status
        assert "installed version" not in status
        assert "tried and taken back" in check(host, "configuration")["why"]
        assert check(host, "version")["verdict"] == "ok"
        # The services run, which is all that a start is for.
        host.do("systemctl restart legerd.service")
        assert host.do("systemctl is-active legerd.service") == "active\n"
        assert host.do("leger secrets get kept") == "value"
    host.do("legerd bootstrap; leger secrets delete kept --yes")


def test_no_port_is_no_problem(host: Host) -> None:
    with written(host, "[secrets.http]\nlisten = false\n"):
        host.do(RELOAD)
        assert host.run(PAGE.format(8080)).code == REFUSED
        host.do("systemctl restart leger-secrets.service")
        assert host.run(PAGE.format(8080)).code == REFUSED
        host.do("leger secrets list")
        assert check(host, "setec socket")["verdict"] == "ok"
        assert f"!{FILE}" in host.run("systemctl status leger-setec.socket").out
    assert host.do(PAGE.format(8080)) == "200"


def test_backups_go_where_they_are_to_go(host: Host) -> None:
    host.put("configured", "value")
    with written(host, '[secrets]\nbackup_directory = "/srv/leger/backups"\n'):
        host.do(RELOAD)
        assert host.do("stat -c %a /srv/leger/backups") == "700\n"
        host.do("systemctl start leger-backup.service")
        [file] = host.do("ls /srv/leger/backups").split()
        assert file in host.do("leger secrets backups --json")
    assert file not in host.do("leger secrets backups --json")
    host.do("rm -r /srv/leger; leger secrets delete configured --yes")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            '[secrets]\n[secrets.http]\nlisen = "127.0.0.1:8090"\n',
            "Line 3: `secrets.http.lisen` is not known; perhaps `secrets.http.listen` is meant.",
        ),
        ('[secrets.http]\nlisten = "0.0.0.0:8080"\n', "would cross the network in the clear"),
    ],
)
def test_a_mistake_is_refused_and_the_services_run_on(host: Host, text: str, why: str) -> None:
    units = "leger-pod.service leger-secrets.service leger-deployer.service leger-setec.socket"
    before = host.do(f"{INVOCATION} {units}")
    with written(host, text):
        answer = host.run("legerd bootstrap")
        assert answer.code == 7
        assert why in answer.err
        assert host.run(RELOAD).code != 0
        assert host.do("systemctl is-active legerd.service") == "active\n"
        found = check(host, "configuration")
        assert found["verdict"] == "problem"
        assert why in found["why"]
        assert host.do(PAGE.format(8080)) == "200"
        assert host.do(f"{INVOCATION} {units}") == before
    assert host.do(f"{INVOCATION} {units}") == before


def test_a_start_with_a_mistake_runs_as_before_and_doctor_says_it(host: Host) -> None:
    with written(host, '[secrets.http]\nlisten = "127.0.0.1:8092"\n'):
        host.do(RELOAD)
        host.do(f"cat > {FILE}", stdin="[secrets.http]\nlisten = 5\n")
        host.do("systemctl restart legerd.service")
        assert host.do(PAGE.format(8092)) == "200"
        host.do("leger secrets list")
        assert "Line 2" in check(host, "configuration")["why"]
        assert check(host, "legerd")["verdict"] == "ok"
