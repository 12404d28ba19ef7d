from pathlib import Path

import pytest
from leger_bootstrap import root_key, scope
from leger_cli import legerd
from leger_cli.context import Account, Scope, Session
from leger_cli.errors import LegerdMissing
from leger_runtime.errors import Kind, LegerError, NotPermitted, as_text


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only program in PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "legerd"


def answering(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def failing(program: Path, error: LegerError) -> None:
    (program.parent / "said").write_text(as_text(error) + "\n")
    lines = f'while IFS= read -r line; do echo "$line" >&2; done < {program.parent}/said'
    answering(program, f"{lines}\nexit {error.kind.value}")


def test_what_it_says_is_its_json(program: Path) -> None:
    answering(program, 'test "$*" = "key status --json" && echo \'{"protection": "tpm2"}\'')
    assert legerd.key_status() == {"protection": "tpm2"}


def test_a_root_key_that_is_gone_is_told_apart_in_legerds_own_words(program: Path) -> None:
    said = root_key.RootKeyMissing(scope.system())
    failing(program, said)
    found = legerd.key_status()
    assert isinstance(found, legerd.RootKeyMissing)
    assert (found.what, found.why, found.next_step) == (said.what, said.why, said.next_step)
    assert found.reason == said.reason


def test_any_other_error_is_passed_on(program: Path) -> None:
    failing(program, NotPermitted("No.", why="It is root's.", next_step="Be root."))
    found = legerd.key_status()
    assert isinstance(found, LegerError)
    assert not isinstance(found, legerd.RootKeyMissing)
    assert (found.kind, str(found)) == (Kind.NOT_PERMITTED, "No. It is root's.")


def test_only_a_program_that_is_not_there_is_missing(program: Path) -> None:
    assert isinstance(legerd.status(), LegerdMissing)
    answering(program, "exit 1")
    assert not isinstance(legerd.status(), LegerdMissing)


TRACEBACK = """
echo 'Traceback (most recent call last):' >&2
echo '  File "main.py", line 1, in <module>' >&2
echo 'RuntimeError: no such luck' >&2
exit 1
"""


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (TRACEBACK, "What it printed cannot be read (exit code 1)."),
        ("echo 'error: It has no next step.' >&2; echo '  Why.' >&2; exit 6", "(exit code 6)"),
        ("echo 'error: On one line.' >&2; exit 6", "(exit code 6)"),
        ("exit 1", "(exit code 1)"),
        ("exit 99", "(exit code 99)"),
        ("echo nonsense", "(exit code 0)"),
        ("echo '[]'", "(exit code 0)"),
        ("kill -9 $$", "It was killed by signal 9."),
    ],
)
def test_one_that_is_there_and_says_nothing_that_can_be_read_is_silent(
    program: Path, script: str, why: str
) -> None:
    answering(program, script)
    found = legerd.key_status()
    assert isinstance(found, legerd.LegerdSilent)
    assert found.what == "legerd did not answer."
    assert why in found.why
    assert found.next_step == "Run `legerd key status`."


def test_one_that_may_not_be_run_says_so(program: Path) -> None:
    program.mkdir()
    found = legerd.status()
    assert isinstance(found, legerd.LegerdSilent)
    assert found.why == "It cannot be run: Permission denied."
    assert found.next_step == "Run `legerd status`."


def test_one_that_takes_too_long_is_not_waited_for(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legerd, "_PATIENCE", 0.2)
    answering(program, "exec /bin/sleep 60")
    found = legerd.status()
    assert isinstance(found, legerd.LegerdSilent)
    assert found.why == "It said nothing within 0.2 s."


def test_it_speaks_for_the_scope_of_its_own_account(tmp_path: Path) -> None:
    for uid, scopes in ((0, Scope.SYSTEM), (1000, Scope.USER)):
        session = Session(account=Account(uid=uid, runtime=tmp_path, config=tmp_path))
        session.choose(scopes)
        assert legerd.speaks_for(session)
    other = Session(account=Account(uid=1000, runtime=tmp_path, config=tmp_path))
    assert not legerd.speaks_for(other)  # an account without services means the system's
