"""setec's API on a real host: from systemd's socket through podman into a pod without network."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Host

SYSTEM = "http://127.0.0.1:8080"
# What setec's own client sends besides the token, which is read from a file: it is in no argv.
CURL = (
    "curl -sS --max-time 20 -X POST -H 'Content-Type: application/json'"
    " -H 'Sec-X-Tailscale-No-Browsers: setec' -H @/root/token"
)
PAGE = f"curl -sS -o /dev/null -w '%{{http_code}}' --max-time 20 {SYSTEM}/static/style.css"


@contextmanager
def token(host: Host, name: str, *allow: str, user: str = "root") -> Iterator[None]:
    """Make a token, whose header is in the file `token` of the user's home meanwhile."""
    granted = " ".join(f"--allow '{grant}'" for grant in allow)
    host.do(
        f"umask 077; printf 'Authorization: Bearer ' > ~/token;"
        f" leger auth token create {name} {granted} >> ~/token",
        user=user,
    )
    try:
        yield
    finally:
        host.do(f"rm ~/token; leger auth token revoke {name}", user=user)


def state(host: Host, unit: str) -> tuple[str, str]:
    """Return a unit's state, and the number of its activation."""
    shown = host.do(f"systemctl show --value -p ActiveState -p InvocationID {unit}").split()
    return shown[0], shown[1] if len(shown) > 1 else ""


def last_entry(host: Host, *, user: str = "root") -> dict[str, object]:
    entries = json.loads(host.do("leger audit list -n 1 --json", user=user))["entries"]
    found: dict[str, object] = entries[0]
    return found


@pytest.fixture
def stored(host: Host) -> Iterator[Host]:
    host.put("setec/a", "value")
    yield host
    host.do("leger secrets delete setec/a --yes")


def test_a_request_is_served_and_audited_with_the_clients_true_address(stored: Host) -> None:
    with token(stored, "ci", "get=setec/*"):
        got = stored.do(f'{CURL} --local-port 40404 -d \'{{"Name":"setec/a"}}\' {SYSTEM}/api/get')
        assert got == '{"Value":"dmFsdWU=","Version":1}'
        entry = last_entry(stored)
    assert (entry["principal"], entry["action"], entry["secret"]) == ("token:ci", "get", "setec/a")
    assert entry["address"] == "127.0.0.1:40404"


def test_the_port_is_of_this_machine_alone(host: Host) -> None:
    listening = host.do("ss -Hltn 'sport = :8080'").split()
    assert "127.0.0.1:8080" in listening
    assert not any(address in listening for address in ("*:8080", "0.0.0.0:8080", "[::]:8080"))


def test_the_policy_file_of_the_host_is_in_force_as_it_is_saved(stored: Host) -> None:
    policy = '[[grants]]\nprincipals = ["token:web"]\nactions = ["get"]\nsecrets = ["setec/*"]\n'
    get = f"{CURL} -o /dev/null -w '%{{http_code}}' -d '{{\"Name\":\"setec/a\"}}' {SYSTEM}/api/get"
    with token(stored, "web"):
        assert stored.do(get) == "403"
        stored.do("cat > /etc/leger/policy.toml", stdin=policy)
        try:
            assert stored.do(get) == "200"
            stored.do("sed -i s/actions/action/ /etc/leger/policy.toml")  # by a rename
            assert stored.do(get) == "200"
            broken = stored.run("leger secrets policy")
            assert broken.code == 7
            assert "Line 3: `action` is not known; perhaps `actions` is meant." in broken.err
        finally:
            stored.do("rm /etc/leger/policy.toml")
        assert stored.do(get) == "403"


def test_the_socket_outlives_the_service_and_a_request_waits_for_the_next(host: Host) -> None:
    socket, before = state(host, "leger-setec.socket"), state(host, "leger-secrets.service")
    host.do("systemctl restart leger-secrets.service")
    assert state(host, "leger-setec.socket") == socket
    assert state(host, "leger-secrets.service")[1] != before[1]
    assert host.do(PAGE) == "200"
    host.do("systemctl stop leger-secrets.service")
    assert host.do(PAGE) == "200"  # it made systemd start the service
    assert state(host, "leger-setec.socket") == socket


def test_another_port_is_one_drop_in_away(host: Host) -> None:
    directory = "/etc/systemd/system/leger-setec.socket.d"
    restart = (
        "systemctl daemon-reload && systemctl stop leger-setec.socket"
        " && systemctl restart leger-secrets.service"
    )
    lines = "[Socket]\nListenStream=\nListenStream=127.0.0.1:8090\n"
    host.do(f"mkdir -p {directory} && cat > {directory}/port.conf && {restart}", stdin=lines)
    try:
        assert host.run(PAGE).code == 7
        assert host.do(PAGE.replace(":8080", ":8090")) == "200"
    finally:
        host.do(f"rm -r {directory} && {restart}")
    assert host.do(PAGE) == "200"


def test_a_port_that_is_taken_does_not_keep_secrets_from_containers(host: Host) -> None:
    host.do("systemctl stop leger-setec.socket leger-secrets.service")
    host.do("systemd-run -q --unit=taken python3 -m http.server -b 127.0.0.1 8080")
    try:
        host.wait("ss -Hltn 'sport = :8080' | grep -q 8080")
        host.do("systemctl start leger-secrets.service")
        assert state(host, "leger-secrets.service")[0] == "active"
        assert state(host, "leger-setec.socket")[0] == "failed"
        host.do("leger secrets list")
    finally:
        host.do("systemctl stop taken.service")
        host.do("systemctl restart leger-secrets.service")
    assert state(host, "leger-setec.socket")[0] == "active"
    assert host.do(PAGE) == "200"


def test_services_that_are_stopped_are_not_started_by_a_request(host: Host) -> None:
    host.do("systemctl stop legerd.service")
    try:
        host.wait("! systemctl is-active -q leger-secrets.service leger-setec.socket")
        assert host.run(PAGE).code == 7  # curl(1): failed to connect
        assert state(host, "leger-secrets.service")[0] == "inactive"
    finally:
        host.do("systemctl start legerd.service")
    assert host.do(PAGE) == "200"


def test_a_reload_of_legerd_keeps_port_and_store_open_and_a_restart_keeps_neither(
    host: Host,
) -> None:
    passphrase = secrets.token_urlsafe(18)
    host.do("leger secrets rekey --passphrase", stdin=passphrase)
    try:
        socket, service = state(host, "leger-setec.socket"), state(host, "leger-secrets.service")
        host.do("systemctl reload legerd.service")
        assert state(host, "leger-setec.socket") == socket
        assert state(host, "leger-secrets.service") == service
        assert not json.loads(host.do("leger secrets status --json"))["sealed"]

        host.do("systemctl restart legerd.service")  # a stop and a start
        assert state(host, "leger-setec.socket")[0] == "active"
        assert state(host, "leger-setec.socket") != socket
        assert state(host, "leger-secrets.service") != service
        assert host.do(PAGE) == "200"
        assert json.loads(host.do("leger secrets status --json"))["sealed"]
    finally:
        host.run("leger secrets unseal", stdin=passphrase)
        host.do("leger secrets rekey --root-key")


def test_a_user_has_it_on_a_port_of_ones_own_when_it_is_wanted(host: Host) -> None:
    host.do("legerd bootstrap", user="alice")
    configuration = "~/.config/leger/leger.toml"
    try:
        enabled = host.run("systemctl --user is-enabled leger-setec.socket", user="alice")
        assert enabled.out.strip() == "disabled"
        lines = '[secrets.http]\nlisten = "127.0.0.1:8081"\n'
        host.do(f"cat > {configuration} && legerd bootstrap", user="alice", stdin=lines)
        with token(host, "own", "*=*", user="alice"):
            curl = CURL.replace("/root/token", "/home/alice/token")
            put = """-d '{"Name":"mine","Value":"dmFsdWU="}' http://127.0.0.1:8081/api/put"""
            assert host.do(f"{curl} {put}", user="alice") == "1"
            address = last_entry(host, user="alice")["address"]
            assert str(address).startswith("127.0.0.1:")
            # The machine's services know no token of hers.
            answer = host.do(f"{curl} -d '{{}}' {SYSTEM}/api/list", user="alice")
            assert answer == "unable to identify caller\n"
        assert host.do("leger secrets get mine", user="alice") == "value"
    finally:
        host.do(
            f"leger secrets delete mine --yes; rm {configuration}; legerd bootstrap;"
            " systemctl --user stop leger-pod.service",
            user="alice",
        )
