from pathlib import Path
from typing import Any

import pytest
from leger_cli.checks import host, services, store
from leger_cli.checks.finding import Verdict, of_error
from leger_cli.context import Account, Scope, Session
from leger_cli.errors import LegerdMissing
from leger_cli.legerd import LegerdSilent


@pytest.mark.parametrize("name", ["podman", "systemctl"])
def test_a_program_that_is_too_old_is_a_problem(patient: Any, name: str) -> None:
    assert host.program(name, patient).verdict is Verdict.OK
    for requirement in patient.host_status["requirements"]:
        requirement.update(met=False, found=f"{name} version 4.9")
    found = host.program(name, patient)
    assert found.verdict is Verdict.PROBLEM
    assert found.why == f"{name} version 4.9; leger needs 5.4 or newer."
    assert "then run `systemctl restart legerd.service`" in found.fix


def test_a_host_without_legerd_is_told_once(patient: Any) -> None:
    patient.host_status = LegerdMissing()
    found = host.program("podman", patient)
    assert (found.verdict, found.fix) == (Verdict.PROBLEM, LegerdMissing().next_step)
    assert host.program("systemctl", patient).verdict is Verdict.SKIPPED


def test_a_legerd_that_is_there_and_silent_is_not_to_be_installed(patient: Any) -> None:
    silent = LegerdSilent("legerd did not answer.", why="It was killed.", next_step="Run it.")
    patient.host_status = silent
    assert host.program("podman", patient) == of_error(silent)
    assert patient.refused is patient.configuration is None
    assert services.version(patient).verdict is Verdict.SKIPPED
    assert store.space(patient).verdict is Verdict.SKIPPED


def test_control_groups_of_version_1_are_a_problem(
    patient: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_CGROUP", tmp_path / "cgroup.controllers")
    assert host.cgroups(patient).verdict is Verdict.PROBLEM
    (tmp_path / "cgroup.controllers").touch()
    assert host.cgroups(patient).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("enforce", "verdict"),
    [("1", Verdict.OK), ("0", Verdict.WARNING), (None, Verdict.OK)],
)
def test_selinux_is_to_enforce_where_there_is_one(
    patient: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    enforce: str | None,
    verdict: Verdict,
) -> None:
    monkeypatch.setattr(host, "_SELINUX", tmp_path / "enforce")
    if enforce:
        (tmp_path / "enforce").write_text(enforce)
    assert host.selinux(patient).verdict is verdict


@pytest.mark.parametrize(
    ("said", "verdict"),
    [("yes\n", Verdict.OK), ("no\n", Verdict.WARNING), (None, Verdict.SKIPPED)],
)
def test_a_user_without_linger_is_warned_of_the_logout(
    patient: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str | None,
    verdict: Verdict,
) -> None:
    assert host.linger(patient) is None  # of root
    patient.session = Session(account=Account(uid=0, runtime=tmp_path, config=tmp_path))
    patient.session.choose(Scope.USER)
    monkeypatch.setattr(host, "_output_of", lambda _command: said)
    found = host.linger(patient)
    assert found
    assert found.verdict is verdict
