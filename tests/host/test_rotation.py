"""A rotated secret reaches the units that run with it, all of them or none, in both scopes."""

import hashlib
import json
import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Answer, Host
from hostbox.naming import box_name
from stacks import sleeper

KEY, OTHER = "rotation_key", "rotation_other"
DATA = {"root": "/var/lib/leger", "alice": "/home/alice/.local/share/leger"}

# Notes the fingerprint of the value that it started with, and is well unless the value is "sick";
# with one that is "stuck", its health check does not end.
APP = """
import hashlib, os, pathlib, sys, time
value = os.environ.get("KEY") or pathlib.Path("/run/secrets/key").read_text()
if len(sys.argv) > 1:
    if value.startswith("stuck"):
        time.sleep(1 << 30)
    sys.exit(value.startswith("sick") and "not well")
pathlib.Path("/tmp/fingerprint").write_text(hashlib.sha256(value.encode()).hexdigest())
print("started", hashlib.sha256(value.encode()).hexdigest()[:12], flush=True)
time.sleep(1 << 30)
"""


def app(*container: str, unit: str = "", service: str = "") -> str:
    """Return a container that runs APP with lines for its sections."""
    quadlet = sleeper(
        "Volume=./app.py:/app.py:ro",
        "HealthCmd=python3 /app.py check",
        "HealthInterval=1s",
        "HealthRetries=2",
        "HealthTimeout=10s",
        *container,
        unit=unit,
        service=service,
    )
    return quadlet.replace('["/usr/bin/sleep", "infinity"]', '["/usr/bin/python3", "/app.py"]')


PAIR = {
    "app.py": APP,
    "pair-db.container": app(f"Secret={KEY},type=env,target=KEY", "Notify=healthy"),
    "pair-web.container": app(
        f"Secret={KEY},target=key",
        f"Secret={OTHER},type=env,target=OTHER",
        unit="Requires=pair-db.service\nAfter=pair-db.service",
    ),
    "pair-aside.container": sleeper(f"Secret={OTHER},type=env,target=OTHER"),
}
SOLO = {
    "app.py": APP,
    "solo.pod": "[Pod]\nPodName=solo\n",
    "solo-app.container": app(f"Secret={KEY},type=env,target=KEY", "Pod=solo.pod"),
}
JOBS = {
    "app.py": APP,
    "job@.container": app(f"Secret={KEY},type=env,target=KEY").partition("[Install]")[0],
}


@dataclass
class Scope:
    """One scope of a host, with the value that is active."""

    host: Host
    user: str
    value: str

    def run(self, command: str, *, stdin: str = "") -> Answer:
        return self.host.run(command, user=self.user, stdin=stdin)

    def do(self, command: str, *, stdin: str = "") -> str:
        return self.host.do(command, user=self.user, stdin=stdin)

    def install(self, name: str, files: dict[str, str]) -> None:
        directory = self.host.push_stack(name, files, owner=self.user)
        self.do(f"leger deploy install {directory} --yes")

    def rotate(self, value: str, *options: str) -> Answer:
        return self.run(f"leger secrets rotate {KEY} {' '.join(options)}", stdin=value)

    def rotated(self, value: str) -> dict[str, Any]:
        """Rotate to the value, which must succeed, and return what leger says of it."""
        former, self.value = self.value, value
        done = self.rotate(value, "--json")
        assert done.code == 0, done
        self.host.assert_nowhere_on_disk(former, value)
        found: dict[str, Any] = json.loads(done.out)
        return found

    def id(self, container: str) -> str:
        """Return the id of a container, which a restart changes."""
        return self.do(
            f"podman --transient-store inspect --format '{{{{.Id}}}}' systemd-{container}"
        ).strip()

    def runs_with(self, container: str, value: str) -> bool:
        """Return whether a container started with the value, and is healthy."""
        pid, health = self.do(
            "podman --transient-store inspect --format"
            f" '{{{{.State.Pid}}}} {{{{.State.Health.Status}}}}' systemd-{container}"
        ).split()
        shown = self.host.do(f"cat /proc/{pid}/root/tmp/fingerprint")
        return (shown, health) == (hashlib.sha256(value.encode()).hexdigest(), "healthy")

    def started_at(self, container: str) -> str:
        """Return when a container started, in a form that sorts."""
        return self.do(
            "podman --transient-store inspect --format"
            f" '{{{{.State.StartedAt.UnixNano}}}}' systemd-{container}"
        ).strip()

    def active_version(self) -> int:
        return int(self.info()["active_version"])

    def info(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.do(f"leger secrets info {KEY} --json"))
        return found

    def systemctl(self) -> str:
        return "systemctl" if self.user == "root" else "systemctl --user"


def new_value() -> str:
    return secrets.token_urlsafe(24)


@pytest.fixture(scope="module", params=["root", "alice"])
def scope(request: pytest.FixtureRequest, images: dict[str, Any]) -> Iterator[Scope]:
    """Yield a host of its own with the stack pair, in the system's or in a user's scope."""
    user = request.param
    host = Host(box_name(f"rotation-{user}"))
    host.box("down")
    up = host.box("up", "--leger", "--image-store", images["store"])
    assert up.code == 0, up.err
    try:
        if user != "root":
            host.do("systemctl stop legerd.service")  # one scope at a time
            for archive in images["archives"].values():
                host.box("push", archive, "/tmp/image.tar")
                host.do("podman load -q -i /tmp/image.tar", user=user)
            host.do("legerd bootstrap", user=user)
        scope = Scope(host, user, new_value())
        host.put(KEY, scope.value, user=user)
        host.put(OTHER, new_value(), user=user)
        scope.install("pair", PAIR)
        yield scope
    finally:
        host.box("down")


# The tests of this module tell one story, in order, on one host for each scope.


def test_a_rotation_restarts_what_runs_with_the_secret_in_order_and_nothing_else(
    scope: Scope,
) -> None:
    aside, web = scope.id("pair-aside"), scope.id("pair-web")
    result = scope.rotated(new_value())
    assert result["restarted"] == ["pair-db.service", "pair-web.service"]
    assert (result["version"], result["previous_version"], result["not_running"]) == (2, 1, [])
    assert scope.runs_with("pair-db", scope.value)
    assert scope.runs_with("pair-web", scope.value)
    assert scope.started_at("pair-db") < scope.started_at("pair-web")
    assert scope.id("pair-aside") == aside
    assert scope.id("pair-web") != web


def test_each_unit_is_restarted_once_although_one_requires_the_other(scope: Scope) -> None:
    journal = "journalctl" if scope.user == "root" else "journalctl --user"
    said = scope.do(f"{journal} -u pair-web.service -o cat --no-pager | grep -c ^started")
    assert int(said) == 2  # at the installation, and by the one rotation


def test_the_same_value_again_changes_nothing(scope: Scope) -> None:
    before = scope.id("pair-db"), scope.info()["revision"]
    done = scope.rotate(scope.value)
    assert done.code == 0
    assert "nothing to rotate" in done.out
    assert (scope.id("pair-db"), scope.info()["revision"]) == before


def test_a_value_that_a_unit_is_not_well_with_is_taken_back_everywhere(scope: Scope) -> None:
    sick = f"sick-{new_value()}"
    aside = scope.id("pair-aside")
    done = scope.rotate(sick)
    assert done.code == 8
    assert "error: pair-db.service does not become healthy." in done.err
    assert "Its health check failed 2 times; the latest time it said: not well." in done.err
    assert f"Version 2 of {KEY} is active again" in done.err
    assert "`leger secrets delete rotation_key --version 3`" in done.err
    assert f"started {hashlib.sha256(sick.encode()).hexdigest()[:12]}" in done.err
    assert scope.active_version() == 2
    assert scope.runs_with("pair-db", scope.value)
    assert scope.runs_with("pair-web", scope.value)
    assert scope.id("pair-aside") == aside
    scope.host.assert_nowhere_on_disk(sick, scope.value)


def test_a_health_check_that_does_not_end_is_given_up_and_said_to_be_waited_for(
    scope: Scope,
) -> None:
    begun = time.monotonic()
    done = scope.rotate(f"stuck-{new_value()}")
    assert done.code == 8
    assert "pair-db.service: waiting for it to be healthy, 5 s" in done.err
    assert "Its health check gave no answer in time." in done.err
    # TimeoutStartSec= is 30; systemd would wait 90 s more for the container to end.
    assert time.monotonic() - begun < 75
    assert scope.runs_with("pair-db", scope.value)


def test_a_value_that_no_variable_can_hold_is_refused_before_anything_is_restarted(
    scope: Scope,
) -> None:
    before = scope.id("pair-db"), scope.id("pair-web")
    done = scope.run(f"printf 'a\\0b' | leger secrets rotate {KEY} --raw")
    assert done.code == 6
    assert "holds a byte of zero" in done.err
    assert (scope.id("pair-db"), scope.id("pair-web")) == before
    assert scope.runs_with("pair-db", scope.value)


def test_a_rollback_hands_out_the_former_version_and_a_second_one_undoes_it(
    scope: Scope,
) -> None:
    former = scope.value
    scope.rotated(new_value())
    assert json.loads(scope.do(f"leger secrets rollback {KEY} --json"))["version"] == 2
    assert scope.runs_with("pair-db", former)
    assert scope.runs_with("pair-web", former)
    scope.do(f"leger secrets rollback {KEY}")
    assert scope.runs_with("pair-db", scope.value)
    assert scope.runs_with("pair-web", scope.value)


def test_a_generated_value_reaches_the_units_and_nobody_else(scope: Scope) -> None:
    done = scope.do(f"leger secrets rotate {KEY} --generate --password --length 40")
    scope.value = scope.do(f"leger secrets get {KEY}")
    assert len(scope.value) == 40
    assert scope.value not in done
    assert scope.runs_with("pair-web", scope.value)
    scope.host.assert_nowhere_on_disk(scope.value)


def test_without_restarts_running_units_keep_the_value_they_have(scope: Scope) -> None:
    former, scope.value = scope.value, new_value()
    before = scope.id("pair-db"), scope.id("pair-web")
    assert scope.rotate(scope.value, "--no-restart").code == 0
    assert (scope.id("pair-db"), scope.id("pair-web")) == before
    assert scope.runs_with("pair-db", former)
    old = [unit["unit"] for unit in scope.info()["handed_out"] if unit["outdated"]]
    assert old == ["pair-db.service", "pair-web.service"]
    scope.do("leger services restart pair")
    assert not any(unit["outdated"] for unit in scope.info()["handed_out"])
    assert scope.runs_with("pair-db", scope.value)


def test_a_unit_that_does_not_run_is_left_so(scope: Scope) -> None:
    scope.do("leger services stop pair-web")
    result = scope.rotated(new_value())
    assert result["restarted"] == ["pair-db.service"]
    assert result["not_running"] == ["pair-web.service"]
    assert scope.host.status(user=scope.user)["pair-web"]["state"] == "stopped"
    scope.do("leger services start pair-web")
    assert scope.runs_with("pair-web", scope.value)


def test_the_only_container_of_a_pod_is_restarted_with_its_pod(scope: Scope) -> None:
    scope.install("solo", SOLO)
    result = scope.rotated(new_value())
    assert "solo-app.service" in result["restarted"]
    assert scope.runs_with("solo-app", scope.value)
    scope.do("leger services restart solo-app")
    assert scope.runs_with("solo-app", scope.value)
    scope.do("leger services restart solo")
    assert scope.runs_with("solo-app", scope.value)
    sick = f"sick-{new_value()}"
    assert scope.rotate(sick).code == 8
    assert scope.runs_with("solo-app", scope.value)
    scope.do("leger deploy remove solo --yes")


def test_instances_of_a_template_are_restarted_each_for_itself(scope: Scope) -> None:
    scope.install("jobs", JOBS)
    scope.do(f"{scope.systemctl()} start job@a.service job@b.service")
    result = scope.rotated(new_value())
    assert result["restarted"][:2] == ["job@a.service", "job@b.service"]
    assert scope.runs_with("job_a", scope.value)
    assert scope.runs_with("job_b", scope.value)
    scope.do("leger deploy remove jobs --yes")


def test_nothing_is_stopped_that_could_not_start_again(scope: Scope) -> None:
    other = scope.do(f"leger secrets get {OTHER}")
    scope.do(f"leger secrets delete {OTHER} --force --yes")
    before = scope.id("pair-db"), scope.id("pair-web")
    for command in (
        f"leger secrets rotate {KEY}",
        f"leger secrets rollback {KEY}",
        "leger services restart pair-web",
        "leger services restart pair",
    ):
        done = scope.run(command, stdin=new_value())
        assert done.code == 5, (command, done)
        assert f"the secret {OTHER} is not stored" in done.err
    assert (scope.id("pair-db"), scope.id("pair-web")) == before
    assert scope.runs_with("pair-web", scope.value)
    scope.host.put(OTHER, other, user=scope.user)


def test_a_killed_deployer_leaves_the_former_version_everywhere_or_the_new_one(
    scope: Scope,
) -> None:
    kill = "kill -9 $(podman --transient-store inspect --format '{{.State.Pid}}' leger-deployer)"
    chance = random.Random(20)
    for turn in range(4):
        former, new = scope.value, new_value()
        if turn % 4 == 3:
            new = f"sick-{new}"  # it is killed while it goes back
        begun = f"leger secrets rotate {KEY} >/tmp/rotate.out 2>&1 & "
        scope.do(f"{begun} sleep {chance.uniform(0.3, 7):.2f}; {kill}; wait", stdin=new)
        scope.host.wait(f"! test -e {DATA[scope.user]}/rollout.json", user=scope.user)
        scope.host.wait("leger deploy list", user=scope.user)
        scope.value = scope.do(f"leger secrets get {KEY}")
        assert scope.value in (former, new)
        assert not scope.value.startswith("sick")
        for container in ("pair-db", "pair-web"):
            assert scope.runs_with(container, scope.value), (turn, container)
        scope.host.assert_nowhere_on_disk(former, new)


def test_a_deployer_that_starts_before_the_secrets_service_goes_back_when_that_is_there(
    scope: Scope,
) -> None:
    manager, data = scope.systemctl(), DATA[scope.user]
    intent = {
        "format": 1,
        "secret": KEY,
        "version": scope.active_version() + 1,
        "previous": scope.active_version(),
        "begun": "2020-01-01T00:00:00+00:00",
        "touched": ["pair-db.service"],
    }
    new = new_value()
    scope.do(f"leger secrets put {KEY}", stdin=new)
    intent["version"], intent["previous"] = scope.active_version(), scope.info()["previous_version"]
    before = scope.id("pair-db")
    scope.do(f"{manager} stop leger-deployer.service leger-secrets.service")
    scope.do(f"cat > {data}/rollout.json", stdin=json.dumps(intent))
    # Wants= would start the secrets service along with it.
    scope.do(f"{manager} start --job-mode=ignore-requirements leger-deployer.service")
    scope.host.wait("leger deploy list", user=scope.user)
    scope.do(f"test -e {data}/rollout.json")
    scope.do(f"{manager} start leger-secrets.service")
    scope.host.wait(f"! test -e {data}/rollout.json", user=scope.user)
    assert scope.active_version() == intent["previous"]
    assert scope.id("pair-db") != before
    assert scope.runs_with("pair-db", scope.value)
