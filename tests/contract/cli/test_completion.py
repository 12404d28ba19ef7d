"""What the shell offers after TAB."""

import subprocess
from collections.abc import Sequence

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer
from contract.cli.store import Store


def offered(leger: Leger, *words: str) -> list[str]:
    """Return what bash is offered for the last of the words."""
    line = ["leger", *words]
    done = subprocess.run(
        leger.command([])[:-1],
        capture_output=True,
        text=True,
        env={
            **leger.environment,
            "_LEGER_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(line),
            "COMP_CWORD": str(len(line) - 1),
        },
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_asks_leger(leger: Leger, shell: str) -> None:
    done = leger.run("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"_LEGER_COMPLETE=complete_{shell}" in done.out


def test_nouns_and_verbs_are_offered_without_any_service(leger: Leger) -> None:
    assert offered(leger, "se") == ["secrets", "services"]
    assert {"put", "get", "list", "info", "delete"} <= set(offered(leger, "secrets", ""))
    assert offered(leger, "secrets", "ge") == ["generate", "get"]
    assert "--dry-run" in offered(leger, "deploy", "install", "--d")


@pytest.mark.parametrize(
    "verb",
    [
        *("put", "generate", "get", "info", "update", "activate", "delete", "export", "watch"),
        *("rotate", "rollback"),
    ],
)
def test_secrets_are_offered_by_name(leger: Leger, secrets: Store, verb: str) -> None:
    for name in ("api_key", "api_url", "db"):
        secrets.put(name, b"x")
    assert offered(leger, "--user", "secrets", verb, "api") == ["api_key", "api_url"]


def test_tokens_and_principals_and_actions_are_offered(leger: Leger, secrets: Store) -> None:
    for name in ("ci", "web"):
        leger.run("auth", "token", "create", name)
    secrets.put("api_key", b"x")
    assert offered(leger, "--user", "auth", "token", "revoke", "") == ["ci", "web"]
    can = ["--user", "secrets", "can"]
    principals = ["svc:deployer", "token:ci", "token:web"]
    assert offered(leger, *can, "") == principals
    assert offered(leger, "--user", "audit", "list", "--principal", "") == principals
    assert offered(leger, *can, "token:ci", "a") == ["activate"]
    assert offered(leger, *can, "token:ci", "get", "") == ["api_key"]


def test_scheduled_backups_are_offered_for_a_restore(leger: Leger, secrets: Store) -> None:
    leger.run("secrets", "backup", "--scheduled")
    [name] = offered(leger, "--user", "secrets", "restore", "--scheduled", "")
    assert name.startswith("secrets-")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["status", ""], ["notes"]),
        (["deploy", "remove", "n"], ["notes"]),
        (["services", "logs", "w"], ["web"]),
        (["services", "restart", ""], ["db", "notes", "web"]),
    ],
)
def test_stacks_and_services_are_offered_by_name(
    leger: Leger, deployer: Deployer, words: Sequence[str], names: list[str]
) -> None:
    assert offered(leger, "--user", *words) == names


def test_a_secret_is_offered_for_a_command_to_run(leger: Leger, secrets: Store) -> None:
    secrets.put("api_key", b"x")
    assert offered(leger, "--user", "run", "--secret", "a") == ["api_key"]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--key", ["ed25519", "x25519", "p256", "rsa3072"]),
        ("--encoding", ["base64url", "base64", "hex"]),
    ],
)
def test_the_kinds_of_generated_values_are_offered(
    leger: Leger, option: str, words: list[str]
) -> None:
    assert offered(leger, "secrets", "generate", "x", option, "") == words


def test_formats_are_offered(leger: Leger) -> None:
    assert offered(leger, "secrets", "import", "x", "--format", "") == ["env", "json", "yaml"]


def test_a_silent_service_offers_nothing_and_says_nothing(leger: Leger) -> None:
    assert offered(leger, "--user", "secrets", "get", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(leger: Leger, shell: str) -> None:
    done = leger.run(env={"_LEGER_COMPLETE": f"source_{shell}"})
    assert done.code == 0
    assert "_LEGER_COMPLETE=complete_" in done.out
