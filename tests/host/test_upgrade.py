"""A newer package: it takes over without touching a stack, or the one before serves on."""

import json
import os
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import releases
from conftest import Host
from hostbox.naming import box_name
from stacks import sleeper

# In seconds: how long a service may be away while it is exchanged, on a machine that has a
# processor for each process that wants one.
AWAY = 3.0


class Upgraded:
    """A host with a stack and a secret, whose leger is upgraded from test to test."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.value = secrets.token_urlsafe(18)
        self.original = host.do(f"cat {releases.SHARE}/reference").strip()
        host.put("upgraded_key", self.value)
        stack = {"sleeper.container": sleeper("ContainerName=sleeper", "Secret=upgraded_key")}
        host.do(f"leger deploy install {host.push_stack('sleeper', stack)} --yes")
        self.container = self.container_now()

    def container_now(self) -> str:
        return self.host.do("podman --transient-store inspect --format '{{.Id}}' sleeper").strip()

    def running(self, user: str = "root") -> dict[str, str]:
        found: dict[str, str] = json.loads(self.host.do("legerd status --json", user=user))[
            "running"
        ]
        return found

    def runs(self, reference: str, user: str = "root") -> None:
        """Assert that the whole pod is made of this image, and answers."""
        running = self.running(user)
        assert set(running.values()) == {reference}
        self.host.do("leger secrets list", user=user)
        self.host.do("leger status", user=user)

    def doctor(self, check: str, user: str = "root") -> dict[str, Any]:
        answer = json.loads(self.host.run("leger doctor --json", user=user).out)
        [found] = [each for each in answer["checks"] if each["check"] == check]
        return dict(found)

    def away_while_reloading(self) -> float:
        """Have legerd take what is installed; return how long a service was away at most."""
        self.host.do("cat > /root/watch.py", stdin=releases.WATCH)
        told = self.host.do(
            "/usr/lib/leger/python/bin/python3 -IS /root/watch.py > /root/away & watch=$!; "
            "systemctl reload legerd.service; kill $watch; wait $watch; cat /root/away"
        )
        return float(max(json.loads(told).values()))


@pytest.fixture(scope="module")
def upgraded(images: dict[str, Any]) -> Iterator[Upgraded]:
    """A host of its own with leger in both scopes."""
    host = Host(box_name("upgrade"))
    host.box("down")
    up = host.box("up", "--leger", "--image-store", images["store"])
    assert up.code == 0, up.err
    try:
        host.do("systemctl --user enable --now legerd.service", user="alice")
        host.put("own_key", "alices", user="alice")
        yield Upgraded(host)
    finally:
        host.box("down")


def test_an_upgrade_exchanges_the_pod_and_restarts_no_container_of_a_stack(
    upgraded: Upgraded,
) -> None:
    host = upgraded.host
    lines = json.loads(host.do("leger audit verify --json"))["lines"]
    reference = releases.install(host, "next", releases.WELL)
    away = upgraded.away_while_reloading()
    assert away <= AWAY * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    upgraded.runs(reference)
    assert upgraded.container_now() == upgraded.container
    assert releases.images(host) == {reference}
    assert host.do("leger secrets get upgraded_key") == upgraded.value
    audit = json.loads(host.do("leger audit verify --json"))
    assert audit["intact"]
    assert audit["lines"] > lines
    # What leger keeps mounted is the new image: else other uses of podman would disturb stacks.
    assert "overlay" in host.do("podman image mount")


def test_a_users_services_run_on_until_they_are_told(upgraded: Upgraded) -> None:
    host = upgraded.host
    upgraded.runs(upgraded.original, "alice")
    found = upgraded.doctor("version", "alice")
    assert found["verdict"] == "warning"
    assert found["fix"].startswith("Run `systemctl --user reload legerd.service`")
    host.do("systemctl --user reload legerd.service", user="alice")
    installed = host.do(f"cat {releases.SHARE}/reference").strip()
    upgraded.runs(installed, "alice")
    assert upgraded.doctor("version", "alice")["verdict"] == "ok"
    assert host.do("leger secrets get own_key", user="alice") == "alices"
    assert releases.images(host, user="alice") == {installed}


def test_a_version_that_cannot_start_is_taken_back_and_doctor_says_why(
    upgraded: Upgraded,
) -> None:
    host = upgraded.host
    before = upgraded.running()["leger-secrets"]
    bad = releases.install(host, "bad", releases.CANNOT_START)
    for user, scope in (("root", ""), ("alice", "--user")):
        host.do(f"systemctl {scope} reload legerd.service", user=user)
        upgraded.runs(before, user)
        assert releases.images(host, user=user) == {before, bad}
        assert host.run("leger doctor", user=user).code == 8
        found = upgraded.doctor("version", user)
        assert found["verdict"] == "problem"
        assert "`/nonexistent` not found" in found["why"]
        assert "legerd bootstrap --retry" in found["fix"]
    assert upgraded.container_now() == upgraded.container
    assert host.do("leger secrets get upgraded_key") == upgraded.value
    again = host.run("legerd bootstrap --retry")
    assert again.code == 6
    assert again.err.startswith("error: The installed version does not run")
    upgraded.runs(before)


def test_a_boot_starts_what_was_healthy_and_does_not_try_again(upgraded: Upgraded) -> None:
    host = upgraded.host
    before = upgraded.running()["leger-secrets"]
    tried = json.loads(host.do("legerd status --json"))["refused"]
    assert host.box("reboot").code == 0
    host.wait("systemctl is-active legerd.service sleeper.service")
    host.wait("systemctl --user is-active legerd.service", user="alice")
    for user in ("root", "alice"):
        upgraded.runs(before, user)
    assert json.loads(host.do("legerd status --json"))["refused"] == tried
    assert host.do("leger secrets get upgraded_key") == upgraded.value


def test_a_version_that_works_ends_the_matter(upgraded: Upgraded) -> None:
    host = upgraded.host
    mended = releases.install(host, "mended", releases.WELL)
    host.do("systemctl reload legerd.service")
    upgraded.runs(mended)
    assert releases.images(host) == {mended}
    assert upgraded.doctor("version")["verdict"] == "ok"
