"""`leger secrets watch`."""

import json
import signal
import subprocess
from typing import IO

from contract.cli.conftest import Leger
from contract.cli.store import Store
from leger.secrets.v1 import secrets_pb2 as s
from waiting import wait_until


def out(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def err(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    assert process.stderr is not None
    return process.stderr


def interrupted(process: "subprocess.Popen[bytes]") -> int:
    """Press Ctrl-C and return the exit code."""
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert b"Traceback" not in rest
    return process.returncode


def test_changes_are_lines_as_they_happen(leger: Leger, secrets: Store) -> None:
    secrets.put("before", b"x")
    with leger.begun("secrets", "watch", "--after", "1") as process:
        secrets.put("api_key", b"hunter2")
        line = out(process).readline().decode()
        assert "api_key: version 1 was added by operator:tester, revision 2" in line
        secrets.update("api_key", s.SecretNotes(description="x"), "description")
        assert b"api_key: version 1 is active" in out(process).readline()
        assert b"api_key: has other notes" in out(process).readline()
        assert interrupted(process) == 130


def test_without_a_revision_it_begins_now(leger: Leger, secrets: Store) -> None:
    secrets.put("before", b"x")
    with leger.begun("secrets", "watch", "--json") as process:
        # The watch begins when the service has noted it.
        wait_until(lambda: '"watch"' in secrets.audit_log or process.poll() is not None)
        secrets.put("after", b"x")
        assert json.loads(out(process).readline())["name"] == "after"
        assert interrupted(process) == 130


def test_patterns_choose_what_is_watched(leger: Leger, secrets: Store) -> None:
    for name in ("notes/db", "other", "notes/key"):
        secrets.put(name, b"x")
    with leger.begun("secrets", "watch", "notes/*", "--after", "0", "--json") as process:
        events = [json.loads(out(process).readline()) for _ in range(4)]
        interrupted(process)
    assert [event["name"] for event in events] == ["notes/db"] * 2 + ["notes/key"] * 2
    assert [event["change"] for event in events[:2]] == ["version_added", "activated"]


def test_a_restart_of_the_service_loses_and_repeats_nothing(leger: Leger, secrets: Store) -> None:
    with leger.begun("secrets", "watch", "--after", "0", "--json") as process:
        secrets.put("a", b"1")
        seen = [json.loads(out(process).readline()) for _ in range(2)]
        secrets.stop()
        assert b"Waiting for it." in err(process).readline()
        secrets.restart()
        secrets.put("a", b"2")
        seen += [json.loads(out(process).readline()) for _ in range(2)]
        assert err(process).readline() == b"Going on.\n"
        assert interrupted(process) == 130
    assert [(event["revision"], event["version"]) for event in seen] == [
        *((1, 1), (1, 1)),
        *((2, 2), (2, 2)),
    ]


def test_a_service_that_is_not_there_is_not_waited_for(leger: Leger) -> None:
    assert leger.run("secrets", "watch", "--after", "0").code == 8


def test_a_revision_that_never_was_is_refused(leger: Leger, secrets: Store) -> None:
    done = leger.run("secrets", "watch", "--after", "1000", "--json")
    assert done.code == 6
    assert json.loads(done.err)["error"]["reason"] == "REVISION_GONE"
