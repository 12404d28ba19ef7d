"""The tree of commands, its help, and what it says to a mistaken command line."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from leger_cli import main, shapes
from leger_cli.parser import LegerGroup
from leger_cli.version import __version__
from leger_runtime import version as runtime_version
from unit.cli.conftest import Run
from unit.cli.tree import LEAVES, PATHS, commands

ROOT = Path(__file__).resolve().parents[3]


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert __version__ == runtime_version.__version__ == project["version"]


@pytest.mark.parametrize("path", PATHS)
def test_help_fits_eighty_columns_and_cuts_nothing_short(run: Run, path: str) -> None:
    code, out, err = run(*path.split(), "--help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert not [line for line in out.splitlines() if line.endswith("...") and "Usage" not in line]
    assert "--json" in out


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_has_examples_of_itself(path: str) -> None:
    command = dict(commands())[path]
    examples = (command.epilog or "").splitlines()
    assert examples
    assert all(f"leger {path}" in example for example in examples)


def test_every_command_has_a_documented_result() -> None:
    assert sorted(shapes.RESULTS) == sorted(LEAVES)


def test_every_command_for_secrets_is_under_a_heading(run: Run) -> None:
    _, out, _ = run("secrets", "--help")
    assert "Other commands" not in out
    headings = [line for line in out.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings[0] == "Values:"
    assert headings[-1] == "Global options:"


def test_every_synonym_leads_to_a_command() -> None:
    for path, group in commands():
        if isinstance(group, LegerGroup):
            meant = {f"{path} {words}".strip() for words in group.synonyms.values()}
            assert meant <= set(PATHS)


@pytest.mark.parametrize("path", ["", "secrets", "secrets put", "status"])
def test_help_can_be_asked_for_in_short(run: Run, path: str) -> None:
    assert run(*path.split(), "-h") == run(*path.split(), "--help")


@pytest.mark.parametrize("path", ["", "secrets", "secrets put", "run", "auth token create"])
def test_help_can_be_asked_for_as_of_git(run: Run, path: str) -> None:
    assert run("help", *path.split()) == run(*path.split(), "--help")


def test_help_never_runs_what_it_is_asked_about(run: Run) -> None:
    shown = run("help", "run", "--secret", "x", "--", "true")
    assert shown == run("run", "--help")
    code, _, err = run("help", "secrets", "gte")
    assert (code, err.splitlines()[0]) == (2, "error: No such command 'gte'. Did you mean 'get'?")


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
        (["secrets", "rm", "x"], "No such command 'rm'. Did you mean 'delete'?"),
        (["secrets", "set", "x"], "No such command 'set'. Did you mean 'put'?"),
        (["restart", "web"], "No such command 'restart'. Did you mean 'services restart'?"),
        (["restrat", "web"], "No such command 'restrat'. Did you mean 'services restart'?"),
        (["xyzzy"], "No such command 'xyzzy'.\n"),
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


@pytest.mark.parametrize("verb", ["put", "rotate"])
def test_a_value_behind_an_equals_sign_is_refused_and_not_repeated(run: Run, verb: str) -> None:
    code, out, err = run("secrets", verb, "key=hunter2")
    assert (code, out) == (2, "")
    assert "hunter2" not in err
    assert "pipe it in" in err
    assert f"`leger secrets {verb} -- NAME`" in err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["-x"], ": -x."),
        (["--bogus", "key"], ": --bogus."),
        (["--bogus=hunter2", "key"], ": --bogus."),
        (["-hunter2"], " before the name."),
    ],
)
def test_an_unknown_option_before_the_name_is_no_name(
    run: Run, words: list[str], named: str
) -> None:
    code, out, err = run("secrets", "put", *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: No such option{named}\n")
    assert "hunter2" not in err


@pytest.mark.parametrize("verb", ["get", "info", "delete", "list"])
def test_no_command_for_secrets_repeats_what_it_did_not_expect(run: Run, verb: str) -> None:
    code, _, err = run("secrets", verb, "key", "hunter2", "hunter2")
    assert code == 2
    assert "hunter2" not in err


@pytest.mark.parametrize(
    ("arguments", "dumpable"),
    [
        ("secrets get x", 0),
        ("secrets put x", 0),
        ("secrets rotate x", 0),
        ("secrets import x.env", 0),
        ("secrets export", 0),
        ("secrets backup x", 0),
        ("secrets restore x", 0),
        ("secrets unseal", 0),
        ("secrets rekey --passphrase", 0),
        ("secrets recovery-key", 0),
        ("auth token create x", 0),
        ("run --secret x true", 0),
        ("secrets list", 1),
        ("status", 1),
    ],
)
def test_no_process_looks_into_one_that_may_hold_a_value(arguments: str, dumpable: int) -> None:
    pr_get_dumpable = 3
    script = (
        f"import os; from leger_cli import main; main.run({['--user', *arguments.split()]}); "
        f"import ctypes; print(ctypes.CDLL(None).prctl({pr_get_dumpable}, 0, 0, 0, 0))"
    )
    assert _python(script) == f"{dumpable}\n"


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
    said = _python(script).splitlines()
    assert (said[0], said[-1]) == (f"leger {__version__}", "['leger_cli.commands.version']")


def test_a_command_for_secrets_imports_its_own_module_alone() -> None:
    script = (
        "import sys; from leger_cli import main; main.run(['secrets', 'get', '--bogus']); "
        "print([n for n in sys.modules if n.startswith('leger_cli.commands.secrets.')])"
    )
    assert _python(script) == (
        "['leger_cli.commands.secrets.app', 'leger_cli.commands.secrets.values']\n"
    )


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
