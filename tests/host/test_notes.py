"""The main job, end to end, in both scopes: no value is on any disk at any moment."""

import hashlib
import json
import secrets
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Host
from hostbox.naming import box_name

WEB = "http://127.0.0.1:8090"
SERVICES = {"notes-postgres", "notes-redis", "notes-web"}


@dataclass
class Scope:
    """One scope of the host, with the values that were stored in it."""

    host: Host
    user: str
    password: str
    api_key: str

    @property
    def values(self) -> tuple[str, str]:
        return self.password, self.api_key

    def run(self, command: str) -> str:
        return self.host.do(command, user=self.user)

    def running(self) -> bool:
        status = self.host.status(user=self.user)
        return {n for n, s in status.items() if s["state"] == "running"} >= SERVICES

    def wait_until_running(self) -> None:
        self.host.wait(f"curl -sf -m 2 {WEB}/healthz", user=self.user, seconds=90)
        # The app answers a moment before its first health check has passed.
        deadline = time.monotonic() + 30
        while not self.running():
            assert time.monotonic() < deadline, self.host.status(user=self.user)
            time.sleep(0.3)

    def post(self, text: str, key: str) -> str:
        """Store a note; the key goes to curl on standard input."""
        config = f'header = "Authorization: Bearer {key}"'
        data = shlex.quote(json.dumps({"text": text}))
        return self.host.run(
            f"curl -s -o /dev/null -w '%{{http_code}}' -K - --data {data} {WEB}/notes",
            user=self.user,
            stdin=config,
        ).out

    def fingerprint(self) -> str:
        return self.run(f"curl -sf {WEB}/whoami").strip()


@pytest.fixture(scope="module", params=["root", "alice"])
def scope(request: pytest.FixtureRequest, images: dict[str, Any]) -> Iterator[Scope]:
    """Yield a host of its own where the stack runs, in the system's or in a user's scope."""
    user = request.param
    host = Host(box_name(f"notes-{user}"))
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
        scope = Scope(host, user, secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        host.put("notes_db_password", scope.password, user=user)
        host.put("notes_api_key", scope.api_key, user=user)
        host.do("leger deploy install /usr/share/leger/examples/notes --yes", user=user)
        yield scope
    finally:
        host.box("down")


# The tests of this module tell one story, in order, on one host for each scope.


def test_every_service_runs_and_is_healthy(scope: Scope) -> None:
    assert scope.running()


def test_the_app_stores_a_note_in_postgresql_for_whoever_has_the_key(scope: Scope) -> None:
    assert scope.post("a note", scope.api_key) == "201"
    assert scope.post("a note", "wrong") == "401"
    assert json.loads(scope.run(f"curl -sf {WEB}/notes/1"))["text"] == "a note"


def test_the_status_shows_port_state_and_what_is_required(scope: Scope) -> None:
    web = scope.host.status(user=scope.user)["notes-web"]
    assert web["requires"] == ["notes-postgres", "notes-redis"]
    assert [port["host_port"] for port in web["ports"]] == [8090]


def test_no_value_is_on_the_disk_while_the_stack_runs(scope: Scope) -> None:
    scope.host.assert_nowhere_on_disk(*scope.values)


def test_no_value_is_in_an_argument_or_environment_outside_of_the_containers(
    scope: Scope,
) -> None:
    found = scope.host.run(
        "cat > /run/values && grep -l -a -F -f /run/values /proc/[0-9]*/cmdline; rm /run/values",
        stdin="\n".join(scope.values),
    )
    assert found.out == ""


def test_a_killed_container_comes_back_with_its_secrets_and_none_on_the_disk(
    scope: Scope,
) -> None:
    podman = "podman --transient-store"
    pid = scope.run(f"{podman} inspect --format '{{{{.State.Pid}}}}' notes-web").strip()
    scope.host.do(f"kill -9 {pid}")
    scope.host.wait(
        f"test $({podman} inspect --format '{{{{.State.Pid}}}}' notes-web) != {pid}",
        user=scope.user,
    )
    scope.wait_until_running()
    scope.host.assert_nowhere_on_disk(*scope.values)


def test_a_changed_secret_reaches_the_app_when_it_is_restarted(scope: Scope) -> None:
    former, scope.api_key = scope.api_key, secrets.token_urlsafe(24)
    scope.host.put("notes_api_key", scope.api_key, user=scope.user)
    scope.run("leger services restart notes-web")
    assert scope.fingerprint() == hashlib.sha256(scope.api_key.encode()).hexdigest()[:12]
    assert scope.post("another note", former) == "401"
    scope.host.assert_nowhere_on_disk(former, *scope.values)


def test_a_changed_database_password_reaches_both_sides(scope: Scope) -> None:
    former, scope.password = scope.password, secrets.token_urlsafe(24)
    scope.host.put("notes_db_password", scope.password, user=scope.user)
    scope.run("leger services restart notes-postgres notes-web")
    assert scope.post("a third note", scope.api_key) == "201"
    scope.host.assert_nowhere_on_disk(former, *scope.values)


def test_all_comes_back_after_a_reboot_and_no_value_is_on_the_disk(scope: Scope) -> None:
    assert scope.host.box("reboot").code == 0
    scope.wait_until_running()
    assert json.loads(scope.run(f"curl -sf {WEB}/notes/1"))["text"] == "a note"
    scope.host.assert_nowhere_on_disk(*scope.values)


def test_all_comes_back_after_a_power_cut(scope: Scope) -> None:
    assert scope.host.box("reboot", "--hard").code == 0
    scope.wait_until_running()
    assert scope.post("after the cut", scope.api_key) == "201"
    scope.host.assert_nowhere_on_disk(*scope.values)


def test_a_restart_without_the_secret_is_refused_and_the_app_goes_on(scope: Scope) -> None:
    scope.run("leger secrets delete notes_api_key --force --yes")
    refused = scope.host.run("leger services restart notes-web", user=scope.user)
    assert refused.code == 5
    assert "notes_api_key" in refused.err
    assert scope.running()


def test_a_start_without_the_secret_fails_and_journal_and_status_say_why(scope: Scope) -> None:
    scope.run("leger services stop notes-web")
    assert scope.host.run("leger services start notes-web", user=scope.user).code != 0
    web = scope.host.status(user=scope.user)["notes-web"]
    assert web["state"] == "failed"
    assert "notes_api_key" in web["why"]
    journal = "journalctl -u" if scope.user == "root" else "journalctl --user -u"
    assert "notes_api_key" in scope.run(f"{journal} notes-web.service --no-pager -n 30")
    assert "notes_api_key" in scope.run("leger services logs notes-web")
    scope.host.assert_nowhere_on_disk(*scope.values)


def test_it_starts_again_once_the_secret_is_back(scope: Scope) -> None:
    scope.host.put("notes_api_key", scope.api_key, user=scope.user)
    scope.run("leger services start notes-web")
    scope.wait_until_running()
    assert scope.host.status(user=scope.user)["notes-web"]["why"] == ""


def test_removal_leaves_the_volume_and_nothing_else(scope: Scope) -> None:
    scope.run("leger deploy remove notes --yes")
    podman = "podman --transient-store"
    names = scope.run(f"{podman} ps -a --format '{{{{.Names}}}}'").split()
    assert all(name.startswith("leger-") for name in names)
    assert scope.run("podman secret ls -q") == ""
    assert scope.run("podman network ls --format '{{.Name}}'").split() == ["podman"]
    assert json.loads(scope.run("leger deploy list --json"))["stacks"] == []
    manager = "systemctl" if scope.user == "root" else "systemctl --user"
    units = scope.run(f"{manager} list-units --all --plain --no-legend --no-pager 'notes*'")
    assert units.strip() == ""
    where = "/var/lib/containers" if scope.user == "root" else "~/.local/share/containers"
    assert "notes" in scope.run(f"ls {where}/storage/volumes")
    scope.host.assert_nowhere_on_disk(*scope.values)


def test_a_stack_installed_again_finds_its_data(scope: Scope) -> None:
    scope.run("leger deploy install /usr/share/leger/examples/notes --yes")
    assert json.loads(scope.run(f"curl -sf {WEB}/notes/1"))["text"] == "a note"
    scope.run("leger deploy remove notes --volumes --yes")
    where = "/var/lib/containers" if scope.user == "root" else "~/.local/share/containers"
    assert scope.run(f"ls {where}/storage/volumes").strip() == ""
