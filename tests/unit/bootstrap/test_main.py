"""`legerd` at a terminal: its help, its version, and what it says of a line that it cannot read."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from leger_bootstrap import commands, main, purge
from leger_bootstrap import scope as scope_module
from leger_bootstrap.purge import Belongings
from leger_bootstrap.scope import Scope
from leger_runtime.version import __version__


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["legerd", *arguments])
    try:
        return main.main()
    except SystemExit as ended:  # as --help and --version end
        return int(ended.code or 0)


def test_the_version_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"legerd {__version__}\n"


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (["help"], ["--help"]),
        (["help", "purge"], ["purge", "--help"]),
        (["help", "key", "status"], ["key", "status", "--help"]),
    ],
)
def test_help_is_a_command_as_well(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    same: list[str],
) -> None:
    assert run(monkeypatch, *words) == 0
    shown = capsys.readouterr().out
    assert run(monkeypatch, *same) == 0
    assert shown == capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "what", "usage", "help_"),
    [
        ([], "The following arguments are required: COMMAND.", "legerd ", "legerd --help"),
        (["frob"], "No such command 'frob'.", "legerd ", "legerd --help"),
        (["help", "frob"], "No such command 'frob'.", "legerd ", "legerd --help"),
        (["key", "frob"], "No such command 'frob'.", "legerd key ", "legerd key --help"),
        (["--frob", "status"], "Unrecognized arguments: --frob.", "legerd status ",
         "legerd status --help"),
        (["key", "status", "frob"], "Unrecognized arguments: frob.", "legerd key status ",
         "legerd key status --help"),
        (["serve", "sync"], "Argument service: invalid choice: 'sync' ", "legerd serve ",
         "legerd serve --help"),
    ],
)  # fmt: skip
def test_a_line_that_is_not_understood_is_told_as_any_other_error(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    what: str,
    usage: str,
    help_: str,
) -> None:
    assert run(monkeypatch, *words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"error: {what}")
    assert lines[1].startswith(f"  It is called as `{usage}")
    assert lines[2] == f"  → Run `{help_}`."
    assert len(lines) == 3


def test_no_option_is_taken_for_a_longer_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--yes` least of all: it would be the one that destroys all secrets."""
    monkeypatch.setattr(main, "_purge", lambda **_: pytest.fail("everything was removed"))
    assert run(monkeypatch, "purge", "--yes") == 2
    assert "Unrecognized arguments: --yes." in capsys.readouterr().err


def test_what_was_said_comes_before_the_error_in_a_file_of_both(
    monkeypatch: pytest.MonkeyPatch, scope: Scope, tmp_path: Path
) -> None:
    monkeypatch.setattr(scope_module, "of_this_process", lambda: scope)
    monkeypatch.setattr(purge, "find", lambda *_: Belongings(stacks=("notes",)))
    monkeypatch.setattr(commands, "run", lambda *_: pytest.fail("a program was run"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with (tmp_path / "both").open("ab") as file:
        # As Python has them where neither is a terminal.
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding="utf-8"))
        error = (tmp_path / "both").open("a", encoding="utf-8", buffering=1)
        monkeypatch.setattr(sys, "stderr", error)
        assert run(monkeypatch, "purge") == 2
        error.close()
        sys.stdout.flush()
        told = (tmp_path / "both").read_text()
    assert told.index("stacks, which are stopped: notes") < told.index("error: Nothing was removed")


def test_a_line_is_read_without_what_only_a_service_needs() -> None:
    program = "import sys, leger_bootstrap.main as m; sys.argv = ['legerd', 'frob']; m.main();"
    heavy = ("grpc", "typer", "leger_secrets", "leger_deployer", "tomllib")
    program += f"print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"\n"
