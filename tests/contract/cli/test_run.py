"""`leger run`: what the command gets, and what is left of leger."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.store import Store


def test_a_command_has_the_secret_in_its_environment(leger: Leger, secrets: Store) -> None:
    secrets.put("notes/api-key", b"sk-1")
    done = leger.run("run", "--secret", "notes/api-key", "--", "printenv", "NOTES_API_KEY")
    assert (done.code, done.out, done.err) == (0, "sk-1\n", "")


def test_the_variable_can_be_named(leger: Leger, secrets: Store) -> None:
    secrets.put("a=b", b"x")  # a name may have a "=", a variable may not
    secrets.put("db", b"y")
    done = leger.run(
        *("run", "--secret", "a=b=FIRST", "--secret", "db=SECOND", "--secret", "db=THIRD"),
        *("--", "sh", "-c", "echo $FIRST $SECOND $THIRD"),
    )
    assert done.out == "x y y\n"


def test_any_bytes_but_nul_are_handed_over(leger: Leger, secrets: Store) -> None:
    secrets.put("key", bytes(range(1, 256)))
    script = "import os, sys; sys.stdout.write(os.environb[b'KEY'].hex())"
    done = leger.run("run", "--secret", "key", "--", sys.executable, "-c", script)
    assert done.out == bytes(range(1, 256)).hex()


@pytest.mark.parametrize("others", [{}, {"LEGER_SCOPE": "user", "GRPC_VERBOSITY": "DEBUG"}])
def test_everything_else_in_the_environment_is_untouched(
    leger: Leger, secrets: Store, others: dict[str, str]
) -> None:
    secrets.put("key", b"x")
    before = {**leger.environment, **others}
    done = leger.run("run", "--secret", "key", "--", "env", "-0", env={**others, "KEY": "old"})
    found = dict(line.split("=", 1) for line in done.out.split("\0")[:-1])
    found.pop("LC_CTYPE", None)  # Python's own, where the locale is C
    assert found == {**before, "KEY": "x"}


def test_leger_becomes_the_command(leger: Leger, secrets: Store) -> None:
    secrets.put("key", b"canary-1")
    script = "echo $$; tr '\\0' ' ' < /proc/$$/cmdline; exit 7"
    with subprocess.Popen(
        leger.command(["run", "--secret", "key", "--", "sh", "-c", script]),
        stdout=subprocess.PIPE,
        text=True,
        env=leger.environment,
    ) as process:
        out, _ = process.communicate()
    assert process.returncode == 7
    assert out == f"{process.pid}\nsh -c {script} "


def test_no_file_of_legers_stays_open(leger: Leger, secrets: Store) -> None:
    secrets.put("key", b"x")
    command = ["ls", "-l", "/proc/self/fd"]
    plain = subprocess.run(command, input=b"", capture_output=True, check=True).stdout
    done = leger.run("run", "--secret", "key", "--", *command)
    assert len(done.out.splitlines()) == len(plain.splitlines())


def test_the_command_can_be_looked_into_again(leger: Leger, secrets: Store) -> None:
    secrets.put("key", b"x")
    pr_get_dumpable = 3
    script = f"import ctypes; print(ctypes.CDLL(None).prctl({pr_get_dumpable}, 0, 0, 0, 0))"
    done = leger.run("run", "--secret", "key", "--", sys.executable, "-c", script)
    assert done.out == "1\n"


def test_no_thread_works_on_while_leger_becomes_the_command(leger: Leger, secrets: Store) -> None:
    secrets.put("key", b"x")
    script = (
        "import os, sys; from leger_cli import main\n"
        "os.execve = lambda *_: print(os.listdir('/proc/self/task') == [str(os.getpid())])\n"
        "main.main()"
    )
    arguments = leger.command(["run", "--secret", "key", "--", "true"])[3:]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env=leger.environment,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_signals_are_as_they_were(leger: Leger, secrets: Store) -> None:
    secrets.put("key", b"x")
    script = "grep -E '^Sig(Ign|Blk|Cgt)' /proc/self/status"
    done = leger.run("run", "--secret", "key", "--", "sh", "-c", script)
    plain = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, restore_signals=True, check=True
    )
    assert done.out == plain.stdout
    done = leger.run("run", "--secret", "key", "--", "sh", "-c", "kill -TERM $$")
    assert done.code == -signal.SIGTERM


def test_options_behind_the_command_are_its_own(leger: Leger, secrets: Store) -> None:
    secrets.put("key", b"x")
    for separator in (["--"], []):
        done = leger.run("run", "--secret", "key", *separator, "echo", "--json", "-h", "--secret")
        assert done.out == "--json -h --secret\n"


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--secret", "key", "--secret", "k.e=KEY", "--", "true"], 2, "USAGE"),
        (["--secret", "key=1X", "--", "true"], 2, "USAGE"),
        (["--secret", "=X", "--", "true"], 2, "USAGE"),
        (["--", "true"], 2, "USAGE"),
        (["--secret", "key"], 2, "USAGE"),
        (["--secret", "missing", "--", "touch", "FILE"], 5, "SECRET_NOT_FOUND"),
        (["--secret", "key", "--", "no-such-command"], 5, "COMMAND_NOT_FOUND"),
        (["--secret", "key", "--", "./no-such-command"], 5, "COMMAND_NOT_FOUND"),
        (["--secret", "nul", "--", "touch", "FILE"], 7, "NOT_FOR_ENVIRONMENT"),
        (["--secret", "large", "--", "touch", "FILE"], 7, "NOT_FOR_ENVIRONMENT"),
        (["--secret", "key", "--", "SCRIPT"], 7, "COMMAND_NOT_EXECUTABLE"),
    ],
)
def test_nothing_runs_when_something_is_wrong(
    leger: Leger, secrets: Store, tmp_path: Path, arguments: list[str], code: int, reason: str
) -> None:
    secrets.put("key", b"hunter2")
    secrets.put("nul", b"hunter2\0")
    secrets.put("large", b"hunter2" * 20_000)
    script = tmp_path / "script"
    script.write_text("no first line\n")
    script.chmod(0o755)
    words = {"FILE": str(tmp_path / "ran"), "SCRIPT": str(script)}
    done = leger.run("--json", "run", *(words.get(word, word) for word in arguments))
    assert (done.code, done.out) == (code, "")
    assert json.loads(done.err)["error"]["reason"] == reason
    assert "hunter2" not in done.err
    assert not (tmp_path / "ran").exists()


def test_all_secrets_are_asked_for_at_once(leger: Leger, secrets: Store) -> None:
    for name in ("a", "b"):
        secrets.put(name, b"x")
    before = len(secrets.audit_log.splitlines())
    leger.run("run", "--secret", "a", "--secret", "b", "--", "true")
    entries = [json.loads(line) for line in secrets.audit_log.splitlines()[before:]]
    assert [(entry["action"], entry["secret"]) for entry in entries] == [("get", "a"), ("get", "b")]
    assert entries[0]["process"] == entries[1]["process"]
    assert "(run; pid " in entries[0]["process"]


def test_values_are_on_no_disk(leger: Leger, secrets: Store) -> None:
    secrets.put("key", b"canary-2")
    leger.run("run", "--secret", "key", "--", "true")
    found = subprocess.run(
        ["grep", "-rl", "--binary-files=text", "canary-2", os.fspath(leger.runtime)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
