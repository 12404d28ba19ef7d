"""`leger deploy` and `leger validate` against a deployer on a socket."""

import json
from pathlib import Path

import pytest
from contract.cli.conftest import Leger
from contract.cli.fakes import Deployer, failure, plan
from leger_runtime.errors import FieldViolation, Kind

INVALID = failure(
    Kind.INVALID,
    "QUADLET_INVALID",
    "The stack notes is not valid.",
    fields=(FieldViolation(field="web.container", description="unsupported key 'Imagee'"),),
)


def test_an_install_uploads_plans_asks_and_applies(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    done = leger.at_terminal("deploy", "install", str(stack), answers=["y"])
    assert done.code == 0
    assert deployer.stack == "notes"
    assert deployer.staged == {
        "nginx.conf": b"worker_processes 1;\n",
        "web.container": b"[Container]\nImage=web\n",
    }
    assert deployer.applied == ["p1"]
    shown = [done.out.index(text) for text in ("Secrets:", "Install notes?", "PUBLISHED")]
    assert shown == sorted(shown)


def test_a_stack_of_no_services_is_said_to_be_installed(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    deployer.services = []
    done = leger.run("deploy", "install", str(stack), "--yes")
    assert done.code == 0
    assert "notes is installed." in done.out
    assert "No stack is installed" not in done.out + done.err


def test_any_other_answer_than_yes_applies_nothing(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    done = leger.at_terminal("deploy", "install", str(stack), answers=[""])
    assert (done.code, deployer.applied) == (1, [])


def test_without_anybody_to_ask_nothing_is_even_uploaded(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    done = leger.run("deploy", "install", str(stack))
    assert (done.code, done.out, deployer.staged) == (2, "", {})
    assert "--yes" in done.err


def test_with_json_nothing_is_asked(leger: Leger, deployer: Deployer, stack: Path) -> None:
    done = leger.at_terminal("deploy", "install", str(stack), "--json")
    assert (done.code, deployer.staged) == (2, {})
    assert "--json asks nothing, and --yes was not given." in done.out


def test_in_a_pipe_progress_is_lines_beside_the_result(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    done = leger.run("deploy", "install", str(stack), "--yes")
    assert done.code == 0
    assert "Start units: web.service: healthy: done" in done.err
    assert "Start units" not in done.out
    assert "127.0.0.1:8080" in done.out
    assert "\x1b" not in done.out + done.err


def test_a_dry_run_shows_the_plan_and_changes_nothing(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    deployer.plan = plan(stored=False)
    done = leger.run("deploy", "install", str(stack), "--dry-run")
    assert (done.code, deployer.applied) == (0, [])
    assert "✗ api_key  not stored → leger secrets put api_key" in done.out


def test_a_plan_with_a_secret_that_is_not_stored_is_not_asked_about(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    deployer.plan = plan(stored=False)
    done = leger.run("deploy", "install", str(stack), "--yes")
    assert (done.code, deployer.applied) == (5, [])
    assert "Run `leger secrets put api_key`, then install again." in done.err


def test_another_name_reaches_the_deployer(leger: Leger, deployer: Deployer, stack: Path) -> None:
    leger.run("deploy", "install", str(stack), "--name", "memos", "--dry-run")
    assert deployer.stack == "memos"


def test_a_failed_start_ends_with_its_reason(leger: Leger, deployer: Deployer, stack: Path) -> None:
    deployer.fails["ApplyPlan"] = failure(Kind.INTERNAL, "UNIT_FAILED", "web did not start.")
    done = leger.run("deploy", "install", str(stack), "--yes")
    assert done.code == 1
    assert done.err.splitlines()[-3:] == [
        "error: web did not start.",
        "  This is why.",
        "  → Do this next.",
    ]


def test_a_failed_start_at_a_terminal_marks_the_step(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    deployer.fails["ApplyPlan"] = failure(Kind.INTERNAL, "UNIT_FAILED", "web did not start.")
    done = leger.at_terminal("deploy", "install", str(stack), "--yes")
    assert "✗\x1b[0m Start units" in done.out
    assert done.out.index("Start units") < done.out.index("web did not start.")


def test_what_the_generator_refuses_is_listed_by_file(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    deployer.fails["PlanStack"] = INVALID
    done = leger.run("deploy", "install", str(stack), "--yes")
    assert done.code == 7
    assert "  - web.container: unsupported key 'Imagee'" in done.err.splitlines()


def test_a_large_file_arrives_whole(leger: Leger, deployer: Deployer, stack: Path) -> None:
    content = bytes(range(256)) * 4096 * 5
    (stack / "large.bin").write_bytes(content)
    assert leger.run("deploy", "install", str(stack), "--dry-run").code == 0
    assert deployer.staged["large.bin"] == content


def test_modes_arrive(leger: Leger, deployer: Deployer, stack: Path) -> None:
    (stack / "run.sh").write_text("#!/bin/sh\n")
    (stack / "run.sh").chmod(0o755)
    leger.run("deploy", "install", str(stack), "--dry-run")
    assert deployer.modes["run.sh"] == 0o755


def test_a_directory_that_is_not_there_is_not_found(leger: Leger, stack: Path) -> None:
    done = leger.run("deploy", "install", str(stack / "nowhere"), "--yes")
    assert done.code == 5
    assert "There is no directory" in done.err


def test_stacks_are_listed(leger: Leger, deployer: Deployer) -> None:
    row = leger.run("deploy", "list").out.splitlines()[1]
    assert row.split() == ["notes", "3", "2023-11-14", "22:13:20", "2", "systemd-db-data"]


def test_a_removal_says_what_it_will_do_and_asks(leger: Leger, deployer: Deployer) -> None:
    done = leger.at_terminal("deploy", "remove", "notes", answers=["y"])
    assert done.code == 0
    assert "2 units of notes will be stopped and removed." in done.out
    assert "Volumes that are kept: systemd-db-data." in done.out
    assert [r.delete_volumes for r in deployer.removals] == [False]


def test_a_removal_with_volumes_says_that_the_data_goes(leger: Leger, deployer: Deployer) -> None:
    done = leger.at_terminal("deploy", "remove", "notes", "--volumes", answers=["n"])
    assert done.code == 1
    assert "DELETED WITH THEIR DATA: systemd-db-data" in done.out
    assert deployer.removals == []


def test_a_removal_with_yes_asks_nothing(leger: Leger, deployer: Deployer) -> None:
    done = leger.run("deploy", "remove", "notes", "--volumes", "--yes")
    assert done.out == ("notes: removed, 2 units stopped\n  deleted volumes: systemd-db-data\n")
    assert [r.delete_volumes for r in deployer.removals] == [True]


def test_a_stack_that_is_not_installed_is_not_asked_about(leger: Leger, deployer: Deployer) -> None:
    done = leger.at_terminal("deploy", "remove", "memos")
    assert done.code == 5
    assert "Installed are: notes." in done.out


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_without_anybody_to_ask_a_stack_that_is_not_there_is_what_is_wrong(
    leger: Leger, deployer: Deployer, form: tuple[str, ...]
) -> None:
    done = leger.run("deploy", "remove", "memos", *form)
    assert (done.code, done.out) == (5, "")
    assert "No stack memos is installed." in done.err
    assert leger.run("deploy", "remove", "notes", *form).code == 2
    assert deployer.removals == []


def test_a_valid_directory_is_said_to_be_valid(
    leger: Leger, deployer: Deployer, stack: Path
) -> None:
    deployer.plan = plan(stored=False)
    done = leger.run("validate", str(stack))
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:2] == [
        "✓ notes is valid: 2 units, 1 secret, 1 other file",
        "  not stored yet → leger secrets put api_key",
    ]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_findings_make_the_validation_fail(
    leger: Leger, deployer: Deployer, stack: Path, form: tuple[str, ...]
) -> None:
    deployer.fails["PlanStack"] = INVALID
    done = leger.run("validate", str(stack), *form)
    assert (done.code, done.out) == (7, "")
    if form:
        assert json.loads(done.err)["error"]["fields"] == [
            {"field": "web.container", "description": "unsupported key 'Imagee'"}
        ]
    else:
        assert "  - web.container: unsupported key 'Imagee'" in done.err.splitlines()
