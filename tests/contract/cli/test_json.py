"""`--json` prints what docs/reference/cli.md says, for every command, wherever it stands."""

import json
import types
import typing
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer, Secrets
from leger_cli import shapes

# A command line for each command; DIR stands for a stack's directory.
COMMAND_LINES = {
    "secrets put": ["api_key"],
    "secrets get": ["api_key"],
    "secrets list": [],
    "secrets info": ["api_key"],
    "secrets activate": ["api_key", "1"],
    "secrets delete": ["api_key", "--yes"],
    "deploy install": ["DIR", "--yes"],
    "deploy list": [],
    "deploy remove": ["notes", "--yes"],
    "status": [],
    "services list": [],
    "services start": ["web"],
    "services stop": ["web"],
    "services restart": ["web"],
    "services logs": ["web"],
    "validate": ["DIR"],
    "version": [],
}


def check(value: object, shape: object, where: str = "$") -> None:
    """Fail unless the value has exactly the shape."""
    if typing.is_typeddict(shape):
        assert isinstance(value, dict), where
        fields = typing.get_type_hints(shape)
        required: frozenset[str] = shape.__required_keys__  # type: ignore[attr-defined]
        assert required <= set(value) <= set(fields), where
        for name, inner in value.items():
            check(inner, fields[name], f"{where}.{name}")
    elif typing.get_origin(shape) is list:
        assert isinstance(value, list), where
        for number, inner in enumerate(value):
            check(inner, typing.get_args(shape)[0], f"{where}[{number}]")
    elif isinstance(shape, types.UnionType):
        if value is not None:
            check(value, typing.get_args(shape)[0], where)
    else:
        assert type(value) is shape, where


def test_every_documented_result_is_checked() -> None:
    assert set(COMMAND_LINES) == set(shapes.RESULTS)


@pytest.mark.parametrize("path", COMMAND_LINES)
def test_the_result_has_the_documented_shape(
    leger: Leger, secrets: Secrets, deployer: Deployer, stack: Path, path: str
) -> None:
    secrets.values["api_key"], secrets.active["api_key"] = [b"one"], 1
    arguments = [str(stack) if a == "DIR" else a for a in COMMAND_LINES[path]]
    done = leger.run(*path.split(), *arguments, "--json", stdin=b"two")
    assert (done.code, done.err) == (0, "")
    text = done.out.splitlines()[0] if path == "services logs" else done.out
    check(json.loads(text), shapes.RESULTS[path])


@pytest.mark.parametrize(
    "arguments",
    [["--json", "secrets", "list"], ["secrets", "--json", "list"], ["secrets", "list", "--json"]],
)
def test_json_may_stand_before_or_after_the_noun(
    leger: Leger, secrets: Secrets, arguments: list[str]
) -> None:
    assert json.loads(leger.run(*arguments).out) == {"secrets": [], "revision": 7}


def test_a_dry_run_has_applied_nothing(leger: Leger, deployer: Deployer, stack: Path) -> None:
    done = leger.run("deploy", "install", str(stack), "--dry-run", "--json")
    assert json.loads(done.out)["applied"] is None


def test_times_are_rfc_3339(leger: Leger, deployer: Deployer) -> None:
    status = json.loads(leger.run("status", "--json").out)
    assert status["services"][0]["since"] == "2023-11-14T22:13:20Z"
