"""What the shell offers after TAB."""

import subprocess
from collections.abc import Sequence

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer, Secrets


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


def test_nouns_and_verbs_are_offered_without_any_service(leger: Leger) -> None:
    assert offered(leger, "se") == ["secrets", "services"]
    assert offered(leger, "secrets", "") == ["put", "get", "list", "info", "activate", "delete"]
    assert "--dry-run" in offered(leger, "deploy", "install", "--d")


@pytest.mark.parametrize("verb", ["put", "get", "info", "activate", "delete"])
def test_secrets_are_offered_by_name(leger: Leger, secrets: Secrets, verb: str) -> None:
    secrets.values = {"api_key": [b"x"], "api_url": [b"x"], "db": [b"x"]}
    secrets.active = dict.fromkeys(secrets.values, 1)
    assert offered(leger, "--user", "secrets", verb, "api") == ["api_key", "api_url"]


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


def test_a_silent_service_offers_nothing_and_says_nothing(leger: Leger) -> None:
    assert offered(leger, "--user", "secrets", "get", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(leger: Leger, shell: str) -> None:
    done = leger.run(env={"_LEGER_COMPLETE": f"source_{shell}"})
    assert done.code == 0
    assert "_LEGER_COMPLETE=complete_" in done.out
