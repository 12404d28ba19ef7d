"""`leger audit` against a secrets service on a socket."""

import json
import select
import signal
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.store import Store


@pytest.fixture
def log(secrets: Store, runtime: Path) -> Path:
    """The file of a log that has entries about two secrets."""
    secrets.put("prod/key", b"one", b"two")
    secrets.put("test/key", b"one")
    return runtime / "state/audit.log"


def rows(out: str) -> list[list[str]]:
    return [line.split()[1:5] for line in out.splitlines()]


def test_entries_are_listed_with_whoever_made_them(leger: Leger, log: Path) -> None:
    leger.run("secrets", "get", "prod/key")
    done = leger.run("audit")
    assert (done.code, done.err) == (0, "")
    last = done.out.splitlines()[-1]
    assert " operator:tester get prod/key allowed version=2 " in last
    assert "(secrets get; pid " in last


@pytest.mark.parametrize("words", [["audit"], ["audit", "list"]])
def test_list_is_what_audit_does_alone(leger: Leger, log: Path, words: list[str]) -> None:
    done = leger.run(*words, "--secret", "test/*")
    assert rows(done.out) == [["operator:tester", "put", "test/key", "allowed"]]


def test_filters_are_all_heeded(leger: Leger, log: Path) -> None:
    leger.run("secrets", "get", "nothing")
    done = leger.run(
        *("audit", "--secret", "no*", "--principal", "operator:*", "--action", "get"),
        *("--outcome", "SECRET_*", "--since", "1h", "--tail", "5"),
    )
    assert rows(done.out) == [["operator:tester", "get", "nothing", "SECRET_NOT_FOUND"]]


def test_only_the_last_ones_are_listed_unless_more_are_asked_for(
    leger: Leger, secrets: Store, log: Path
) -> None:
    for _ in range(20):
        secrets.values()
    all_of_them = len(log.read_bytes().splitlines())
    assert all_of_them > 60
    assert len(leger.run("audit").out.splitlines()) == 50
    assert len(leger.run("audit", "--tail", "7").out.splitlines()) == 7
    assert len(leger.run("audit", "--tail", "0").out.splitlines()) == 0
    assert len(leger.run("audit", "--all").out.splitlines()) == all_of_them
    assert len(leger.run("audit", "--since", "1h").out.splitlines()) == all_of_them


def test_json_is_one_object(leger: Leger, log: Path) -> None:
    done = leger.run("audit", "--json", "--action", "put", "--tail", "1")
    [entry] = json.loads(done.out)["entries"]
    assert (entry["secret"], entry["version"], entry["outcome"]) == ("test/key", 1, "allowed")
    assert entry["time"].endswith("Z")


def test_a_terminal_shows_a_table(leger: Leger, log: Path) -> None:
    done = leger.at_terminal("audit", "--secret", "test/key")
    assert "OUTCOME" in done.out
    assert "test/key" in done.out


def test_no_such_entry_is_no_failure(leger: Leger, log: Path) -> None:
    done = leger.run("audit", "--secret", "none")
    assert (done.code, done.out) == (0, "")
    assert json.loads(leger.run("audit", "--secret", "none", "--json").out) == {"entries": []}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--action", "gett"], 7, "There is no such action."),
        (["--since", "yesterday"], 2, "--since"),
        (["--since", "3x"], 2, "a length of time such as 2h or 3d"),
        (["--tail", "-1"], 2, "--tail"),
        (["--tail", "1", "--all"], 2, "--all and --tail were both given."),
        (["verifi"], 2, "Did you mean 'verify'?"),
        (["--secret", "a", "verify"], 2, "1 argument too many"),
    ],
)
def test_a_wrong_call_is_explained(
    leger: Leger, secrets: Store, arguments: list[str], code: int, said: str
) -> None:
    done = leger.run("audit", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_following_goes_on_through_a_restart_of_the_service(
    leger: Leger, secrets: Store, log: Path
) -> None:
    process = leger.begun("audit", "--follow", "--json", "--action", "put", "--tail", "1")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["secret"] == "test/key"
    secrets.put("second", b"v")
    assert json.loads(process.stdout.readline())["secret"] == "second"
    secrets.restart()
    secrets.put("third", b"v")
    assert json.loads(process.stdout.readline())["secret"] == "third"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Waiting for it." in err


def test_following_can_begin_with_what_is_new(leger: Leger, secrets: Store, log: Path) -> None:
    process = leger.begun("audit", "-f", "-n", "0", "--json", "--action", "put")
    assert process.stdout is not None
    for number in range(600):  # the first ones may be older than its beginning
        secrets.put(f"new/{number}", b"v")
        if select.select([process.stdout], [], [], 0.05)[0]:
            break
    assert json.loads(process.stdout.readline())["secret"].startswith("new/")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_a_service_that_is_not_there_is_not_waited_for(leger: Leger) -> None:
    assert leger.run("audit", "--follow").code == 8


def test_a_whole_log_is_verified(leger: Leger, log: Path) -> None:
    done = leger.run("audit", "verify")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("intact: 3 lines in 1 file, from ")
    found = json.loads(leger.run("audit", "verify", "--json").out)
    assert (found["intact"], found["anchored"], found["lines"]) == (True, True, 3)


def test_an_edited_line_is_named_and_the_exit_code_is_6(leger: Leger, log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"put"', b'"get"')
    log.write_bytes(b"".join(lines))
    done = leger.run("audit", "verify")
    assert (done.code, done.out) == (6, "")
    assert "audit.log, line 2" in done.err
    assert "Line 2 was changed after it was written." in done.err
    assert "leger secrets unseal --begin-audit-log" in done.err
    as_json = leger.run("audit", "verify", "--json")
    assert (as_json.code, as_json.err) == (6, "")
    found = json.loads(as_json.out)
    assert (found["intact"], found["file"], found["line"]) == (False, "audit.log", 2)
