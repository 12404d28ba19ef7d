"""The store's keys on a real host: re-keyed under a running stack, sealed, and opened again."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Host
from stacks import sleeper

PASSPHRASE = secrets.token_urlsafe(18)
SEALED_KEY = "/etc/credstore.encrypted/leger.root-key"


def status(host: Host, user: str = "root") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(host.do("leger secrets status --json", user=user))
    return answer


@pytest.fixture
def value(host: Host) -> Iterator[str]:
    """The value that the container of the stack "keeper" runs with."""
    value = secrets.token_urlsafe(18)
    host.put("keeper_key", value)
    quadlet = sleeper("ContainerName=keeper", "Secret=keeper_key,type=env,target=KEY")
    directory = host.push_stack("keeper", {"keeper.container": quadlet})
    host.do(f"leger deploy install {directory} --yes")
    yield value
    host.do("leger deploy remove keeper --yes")
    host.do("leger secrets delete keeper_key --yes")


def in_container(host: Host) -> str:
    return host.do("podman --transient-store exec keeper printenv KEY").strip()


def test_the_store_is_rekeyed_under_a_running_stack(host: Host, value: str) -> None:
    before = host.do("systemctl show -p MainPID keeper.service leger-secrets.service")
    keyring = host.do("cat /var/lib/legerd/keyring.json")
    assert json.loads(host.do("leger secrets rekey --json"))["pages"] > 0
    assert host.do("systemctl show -p MainPID keeper.service leger-secrets.service") == before
    assert host.do("cat /var/lib/legerd/keyring.json") != keyring
    host.do("leger services restart keeper")
    assert in_container(host) == value
    host.assert_nowhere_on_disk(value)


def test_with_another_root_key_it_runs_sealed_and_says_why(host: Host, value: str) -> None:
    host.do(f"cp -p {SEALED_KEY} /root/right")
    host.do(
        "head -c 32 /dev/urandom | systemd-creds encrypt --name=root-key - - > /root/wrong"
        f" && cat /root/wrong > {SEALED_KEY} && systemctl restart leger-secrets.service"
    )
    try:
        found = status(host)
        assert found["sealed"]
        assert found["cause"]["reason"] == "STORE_KEY_WRONG"
        assert "/var/lib/legerd/keyring.json" in found["cause"]["what"]
        assert host.run("leger secrets get keeper_key").code == 8
        shown = host.do("systemctl show --value -p StatusText leger-secrets.service")
        assert shown.startswith("Sealed: ")
        assert host.run("systemctl restart keeper.service").code != 0
        journal = host.do("journalctl -b -u keeper.service -o cat")
        assert "The secrets store is sealed" in journal
        assert "The secrets store is sealed" in host.run("leger status").err
    finally:
        host.do(f"cat /root/right > {SEALED_KEY} && systemctl restart leger-secrets.service")
    assert not status(host)["sealed"]
    host.do("systemctl reset-failed keeper.service; leger services start keeper")
    assert in_container(host) == value


def test_a_passphrase_is_needed_after_a_reboot_and_then_everything_starts(
    host: Host, value: str
) -> None:
    host.do("leger secrets rekey --passphrase", stdin=PASSPHRASE)
    try:
        assert host.box("reboot").code == 0
        host.wait("leger status")
        assert status(host)["cause"]["reason"] == "PASSPHRASE_NEEDED"
        said = host.do("journalctl -b -u legerd.service -o cat")
        assert "the secrets store is sealed" in said
        assert host.do("systemctl is-active legerd.service").strip() == "active"
        host.wait("systemctl is-failed keeper.service")
        assert host.run("leger secrets unseal", stdin="not this one").code == 7
        opened = host.run("leger secrets unseal --json", stdin=PASSPHRASE)
        assert opened.code == 0, opened
        assert json.loads(opened.out)["refused_units"] == ["keeper.service"]
        host.do("leger services start keeper")
        assert in_container(host) == value
        assert json.loads(host.do("legerd key status --json"))["unlock"] == "passphrase"
    finally:
        if status(host)["sealed"]:
            host.do("leger secrets unseal", stdin=PASSPHRASE)
        host.do("leger secrets rekey --root-key")
    host.assert_nowhere_on_disk(PASSPHRASE)


def test_the_host_says_how_its_root_key_is_protected(host: Host) -> None:
    found = json.loads(host.do("legerd key status --json"))
    # A box has no TPM.
    assert found == {"path": SEALED_KEY, "protection": "host-key", "unlock": "root-key"}
    assert "a copy of the whole disk reveals it" in host.do("legerd key status")


def test_a_users_own_store_is_sealed_and_unsealed(host: Host) -> None:
    host.do("legerd bootstrap", user="alice")
    host.put("own", "a value", user="alice")
    host.do("leger secrets seal", user="alice")
    assert status(host, "alice")["sealed"]
    host.do("leger secrets unseal", user="alice")
    assert host.do("leger secrets get own", user="alice") == "a value"
    assert json.loads(host.do("legerd key status --json", user="alice"))["protection"] == "host-key"
    # In the clear the key is in memory alone, and for the user alone.
    clear = "$XDG_RUNTIME_DIR/leger/secrets/root-key"
    assert host.do(f"stat -c %a {clear}", user="alice").strip() == "600"
    host.do("leger secrets delete own --yes", user="alice")
    host.do("systemctl --user stop leger-pod.service", user="alice")
    assert host.run(f"test -e {clear}", user="alice").code != 0
