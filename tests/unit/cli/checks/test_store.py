import os
import time
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import audit_pb2, backup_pb2, store_pb2
from leger_cli.checks import store
from leger_cli.checks.finding import Verdict
from leger_cli.errors import LegerdMissing
from unit.cli.checks.conftest import root_key_missing, silence, unit


def test_all_is_well_where_all_is_well(patient: Any) -> None:
    for check in store.CHECKS:
        found = check.look(patient)
        assert found
        assert (check.title, found.verdict) == (check.title, Verdict.OK)


def test_a_silent_service_is_told_elsewhere(patient: Any) -> None:
    patient.store = patient.audit = patient.backups = silence("secrets")
    looked = [(check.title, check.look(patient)) for check in store.CHECKS]
    assert {title for title, found in looked if found and found.verdict is Verdict.SKIPPED} == {
        "store",
        "memory",
        "audit log",
        "backups",
        "recovery key",
    }


def test_a_sealed_store_says_why_and_what_to_do(patient: Any) -> None:
    patient.store = store_pb2.GetStoreStatusResponse(
        sealed=True,
        seal_what="The store opens with a passphrase.",
        seal_why="One was set.",
        seal_next_step="Type it.",
    )
    found = store.seal(patient)
    assert (found.verdict, found.fix) == (Verdict.PROBLEM, "Type it.")
    assert "passphrase. One was set." in found.why


@pytest.mark.parametrize(
    ("protection", "unlock", "verdict"),
    [
        ("file", "root-key", Verdict.WARNING),
        ("null-key", "root-key", Verdict.WARNING),
        ("host-key", "root-key", Verdict.OK),
        ("file", "passphrase", Verdict.OK),
    ],
)
def test_a_key_that_the_disk_reveals_is_warned_of(
    patient: Any, protection: str, unlock: str, verdict: Verdict
) -> None:
    patient.root_key = {"protection": protection, "unlock": unlock}
    assert store.key(patient).verdict is verdict


def test_a_root_key_that_is_gone_is_a_problem_before_the_service_misses_it(patient: Any) -> None:
    patient.root_key = root_key_missing()
    found = store.key(patient)
    assert found.verdict is Verdict.PROBLEM
    assert found.why == "The root key is gone. No file has it."
    assert "leger secrets rekey --passphrase" in found.fix
    assert "`systemctl reload legerd.service`" in found.fix


def test_a_root_key_that_is_missed_already_has_the_fix_of_the_silent_service(patient: Any) -> None:
    patient.root_key = patient.builds["secrets"] = root_key_missing()
    assert store.key(patient).fix == "Put it back."


def test_who_is_not_told_of_the_root_key_is_told_why(patient: Any) -> None:
    patient.root_key = None  # another account's
    assert store.key(patient).verdict is Verdict.SKIPPED
    patient.root_key = LegerdMissing()
    found = store.key(patient)
    assert (found.verdict, "`legerd status`" in found.why) == (Verdict.SKIPPED, True)


def test_a_root_key_that_was_not_made_yet_is_not_said_to_be_sealed(patient: Any) -> None:
    patient.root_key = {"protection": "none", "unlock": None}
    found = store.key(patient)
    assert found.verdict is Verdict.SKIPPED
    assert "none yet" in found.why


def test_memory_that_is_not_protected_is_warned_of(patient: Any) -> None:
    patient.store.weaknesses.append("Memory is not locked.")
    assert store.memory(patient).verdict is Verdict.WARNING


def test_a_broken_audit_log_is_a_problem(patient: Any) -> None:
    patient.audit = audit_pb2.VerifyAuditResponse(file="audit.log", line=3, problem="It is gone.")
    found = store.audit(patient)
    assert found.verdict is Verdict.PROBLEM
    assert "audit.log at line 3" in found.why
    patient.store.audit_problem = "The disk is full."
    assert "Requests are refused" in store.audit(patient).why


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(5_000_000_000, Verdict.OK), (500_000_000, Verdict.WARNING), (5_000_000, Verdict.PROBLEM)],
)
def test_a_disk_that_fills_up_is_told_in_time(
    patient: Any, monkeypatch: pytest.MonkeyPatch, free: int, verdict: Verdict
) -> None:
    disk = SimpleNamespace(f_bavail=free // 4096, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _path: disk)
    assert store.space(patient).verdict is verdict


@pytest.mark.parametrize(("age", "verdict"), [(3_600, Verdict.OK), (4 * 86_400, Verdict.WARNING)])
def test_backups_are_to_be_as_old_as_a_day(patient: Any, age: int, verdict: Verdict) -> None:
    patient.store.last_backup_time.CopyFrom(Timestamp(seconds=int(time.time()) - age))
    assert store.backups(patient).verdict is verdict


@pytest.mark.parametrize(("secrets", "verdict"), [(0, Verdict.OK), (1, Verdict.WARNING)])
def test_a_first_backup_is_missed_where_there_is_something_to_lose(
    patient: Any, secrets: int, verdict: Verdict
) -> None:
    patient.store = store_pb2.GetStoreStatusResponse(secrets=secrets)
    assert store.backups(patient).verdict is verdict


def test_a_backup_that_failed_or_is_not_scheduled_is_a_problem(patient: Any) -> None:
    patient.units["leger-backup.timer"] = unit(ActiveState="inactive")
    assert "leger-backup.timer" in store.backups(patient).why
    patient.units["leger-backup.service"] = unit(ActiveState="failed")
    found = store.backups(patient)
    assert found.verdict is Verdict.PROBLEM
    assert "leger-backup.service" in found.fix


def test_without_a_recovery_key_backups_are_of_little_use(patient: Any) -> None:
    patient.backups = backup_pb2.ListBackupsResponse()
    assert store.recovery(patient).verdict is Verdict.WARNING
    patient.backups = backup_pb2.ListBackupsResponse(sealed=True)
    assert store.recovery(patient).verdict is Verdict.SKIPPED
