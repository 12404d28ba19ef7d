import dataclasses
from pathlib import Path
from typing import Any

import pytest
from leger_cli import builds
from leger_cli.checks import services
from leger_cli.checks.finding import Verdict
from leger_cli.context import Account, Scope, Session
from leger_runtime.errors import Kind, NotPermitted
from unit.cli.checks.conftest import root_key_missing, silence, unit

OLDER = "localhost/leger/services:0"


def test_all_is_well_where_all_is_well(patient: Any) -> None:
    assert services.access(patient) is None  # nobody is kept from anything
    for check in services.CHECKS:
        if check.look is services.access:
            continue
        found = check.look(patient)
        assert found
        assert (check.title, found.verdict) == (check.title, Verdict.OK)


@pytest.mark.parametrize(
    ("state", "verdict", "fix"),
    [
        ({"LoadState": "not-found"}, Verdict.PROBLEM, "Install the leger package"),
        ({"ActiveState": "failed"}, Verdict.PROBLEM, "journalctl -u legerd.service"),
        ({"ActiveState": "inactive"}, Verdict.PROBLEM, "systemctl start legerd.service"),
        ({"ActiveState": "deactivating"}, Verdict.PROBLEM, "systemctl start legerd.service"),
        (
            {"ActiveState": "inactive", "UnitFileState": "disabled"},
            Verdict.PROBLEM,
            "systemctl enable --now legerd.service",
        ),
        ({"ActiveState": "activating"}, Verdict.WARNING, "in a moment"),
        ({"UnitFileState": "disabled"}, Verdict.WARNING, "systemctl enable legerd.service"),
    ],
)
def test_legerd_is_to_have_run_and_to_run_at_boot(
    patient: Any, state: dict[str, str], verdict: Verdict, fix: str
) -> None:
    patient.units["legerd.service"] = unit(**state)
    found = services.legerd(patient)
    assert found.verdict is verdict
    assert fix in found.fix


def test_without_systemd_there_is_one_problem(patient: Any) -> None:
    patient.units = None
    assert services.legerd(patient).verdict is Verdict.PROBLEM
    assert services.podman_socket(patient).verdict is Verdict.SKIPPED
    assert services.setec_socket(patient).verdict is Verdict.SKIPPED


def test_a_service_that_is_silent_is_explained_as_other_commands_do(patient: Any) -> None:
    patient.builds["secrets"] = silence("secrets")
    found = services.service("secrets", patient)
    assert (found.verdict, found.fix) == (Verdict.PROBLEM, "Start it.")
    assert found.why == "The secrets service does not answer. It is stopped."


@pytest.mark.parametrize("state", ["inactive", "deactivating"])
def test_a_service_that_answers_while_legerd_is_stopped_is_not_said_to_be_well(
    patient: Any, state: str
) -> None:
    """`systemctl stop legerd.service` returns before the services end."""
    patient.units["legerd.service"] = unit(ActiveState=state)
    found = services.service("secrets", patient)
    assert found.verdict is Verdict.WARNING
    assert "though legerd.service is stopped" in found.why
    assert found.fix == "Run `systemctl start legerd.service`."


def test_an_account_that_may_not_ask_is_told_once_and_nothing_else_is_broken(patient: Any) -> None:
    forbidden = NotPermitted("It may not.", why="It is root's.", next_step="Run it with sudo.")
    patient.builds = dict.fromkeys(builds.SERVICES, forbidden)
    found = services.access(patient)
    assert found
    assert (found.verdict, found.fix) == (Verdict.PROBLEM, "Run it with sudo.")
    assert found.kind is Kind.NOT_PERMITTED
    assert found.why == "It may not. It is root's."
    for name in builds.SERVICES:
        assert services.service(name, patient).verdict is Verdict.SKIPPED


def test_a_socket_that_is_stopped_along_with_legerd_comes_back_along_with_it(patient: Any) -> None:
    patient.units["legerd.service"] = unit(ActiveState="inactive")
    for name in ("leger-podman.socket", "leger-setec.socket"):
        patient.units[name] = unit(ActiveState="inactive")
    for found in (services.podman_socket(patient), services.setec_socket(patient)):
        assert found.verdict is Verdict.PROBLEM
        assert found.fix == "Run `systemctl start legerd.service`."


def test_a_port_that_is_taken_is_suspected_where_setecs_socket_failed(patient: Any) -> None:
    patient.units["leger-setec.socket"] = unit(ActiveState="failed", Result="resources")
    found = services.setec_socket(patient)
    assert found.verdict is Verdict.PROBLEM
    assert "may have its port" in found.why
    assert "systemctl restart leger-secrets.service" in found.fix


def test_setecs_socket_may_be_off(patient: Any) -> None:
    patient.units["leger-setec.socket"] = unit(ActiveState="inactive", UnitFileState="disabled")
    assert services.setec_socket(patient).verdict is Verdict.OK


def test_a_version_that_was_taken_back_is_a_problem_with_its_reason(patient: Any) -> None:
    refused = {"what": "version", "why": "It did not start.", "next": "Try again."}
    patient.host_status["refused"] = refused
    found = services.version(patient)
    assert (found.verdict, found.fix) == (Verdict.PROBLEM, "Try again.")
    assert "taken back" in found.why
    assert "It did not start." in found.why


def test_services_that_run_on_after_an_upgrade_of_the_package_are_named(patient: Any) -> None:
    patient.host_status["running"] = {"leger-secrets": OLDER, "leger-deployer": OLDER}
    found = services.version(patient)
    assert found.verdict is Verdict.WARNING
    assert "leger-secrets and leger-deployer still run the version" in found.why
    assert "systemctl reload legerd.service" in found.fix


def test_only_the_account_of_the_services_is_told_what_runs(patient: Any) -> None:
    account = dataclasses.replace(patient.session.account, uid=1000)
    patient.session = Session(account=Account(**vars(account)))
    patient.session.choose(Scope.SYSTEM)
    assert services.version(patient).verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "9.9"}, "The deployer service is 9.9, and this leger is"),
        ({"commit": "a" * 40}, "of commit aaaaaaaaaaaa, and this leger is of a source tree"),
        ({"packages": ("leger.deployer.v2",)}, "does not serve leger.deployer.v1"),
    ],
)
def test_a_client_of_another_version_is_warned(
    patient: Any, change: dict[str, Any], said: str
) -> None:
    patient.builds["deployer"] = dataclasses.replace(builds.of_client(), **change)
    found = services.client(patient)
    assert found.verdict is Verdict.WARNING
    assert said in found.why


def test_nobody_to_compare_with_is_no_verdict(patient: Any) -> None:
    patient.builds = {name: silence(name) for name in builds.SERVICES}
    assert services.client(patient).verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("found", "verdict", "fix"),
    [
        ({"why": "It has a mistake.", "next": "Correct it."}, Verdict.PROBLEM, "Correct it."),
        ({"in_force": False}, Verdict.WARNING, "systemctl reload legerd.service"),
    ],
)
def test_a_configuration_is_to_be_understood_and_in_force(
    patient: Any, found: dict[str, Any], verdict: Verdict, fix: str
) -> None:
    patient.host_status["configuration"].update(found)
    said = services.configuration(patient)
    assert said.verdict is verdict
    assert fix in said.fix


def test_a_configuration_that_was_taken_back_is_not_blamed_on_the_version(patient: Any) -> None:
    patient.host_status["configuration"]["in_force"] = False
    patient.host_status["refused"] = {
        "what": "configuration",
        "why": "No such directory.",
        "next": "Correct leger.toml.",
    }
    said = services.configuration(patient)
    assert (said.verdict, said.fix) == (Verdict.PROBLEM, "Correct leger.toml.")
    assert services.version(patient).verdict is Verdict.OK


def test_a_socket_that_the_configuration_has_off_is_no_problem(patient: Any) -> None:
    patient.units["leger-setec.socket"] = unit(ActiveState="inactive")
    assert services.setec_socket(patient).verdict is Verdict.PROBLEM
    patient.host_status["configuration"]["http"] = False
    assert services.setec_socket(patient).verdict is Verdict.OK


def test_a_socket_that_the_configuration_wants_is_to_listen_enabled_or_not(patient: Any) -> None:
    patient.units["leger-setec.socket"] = unit(ActiveState="inactive", UnitFileState="disabled")
    patient.host_status["configuration"]["http"] = True
    assert services.setec_socket(patient).verdict is Verdict.PROBLEM


def test_a_socket_that_a_change_will_move_is_not_judged_before_it_is_in_force(patient: Any) -> None:
    patient.units["leger-setec.socket"] = unit(ActiveState="inactive", UnitFileState="disabled")
    patient.host_status["configuration"].update(http=True, in_force=False)
    found = services.setec_socket(patient)
    assert (found.verdict, found.fix) == (Verdict.SKIPPED, "")
    assert services.configuration(patient).fix == "Run `systemctl reload legerd.service`."


def test_without_a_file_nothing_is_said_to_be_as_it_says(patient: Any) -> None:
    file = Path(patient.configuration["file"])
    assert services.configuration(patient).why == f"the services run as {file} says"
    file.unlink()
    found = services.configuration(patient)
    assert found.verdict is Verdict.OK
    assert found.why == f"nothing is configured: there is no {file}"


def test_a_root_key_that_is_gone_is_not_taken_for_a_changed_configuration(patient: Any) -> None:
    patient.host_status["configuration"]["in_force"] = False
    patient.root_key = root_key_missing()
    assert services.configuration(patient).verdict is Verdict.SKIPPED


def test_a_configuration_is_not_judged_while_a_version_stands_refused(patient: Any) -> None:
    """What runs is of the version before, whose units may read leger.toml otherwise."""
    patient.host_status["configuration"]["in_force"] = None
    patient.host_status["refused"] = {"what": "version", "why": "No.", "next": "Try again."}
    found = services.configuration(patient)
    assert found.verdict is Verdict.SKIPPED
    assert "see `version`" in found.why
    assert services.version(patient).verdict is Verdict.PROBLEM
    patient.units["leger-setec.socket"] = unit(ActiveState="inactive", UnitFileState="disabled")
    assert services.setec_socket(patient).verdict is Verdict.SKIPPED
