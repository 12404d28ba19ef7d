import io
import sys

import pytest
from leger_cli import errors, output
from leger_cli.output import Tone
from leger_runtime.errors import FieldViolation, Kind, LegerError, RemoteError
from unit.cli.conftest import Written


def an_error(**changes: str) -> LegerError:
    parts = {
        "what": "The stack notes is not valid.",
        "why": "The host's Quadlet generator refuses one of its files, and says so in the words "
        "that follow.",
        "next_step": "Correct the file, then run the command again; nothing was changed.",
        **changes,
    }
    return RemoteError(
        parts["what"],
        why=parts["why"],
        next_step=parts["next_step"],
        kind=Kind.INVALID,
        reason="QUADLET_INVALID",
        violations=[
            FieldViolation(
                field="web.container",
                description="unsupported key 'Imagee' in group 'Container', which is not one that "
                "Quadlet knows",
            )
        ],
    )


def test_an_error_at_a_terminal(terminal: Written) -> None:
    output.error(an_error())
    assert (
        "\n" + terminal()
        == """
error: The stack notes is not valid.
  The host's Quadlet generator refuses one of its files, and says so in the
  words that follow.
  - web.container: unsupported key 'Imagee' in group 'Container', which is not
    one that Quadlet knows
  → Correct the file, then run the command again; nothing was changed.
"""
    )


def test_an_error_in_a_pipe_is_one_line_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    output.error(an_error())
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert lines[0] == "error: The stack notes is not valid."


def test_parts_that_a_foreign_server_leaves_empty_are_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.error(an_error(why="", next_step=""))
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_an_error_as_json_is_one_line_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = errors.show(an_error(why="w", next_step="n"), as_json=True)
    said = capsys.readouterr()
    assert (code, said.out) == (7, "")
    assert said.err.count("\n") == 1
    assert '"reason": "QUADLET_INVALID"' in said.err


def test_a_defect_is_named_without_its_text() -> None:
    try:
        raise ValueError("hunter2")
    except ValueError as defect:
        error = errors.of_exception(defect)
    assert "hunter2" not in f"{error} {error.next_step}"
    assert "ValueError" in error.why
    assert "test_output.py" in error.why


def test_a_full_disk_is_no_defect() -> None:
    error = errors.of_exception(OSError(28, "No space left on device"))
    assert error.kind is Kind.UNAVAILABLE
    assert "No space left on device" in error.why


def test_a_pipe_gets_colours_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert not output.has_colour(io.StringIO())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert output.has_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.has_colour(io.StringIO())


@pytest.mark.parametrize(
    ("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")], ids=["NO_COLOR", "dumb"]
)
def test_colours_are_left_out_where_they_are_not_wanted(
    terminal: Written, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.delenv("NO_COLOR")
    assert output.paint("x", Tone.GOOD) == "\x1b[32mx\x1b[0m"
    monkeypatch.setenv(name, value)
    assert output.paint("x", Tone.GOOD) == "x"


def test_a_pipe_has_no_colours(pipe: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.paint("x", Tone.BAD) == "x"


def test_a_table_is_coloured_at_a_terminal_alone(
    terminal: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR")
    output.table(("STATE",), [(("failed", Tone.BAD),)])
    assert "\x1b[31mfailed" in terminal()


def test_markup_of_foreign_origin_is_plain_text(pipe: Written) -> None:
    output.table(("NAME",), [("[red]x[/red]",)])
    assert "[red]x[/red]" in pipe()


def test_colours_in_logs_pass_and_commands_do_not() -> None:
    assert output.printable("\x1b[31mred\x1b[0m\tx") == "\x1b[31mred\x1b[0m\tx"
    assert output.printable("\x1b[2J\r\x9b") == "\\x1b[2J\\r\\x9b"


def test_a_pipe_gets_text_as_it_is(pipe: Written) -> None:
    output.line("\x1b[2J")
    assert pipe() == "\x1b[2J\n"


def test_json_keeps_letters_as_they_are(pipe: Written) -> None:
    output.json({"name": "ключ"})
    assert "ключ" in pipe()


def test_the_width_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    assert output.width() == 100
