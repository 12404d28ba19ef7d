"""dnf brings a newer leger: it takes over without touching a stack, or the one before serves on."""

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import availability
import packages
import pytest
import repositories
import repository
import rpm_samples
from conftest import Host
from hostbox.naming import box_name
from signing import SigningKey
from stacks import sleeper

# In seconds: how long a service may be away while it is exchanged, on a machine that has a
# processor for each process that wants one.
AWAY = 3.0
USERS = ("root", "alice")
STACK = "{{.Id}} {{.State.Pid}} {{.State.StartedAt}}"


class Upgraded:
    """A host with a stack and secrets, whose leger dnf upgrades from test to test."""

    def __init__(self, host: Host, tree: Path, key: SigningKey) -> None:
        self.host, self._tree, self._key = host, tree, key
        self.value = secrets.token_urlsafe(18)
        self.original = self.installed()
        host.put("upgraded_key", self.value)
        host.put("own_key", "alices", user="alice")
        stack = {"sleeper.container": sleeper("ContainerName=sleeper", "Secret=upgraded_key")}
        host.do(f"leger deploy install {host.push_stack('sleeper', stack)} --yes")
        self.stack = self.stack_now()

    def upgrade(self, release: packages.Release) -> float:
        """Publish a release and have dnf upgrade to it; return how long a service was away."""
        repository.add(self._tree, [release.package()], self._key)
        repositories.put(self.host, self._tree)
        repositories.configure(self.host)
        dnf = repositories.dnf_command("upgrade", "--refresh", "leger")
        told = self.host.do(availability.around(dnf, secret="upgraded_key"))
        # Root's dnf has told the managers of users, and waits for none of them.
        state = "systemctl --user show --value -p ActiveState legerd.service"
        self.host.wait(f'test "$({state})" = active', user="alice")
        assert self.host.do("rpm --query --queryformat '%{VERSION}' leger") == release.version
        return availability.longest(told)

    def said(self) -> str:
        """What dnf printed when it upgraded last."""
        return self.host.do(f"cat {availability.SAID}")

    def installed(self) -> str:
        """The reference of the image that the package brought."""
        return self.host.do("cat /usr/share/leger/image/reference").strip()

    def stack_now(self) -> str:
        """What changes when a container of the stack is restarted."""
        return self.host.do(f"podman --transient-store inspect --format '{STACK}' sleeper")

    def runs(self, reference: str, user: str) -> None:
        """Assert that the whole pod is made of this image, and answers."""
        status = json.loads(self.host.do("legerd status --json", user=user))
        assert set(status["running"].values()) == {reference}
        self.host.do("leger status", user=user)
        value, name = (self.value, "upgraded_key") if user == "root" else ("alices", "own_key")
        assert self.host.do(f"leger secrets get {name}", user=user) == value

    def versions(self, user: str) -> tuple[str, set[str], list[str]]:
        """What `leger version` says: the command's, the services', and what does not match."""
        told = json.loads(self.host.do("leger version --json", user=user))
        services = {told[service]["version"] for service in ("secrets", "deployer")}
        return told["client"]["version"], services, told["mismatches"]

    def doctor(self, check: str, user: str) -> dict[str, Any]:
        answer = json.loads(self.host.run("leger doctor --json", user=user).out)
        [found] = [each for each in answer["checks"] if each["check"] == check]
        return dict(found)


@pytest.fixture(scope="module")
def upgraded(
    images: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    """A host of its own with leger in both scopes, and a repository of newer ones."""
    scratch = tmp_path_factory.mktemp("upgrade")
    host = Host(box_name("upgrade"))
    host.box("down")
    up = host.box("up", "--leger", "--image-store", images["store"])
    assert up.code == 0, up.err
    try:
        host.do("systemctl --user enable --now legerd.service", user="alice")
        repositories.serve(host)
        host.box("push", availability.__file__, availability.PLACE)
        with rpm_samples.opened(rpm_samples.make_key(scratch)) as key:
            yield Upgraded(host, scratch / "repository", key)
    finally:
        host.box("down")


def test_a_version_that_cannot_start_is_taken_back_and_doctor_says_why(
    upgraded: Upgraded,
) -> None:
    host, release = upgraded.host, packages.CANNOT_START
    before = upgraded.versions("root")[0]
    upgraded.upgrade(release)
    assert "leger: this version did not take over." in upgraded.said()
    for user in USERS:
        upgraded.runs(upgraded.original, user)
        assert host.service_images(user=user) == {upgraded.original, upgraded.installed()}
        client, services, mismatches = upgraded.versions(user)
        assert (client, services) == (release.version, {before})
        assert mismatches
        warning = host.run("leger version", user=user).err
        assert "The version that is installed was tried and taken back." in warning
        assert host.run("leger doctor", user=user).code == 8
        found = upgraded.doctor("version", user)
        assert found["verdict"] == "problem"
        assert "legerd bootstrap --retry" in found["fix"]
        for text in (warning, found["why"]):
            assert "`/nonexistent` not found" in text
    assert upgraded.stack_now() == upgraded.stack
    again = host.run("legerd bootstrap --retry")
    assert again.code == 6
    assert again.err.startswith("error: The installed version does not run")
    upgraded.runs(upgraded.original, "root")


def test_a_boot_starts_what_was_healthy_and_does_not_try_again(upgraded: Upgraded) -> None:
    host = upgraded.host
    tried = json.loads(host.do("legerd status --json"))["refused"]
    assert host.box("reboot").code == 0
    host.wait("systemctl is-active legerd.service sleeper.service")
    host.wait("systemctl --user is-active legerd.service", user="alice")
    for user in USERS:
        upgraded.runs(upgraded.original, user)
    assert json.loads(host.do("legerd status --json"))["refused"] == tried


def test_a_version_that_works_takes_over_and_restarts_no_container_of_a_stack(
    upgraded: Upgraded,
) -> None:
    host, release = upgraded.host, packages.WORKS
    repositories.serve(host)  # the boot has ended it
    stack = upgraded.stack_now()
    lines = json.loads(host.do("leger audit verify --json"))["lines"]
    away = upgraded.upgrade(release)
    assert "fail" not in upgraded.said()
    assert away <= AWAY * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    installed = upgraded.installed()
    for user in USERS:
        upgraded.runs(installed, user)
        assert upgraded.versions(user) == (release.version, {release.version}, [])
        assert upgraded.doctor("version", user)["verdict"] == "ok"
        assert host.service_images(user=user) == {installed}
        audit = json.loads(host.do("leger audit verify --json", user=user))
        assert audit["intact"]
    assert json.loads(host.do("leger audit verify --json"))["lines"] > lines
    assert upgraded.stack_now() == stack
    # What leger keeps mounted is the new image: else other uses of podman would disturb stacks.
    assert "overlay" in host.do("podman image mount")


def test_services_that_a_user_has_of_the_version_before_are_told_how_to_end_that(
    upgraded: Upgraded,
) -> None:
    """As when a user's manager could not be reached: the image is what was installed before."""
    host = upgraded.host
    installed = upgraded.installed()
    host.do(f"echo {upgraded.original} > /usr/share/leger/image/reference")
    try:
        found = upgraded.doctor("version", "alice")
    finally:
        host.do(f"echo {installed} > /usr/share/leger/image/reference")
    assert found["verdict"] == "warning"
    assert found["fix"].startswith("Run `systemctl --user reload legerd.service`")
    host.do("systemctl --user reload legerd.service", user="alice")
    upgraded.runs(installed, "alice")
