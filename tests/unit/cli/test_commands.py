"""The tree of commands, its help, and what it says to a mistaken command line."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from leger_cli import app, main, shapes
from leger_cli.version import __version__
from typer.core import TyperGroup
from unit.cli.conftest import Run

if TYPE_CHECKING:
    from typer._click import Command

ROOT = Path(__file__).resolve().parents[3]


def commands() -> Iterator[tuple[str, "Command"]]:
    """Yield the path and the command of everything below leger."""
    root = app.command()
    yield from _below(root, typer.Context(root, info_name="leger"), "")


def _below(
    command: "Command", context: typer.Context, path: str
) -> Iterator[tuple[str, "Command"]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            inner = typer.Context(child, parent=context, info_name=name)
            yield from _below(child, inner, f"{path} {name}".strip())


PATHS = [path for path, _ in commands()]
LEAVES = [path for path, command in commands() if not isinstance(command, TyperGroup)]


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert __version__ == project["version"]


@pytest.mark.parametrize("path", PATHS)
def test_help_fits_eighty_columns_and_cuts_nothing_short(run: Run, path: str) -> None:
    code, out, err = run(*path.split(), "--help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert not [line for line in out.splitlines() if line.endswith("...") and "Usage" not in line]
    assert "--json" in out


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_has_an_example_that_it_understands(path: str) -> None:
    command = dict(commands())[path]
    examples = (command.epilog or "").splitlines()
    assert examples
    assert all(f"leger {path}" in example for example in examples)


def test_every_command_has_a_documented_result() -> None:
    assert sorted(shapes.RESULTS) == sorted(LEAVES)


@pytest.mark.parametrize("noun", ["secrets", "deploy", "services"])
def test_a_noun_alone_shows_its_help(run: Run, noun: str) -> None:
    code, out, _ = run(noun)
    assert code == 0
    assert out.startswith(f"Usage: leger {noun} [OPTIONS] COMMAND\n")


def test_leger_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([]) == 0
    assert capsys.readouterr().out.startswith("Usage: leger [OPTIONS] COMMAND\n")


def test_an_option_alone_names_no_command(run: Run) -> None:
    code, _, err = run()
    assert code == 2
    assert err.startswith("error: Missing command.")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["stauts"], "No such command 'stauts'. Did you mean 'status'?"),
        (["secrets", "gte", "x"], "No such command 'gte'. Did you mean 'get'?"),
        (["secrets", "get"], "Missing argument 'NAME'."),
        (["secrets", "get", "x", "--version", "0"], "Invalid value for '--version'"),
        (["status", "--bogus"], "No such option: --bogus"),
        (["status", "a", "b"], "`leger status` got 1 argument too many."),
        (["status", "a", "b", "c"], "`leger status` got 2 arguments too many."),
        (["status", "--system"], "--user and --system were both given."),
    ],
)
def test_a_mistaken_command_line_is_explained(run: Run, arguments: list[str], what: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {what}")
    assert len(err.splitlines()) == 3


def test_a_mistake_is_json_when_json_is_asked_for(run: Run) -> None:
    code, out, err = run("secrets", "get", "--json")
    assert (code, out) == (2, "")
    assert json.loads(err)["error"]["reason"] == "USAGE"


@pytest.mark.parametrize(
    "extra",
    [["hunter2"], ["--value=hunter2"], ["-hunter2"], ["--hunter2", "x"], ["x", "--", "hunter2"]],
)
def test_a_value_on_the_command_line_is_refused_and_not_repeated(
    run: Run, extra: list[str]
) -> None:
    code, out, err = run("secrets", "put", "key", *extra)
    assert (code, out) == (2, "")
    assert "hunter2" not in err
    assert "history" in err
    assert "`ps`" in err


@pytest.mark.parametrize("verb", ["get", "info", "delete", "list"])
def test_no_command_for_secrets_repeats_what_it_did_not_expect(run: Run, verb: str) -> None:
    code, _, err = run("secrets", verb, "key", "hunter2", "hunter2")
    assert code == 2
    assert "hunter2" not in err


def test_help_needs_neither_grpc_nor_rich_nor_protobuf() -> None:
    script = (
        "import sys; from leger_cli import main; code = main.run(['secrets', 'put', '--help']); "
        "print(code, sorted({'grpc', 'rich', 'google.protobuf', 'pydantic'} & set(sys.modules)))"
    )
    assert _python(script).splitlines()[-1] == "0 []"


def test_only_the_nouns_that_are_used_are_imported() -> None:
    script = (
        "import sys; from leger_cli import main; main.run(['version']); "
        "print([name for name in sys.modules if name.startswith('leger_cli.commands.')])"
    )
    assert _python(script).splitlines() == [
        f"leger {__version__}",
        "['leger_cli.commands.version']",
    ]


def test_the_version_is_answered_before_anything_is_imported() -> None:
    script = (
        "import os, sys; before = set(sys.modules); from leger_cli import main; "
        "sys.argv = ['leger', '--version']; "
        "os._exit = lambda code: print(code, sorted(set(sys.modules) - before)); main.main()"
    )
    assert _python(script).splitlines() == [
        f"leger {__version__}",
        "0 ['leger_cli', 'leger_cli.main', 'leger_cli.version']",
    ]


def _python(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{ROOT}/cli:{ROOT}/services/runtime:{ROOT}/proto/gen"},
    )
    return done.stdout
