"""Why a unit does not run is told from what systemd and its journal say."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from leger_deployer.domain.failure import Explainer, in_words, told
from leger_deployer.domain.ports.host_commands import CommandResult, HostCommands
from leger_deployer.domain.ports.secrets_directory import SecretsDirectory
from leger_deployer.domain.ports.unit_manager import UnitState
from leger_deployer.domain.scope import Scope
from unit.deployer.fakes import FakeHost

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
ID = "a1" * 32


def state(result: str, code: int = 1, status: int = 0, command: str = "") -> UnitState:
    return UnitState(
        unit="web.service",
        load="loaded",
        active="failed",
        sub="failed",
        result=result,
        exit_code=code,
        exit_status=status,
        failed_command=command,
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (state("success"), ""),
        (state("exit-code", status=3), "It ended with status 3."),
        (state("exit-code", code=2, status=9), "A command of its unit failed."),
        (state("exit-code", code=0), "A command of its unit failed."),
        (state("exit-code", status=125), "podman itself failed (status 125)"),
        (state("exit-code", status=127), "command is not found"),
        (state("exit-code", status=243, command="ExecStartPre=install"), "credentials (secrets)"),
        (
            state("exit-code", status=1, command="ExecStartPre=/bin/check"),
            "ExecStartPre=/bin/check, which runs before it, failed with status 1.",
        ),
        (state("signal", code=2, status=11), "signal 11 (SIGSEGV)"),
        (state("core-dump", code=3, status=99), "signal 99"),
        (state("signal", code=0), "A command of its unit was killed by a signal."),
        (state("signal", code=1), "A command of its unit was killed by a signal."),
        (state("timeout"), "TimeoutStartSec="),
        (state("oom-kill"), "memory ran out"),
        (state("start-limit-hit"), "too often"),
        (state("watchdog"), "WatchdogSec="),
        (state("resources"), "could not set up"),
        (state("protocol"), "without telling systemd"),
        (state("exec-condition"), "ExecCondition="),
        (state("something-new"), "systemd says something-new."),
    ],
)
def test_systemds_reason_in_words(found: UnitState, words: str) -> None:
    assert words in in_words(found)
    assert bool(in_words(found)) == bool(words)


def entries(*lines: Mapping[str, object]) -> list[str]:
    return [json.dumps(line) for line in lines]


def test_the_containers_own_words_are_told_before_podmans() -> None:
    printed = entries(
        {"SYSLOG_IDENTIFIER": "web", "MESSAGE": "Error: something of podman"},
        {"CONTAINER_NAME": "systemd-web", "MESSAGE": "no such luck"},
        {"CONTAINER_NAME": "systemd-web", "PODMAN_EVENT": "died", "MESSAGE": "container died"},
        {"SYSLOG_IDENTIFIER": "systemd", "MESSAGE": "Started web.service."},
    )
    assert told(printed, "web") == ["no such luck"]


def test_podmans_words_are_told_where_the_container_said_nothing() -> None:
    printed = entries(
        {"SYSLOG_IDENTIFIER": "web", "MESSAGE": ID},
        {"SYSLOG_IDENTIFIER": "web", "MESSAGE": 'time="2026" level=warning msg="by the way"'},
        {"SYSLOG_IDENTIFIER": "web", "MESSAGE": "Error: no such network"},
    )
    assert told([*printed, "not json"], "web") == ["Error: no such network"]


def test_podmans_events_are_nobodys_words() -> None:
    printed = entries(
        {"SYSLOG_IDENTIFIER": "podman", "PODMAN_EVENT": "died", "MESSAGE": "container died"},
    )
    assert told(printed, "podman") == []


def test_bytes_that_are_no_text_are_told_as_far_as_they_are() -> None:
    printed = entries({"CONTAINER_NAME": "c", "MESSAGE": [104, 105, 255]})
    assert told(printed, "web") == ["hi\ufffd"]


def test_only_the_last_lines_are_told(host: FakeHost) -> None:
    host.journal = entries(*({"CONTAINER_NAME": "c", "MESSAGE": f"line {n}"} for n in range(9)))
    explainer = Explainer(commands=host, secrets=host, scope=Scope.USER)
    assert explainer.last_lines("web.service", since=SINCE) == [f"line {n}" for n in range(4, 9)]


def test_a_reason_is_told_though_the_secrets_service_is_down(host: FakeHost) -> None:
    host.secrets_up = False
    explainer = Explainer(commands=host, secrets=host, scope=Scope.SYSTEM)
    assert explainer.refusals() is None
    assert explainer.why(state("oom-kill"), since=SINCE) == in_words(state("oom-kill"))
    assert explainer.why(state("success"), since=SINCE) == "systemd says it is failed (failed)."


def exit_of(command: str, code: str, status: int) -> dict[str, object]:
    """What systemd writes when a process of a unit ends badly; journalctl gives all as text."""
    return {"COMMAND": command, "EXIT_CODE": code, "EXIT_STATUS": str(status)}


@pytest.mark.parametrize(
    ("result", "entry", "words"),
    [
        ("exit-code", exit_of("ExecStartPre", "exited", 243), "did not get the credentials"),
        ("exit-code", exit_of("ExecStartPre", "exited", 4), "ExecStartPre=, which runs before it,"),
        ("exit-code", {"MESSAGE": "no exit"}, "A command of its unit failed."),
        ("exit-code", exit_of("ExecStartPre", "killed", 9), "A command of its unit failed."),
        ("signal", exit_of("ExecStartPost", "killed", 9), "It was killed by signal 9 (SIGKILL)."),
        ("core-dump", exit_of("ExecStartPre", "dumped", 6), "It was killed by signal 6 (SIGABRT)."),
        ("signal", exit_of("ExecStartPre", "exited", 4), "was killed by a signal."),
        ("signal", {"MESSAGE": "no exit"}, "was killed by a signal."),
    ],
)
@pytest.mark.parametrize("left", [0, 1])  # the main process never ran, or ended well before
def test_what_systemd_forgot_in_a_reload_is_told_by_its_journal(
    host: FakeHost, result: str, entry: Mapping[str, object], words: str, left: int
) -> None:
    host.journal = entries(entry)
    explainer = Explainer(commands=host, secrets=host, scope=Scope.SYSTEM)
    assert words in in_words(explainer.recalled(state(result, code=left)))


@pytest.mark.parametrize(
    ("scope", "unit"),
    [(Scope.SYSTEM, "--unit=web.service"), (Scope.USER, "--user-unit=web.service")],
)
def test_the_journal_is_asked_for_the_last_exit_of_a_command_beside_the_main_process(
    scope: Scope, unit: str
) -> None:
    commands = Mock(HostCommands)
    commands.run.return_value = CommandResult(status=0, output="", messages="")
    explainer = Explainer(commands=commands, secrets=Mock(SecretsDirectory), scope=scope)
    explainer.recalled(state("signal", code=0))
    commands.run.assert_called_once_with(
        [
            "/usr/bin/journalctl",
            unit,
            "--output=json",
            "--quiet",
            "--boot",
            "--lines=1",
            "MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15",
            "COMMAND=ExecCondition",
            "COMMAND=ExecStartPre",
            "COMMAND=ExecStartPost",
        ]
    )


def test_what_systemd_knows_is_not_looked_up(host: FakeHost) -> None:
    host.journal = entries(exit_of("ExecStartPre", "exited", 243))
    explainer = Explainer(commands=host, secrets=host, scope=Scope.SYSTEM)
    for known in (
        state("exit-code", status=3),
        state("signal", code=2, status=9),
        state("core-dump", code=3, status=6),
        state("timeout", code=0),
    ):
        assert explainer.recalled(known) == known


def test_a_journal_that_is_empty_tells_nothing(host: FakeHost) -> None:
    explainer = Explainer(commands=host, secrets=host, scope=Scope.USER)
    assert explainer.recalled(state("exit-code", code=0)) == state("exit-code", code=0)
