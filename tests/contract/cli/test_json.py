"""`--json` prints what docs/reference/cli.md says, for every command, wherever it stands."""

import json
import signal
import types
import typing
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer
from contract.cli.store import Store
from leger_cli import shapes
from unit.cli.tree import LEAVES

# A command line for each command; DIR stands for a stack's directory, ENV for a .env file, KEY for
# a file that is not there yet, BACKUP for a scheduled backup, TOKEN for a token's name.
COMMAND_LINES = {
    "secrets put": ["api_key"],
    "secrets generate": ["deploy_key", "--key", "ed25519"],
    "secrets get": ["api_key"],
    "secrets import": ["ENV", "--yes"],
    "secrets export": [],
    "secrets list": [],
    "secrets info": ["api_key"],
    "secrets update": ["api_key", "--label", "team=home", "--expires", "90d"],
    "secrets watch": ["--after", "0"],
    "secrets activate": ["api_key", "1"],
    "secrets delete": ["api_key", "--yes"],
    "secrets rotate": ["api_key"],
    "secrets rollback": ["api_key"],
    "secrets status": [],
    "secrets seal": [],
    "secrets unseal": [],
    "secrets rekey": [],
    "secrets backup": ["--scheduled"],
    "secrets backups": [],
    "secrets recovery-key": ["--out", "KEY"],
    "secrets restore": ["--scheduled", "BACKUP", "--replace", "--yes"],
    "run": ["--secret", "api_key", "--", "printenv", "API_KEY"],
    "secrets can": ["operator:tester", "get", "api_key"],
    "secrets policy": [],
    "auth token create": ["web", "--allow", "get=api_key", "--expires", "90d"],
    "auth token list": [],
    "auth token revoke": ["TOKEN"],
    "audit list": ["--tail", "1"],
    "audit verify": [],
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
    "completion": ["bash"],
    "doctor": [],
    "version": [],
}
# This host has nothing of leger's, which the doctor does not find well.
CODES = {"doctor": 8}
# They print one object a line, and may go on without end.
STREAMS = {"secrets watch", "services logs"}


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
    elif typing.get_origin(shape) is dict:
        assert isinstance(value, dict), where
        for name, inner in value.items():
            check(name, typing.get_args(shape)[0], f"{where} name")
            check(inner, typing.get_args(shape)[1], f"{where}.{name}")
    elif isinstance(shape, types.UnionType):
        if value is not None:
            check(value, typing.get_args(shape)[0], where)
    else:
        assert type(value) is shape, where


def test_every_command_is_checked() -> None:
    assert sorted(COMMAND_LINES) == sorted(LEAVES)


@pytest.mark.parametrize("path", COMMAND_LINES)
def test_the_result_has_the_documented_shape(
    leger: Leger, secrets: Store, deployer: Deployer, stack: Path, path: str
) -> None:
    secrets.put("api_key", b"zero", b"one")
    env = leger.runtime / "app.env"
    env.write_text("DB=x\n")
    env.chmod(0o600)
    files = {"DIR": str(stack), "ENV": str(env), "KEY": str(leger.runtime / "recovery.key")}
    if "BACKUP" in COMMAND_LINES[path]:
        made = leger.run("--json", "secrets", "backup", "--scheduled")
        files["BACKUP"] = json.loads(made.out)["file"]
    if "TOKEN" in COMMAND_LINES[path]:
        made = leger.run("--json", "auth", "token", "create", "ci")
        files["TOKEN"] = json.loads(made.out)["name"]
    words = [files.get(word, word) for word in COMMAND_LINES[path]]
    arguments = ["--json", *path.split(), *words]  # at first, as what follows -- is not leger's
    shape = shapes.RESULTS[path]
    if path in STREAMS:
        with leger.begun(*arguments) as process:
            assert process.stdout is not None
            out = process.stdout.readline().decode()
            process.send_signal(signal.SIGINT)
    else:
        done = leger.run(*arguments, stdin=b"two")
        assert done.code == CODES.get(path, 0), done.err
        out = done.out
    if shape is None:
        assert out == "one\n"
    else:
        check(json.loads(out), shape)


@pytest.mark.parametrize(
    "arguments",
    [["--json", "secrets", "list"], ["secrets", "--json", "list"], ["secrets", "list", "--json"]],
)
def test_json_may_stand_before_or_after_the_noun(
    leger: Leger, secrets: Store, arguments: list[str]
) -> None:
    assert json.loads(leger.run(*arguments).out) == {"secrets": [], "revision": 0}


def test_a_dry_run_has_applied_nothing(leger: Leger, deployer: Deployer, stack: Path) -> None:
    done = leger.run("deploy", "install", str(stack), "--dry-run", "--json")
    assert json.loads(done.out)["applied"] is None


def test_times_are_rfc_3339(leger: Leger, deployer: Deployer) -> None:
    status = json.loads(leger.run("status", "--json").out)
    assert status["services"][0]["since"] == "2023-11-14T22:13:20Z"
