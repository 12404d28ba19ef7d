"""`leger secrets` and `leger run` on a real host: in bulk, into one process, and watched."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Host
from stacks import sleeper

CANARY = "canary-cli-5d1f"


@pytest.fixture
def stored(host: Host) -> Iterator[Host]:
    """A host with two secrets that came in by one import; none is left."""
    lines = f"APP_KEY='{CANARY} $x'\nAPP_CERT='-----\n{CANARY}\n-----'\n"
    host.do("leger secrets import - --format env --prefix cli/ --yes", stdin=lines)
    yield host
    for name in json.loads(host.do("leger secrets list --json"))["secrets"]:
        if name["name"].startswith("cli/"):
            host.do(f"leger secrets delete {name['name']} --yes --force")


def entries(host: Host) -> list[dict[str, Any]]:
    """Return the latest lines of the audit log."""
    found: list[dict[str, Any]] = json.loads(host.do("leger audit --tail 20 --json"))["entries"]
    return found


def test_what_was_imported_runs_in_a_container(stored: Host) -> None:
    unit = sleeper("Secret=cli/APP_KEY,type=env,target=APP_KEY")
    directory = stored.push_stack("cli", {"cli.container": unit})
    stored.do(f"leger deploy install {directory} --yes")
    try:
        seen = stored.do("podman --transient-store exec systemd-cli printenv APP_KEY")
        assert seen == f"{CANARY} $x\n"
        command = "leger secrets import - --format env --prefix cli/ --dry-run"
        table = stored.do(command, stdin="APP_KEY=new\n")
        assert table.splitlines()[1].split() == ["cli/APP_KEY", "update", "2", "cli.service"]
    finally:
        stored.do("leger deploy remove cli --yes")


def test_a_shell_gets_exactly_what_was_imported(stored: Host) -> None:
    script = 'eval "$(leger secrets export "cli/*")"; echo "$CLI_APP_KEY|$CLI_APP_CERT"'
    assert stored.do(script) == f"{CANARY} $x|-----\n{CANARY}\n-----\n"


def test_a_command_has_the_secret_and_nobody_else_sees_it(stored: Host) -> None:
    show = 'printf "%s\\n" "$CLI_APP_KEY"; cat /proc/$$/cmdline /proc/$PPID/cmdline'
    done = stored.do(f"leger run --secret cli/APP_KEY -- sh -c {shlex.quote(show)}")
    first, rest = done.split("\n", 1)
    assert first == f"{CANARY} $x"
    assert CANARY not in rest
    assert stored.run("leger run --secret cli/APP_KEY -- sh -c 'exit 9'").code == 9
    assert stored.run(f"journalctl --no-pager -b | grep -q {CANARY}").code == 1
    stored.assert_nowhere_on_disk(CANARY)


def test_another_account_cannot_run_with_roots_secrets(stored: Host) -> None:
    command = "leger --system run --secret cli/APP_KEY -- printenv CLI_APP_KEY"
    done = stored.run(command, user="alice")
    assert (done.code, done.out) == (4, "")


def test_the_audit_log_names_the_command_and_its_process(stored: Host) -> None:
    pid = stored.do("leger run --secret cli/APP_KEY -- sh -c 'echo $$'").strip()
    used = [entry for entry in entries(stored) if entry["secret"] == "cli/APP_KEY"]
    assert used[-1]["action"] == "get"
    assert used[-1]["process"].endswith(f"(run; pid {pid})")


def test_a_watch_goes_on_when_the_service_restarts(stored: Host) -> None:
    stored.do(
        "systemd-run -q --unit cli-watch -p StandardOutput=file:/run/cli-watch "
        "-p StandardError=journal leger secrets watch 'cli/watched*' --after 0 --json"
    )
    try:
        stored.put("cli/watched-1", "x")
        stored.wait("test $(wc -l < /run/cli-watch) -eq 2")
        stored.do("systemctl restart leger-secrets")
        stored.put("cli/watched-2", "x")
        stored.wait("test $(wc -l < /run/cli-watch) -eq 4")
        lines = [json.loads(line) for line in stored.do("cat /run/cli-watch").splitlines()]
    finally:
        stored.do("systemctl stop cli-watch")
    assert [(line["name"], line["change"]) for line in lines] == [
        ("cli/watched-1", "version_added"),
        ("cli/watched-1", "activated"),
        ("cli/watched-2", "version_added"),
        ("cli/watched-2", "activated"),
    ]
