"""`legerd purge`: nothing is left but the package, and it can begin anew."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Host
from hostbox.naming import box_name
from stacks import sleeper

# On the disk and in memory, but for what the package brings, the tests, and podman's own files.
ELSEWHERE = (
    "/usr",
    "/etc/leger",
    "/etc/systemd",
    "/root/stacks",
    "/tmp",
    "/var/cache",
    "/var/log",
    "/var/lib/containers",
)
LEFT = "find / /run -xdev " + " ".join(f"-path {x} -prune -o" for x in ELSEWHERE)
LEFT += " -name '*leger*' -print"
# Also those that are remembered as failed. (Every manager knows the mounts of all.)
UNITS = (
    "systemctl {scope} list-units --type=service,socket,timer --state=active,activating,failed"
    " --plain --no-legend --no-pager"
)


@pytest.fixture(scope="module")
def host(images: dict[str, Any]) -> Iterator[Host]:
    """A host of its own with leger in both scopes."""
    host = Host(box_name("purge"))
    host.box("down")
    up = host.box("up", "--leger", "--image-store", images["store"])
    assert up.code == 0, up.err
    host.do("systemctl --user enable --now legerd.service", user="alice")
    yield host
    host.box("down")


@pytest.fixture(scope="module")
def value(host: Host) -> str:
    """A secret of both scopes, which a stack of the system's scope has."""
    value = secrets.token_urlsafe(18)
    for user in ("root", "alice"):
        host.put("purged_key", value, user=user)
        host.do("leger secrets backup --scheduled", user=user)
    container = sleeper("Volume=purged-data:/data", "Network=purged.network", "Secret=purged_key")
    stack = {"purged.container": container, "purged.network": "[Network]\n"}
    host.do(f"leger deploy install {host.push_stack('purged', stack)} --yes")
    return value


def test_nobody_to_confirm_it_means_that_nothing_happens(host: Host, value: str) -> None:
    answer = host.run("legerd purge")
    assert answer.code == 2
    assert "--yes-destroy-all-secrets" in answer.err
    for line in ("stacks, which are stopped: purged", "/var/lib/legerd", "purged-data"):
        assert line in answer.out
    in_one = host.run("legerd purge </dev/null 2>&1").out
    assert in_one.index("stacks, which are stopped: purged") < in_one.index("error: Nothing was")
    typed = host.run("script -qec 'legerd purge' /dev/null", stdin="yes\n")
    assert typed.code == 2
    assert host.do("leger secrets get purged_key") == value
    assert host.status()["purged"]["state"] == "running"


def test_a_user_purges_what_is_that_users_alone(host: Host, value: str) -> None:
    host.do("legerd purge --yes-destroy-all-secrets", user="alice")
    assert host.service_images(user="alice") == set()
    assert "leger" not in host.do(UNITS.format(scope="--user"), user="alice")
    assert host.do("find /home/alice -name '*leger*' -not -path '*/containers/storage/*'") == ""
    assert host.do("leger secrets get purged_key") == value  # root's is as it was


def test_the_hosts_name_confirms_it_and_nothing_is_left(host: Host, value: str) -> None:
    name = host.do("uname -n").strip()
    done = host.run("script -qec 'legerd purge --volumes' /dev/null", stdin=f"{name}\n")
    assert done.code == 0, done
    assert host.do(LEFT).split() == []
    units = host.do(UNITS.format(scope=""))
    assert not [line for line in units.splitlines() if "leger" in line or "purged" in line]
    assert host.service_images() == set()
    podman = "podman --transient-store"
    assert host.do(f"{podman} ps --all --quiet; {podman} secret ls --quiet") == ""
    assert "purged" not in host.do("podman network ls; podman volume ls")
    assert "leger" not in host.do("findmnt --noheadings --list --output TARGET")
    assert "leger" not in host.do("getent passwd; getent group; cat /etc/subuid /etc/subgid")
    host.assert_nowhere_on_disk(value)
    assert host.do("systemctl is-system-running").strip() == "running"


def test_leger_can_begin_anew(host: Host, value: str) -> None:
    host.do("systemctl enable legerd.service leger-podman.socket leger-setec.socket")
    host.do("systemctl start legerd.service")
    host.do("leger doctor")
    assert host.do("leger secrets list") == ""
