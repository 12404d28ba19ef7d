"""Backups at a terminal of 80 columns, and what a restore changes."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import backup_pb2 as b
from leger_cli.views import backups as view
from unit.cli.conftest import Written

NOW = 1_700_000_000
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr("time.time", lambda: NOW)


def summary(*, age: int = 60) -> b.BackupSummary:
    return b.BackupSummary(
        file="secrets-20231114T221220Z.age",
        create_time=Timestamp(seconds=NOW - age),
        secrets=1,
        versions=2,
        size=1_234_567,
    )


def test_a_recent_backup_is_listed_with_its_age_and_no_warning(terminal: Written) -> None:
    answer = b.ListBackupsResponse(backups=[summary()], recovery_recipients=[RECIPIENT])
    view.kept(answer, failed="systemctl status leger-backup")
    written = terminal()
    assert "1m" in written
    assert "1.2 MB" in written
    assert f"recovery recipient {RECIPIENT}" in written
    assert "systemctl" not in written


def test_an_old_last_backup_says_where_to_look(terminal: Written) -> None:
    answer = b.ListBackupsResponse(backups=[summary(age=3 * 86_400)])
    view.kept(answer, failed="systemctl status leger-backup")
    written = terminal()
    assert "The last one is 3 days old.\n→ systemctl status leger-backup\n" in written
    assert "There is no recovery key" in written


def test_of_a_sealed_store_nothing_is_said_about_recovery_keys(terminal: Written) -> None:
    view.kept(b.ListBackupsResponse(backups=[summary()], sealed=True), failed="")
    assert "recovery" not in terminal()


def test_what_a_restore_changes_is_a_row_each_and_tokens_are_warned_of(terminal: Written) -> None:
    view.changes(
        b.RestoreStoreResponse(
            backup=summary(), added=["a"], changed=["b"], removed=["c"], added_tokens=["ci"]
        )
    )
    written = terminal()
    rows = [line.split() for line in written.splitlines()[3:7]]
    assert rows == [
        ["a", "secret", "add"],
        ["b", "secret", "change"],
        ["c", "secret", "remove"],
        ["ci", "token", "add"],
    ]
    assert "revoked since the backup are valid again" in written


def test_recovery_recipients_that_a_restore_adds_are_shown_with_how_to_remove_them(
    terminal: Written,
) -> None:
    view.changes(b.RestoreStoreResponse(backup=summary(), added_recipients=[RECIPIENT]))
    written = terminal()
    assert f"\nrecovery recipient {RECIPIENT}\n" in written
    assert f"\n→ leger secrets recovery-key --remove {RECIPIENT}\n" in written
    assert "All that is stored is as in the backup" not in written


def test_restarts_are_mentioned_when_running_units_could_have_other_values(
    terminal: Written,
) -> None:
    view.restored(b.RestoreStoreResponse(backup=summary(), added=["a"]))
    assert "restarted" not in terminal()
    view.restored(b.RestoreStoreResponse(backup=summary(), changed=["a"]))
    assert "restarted" in terminal()
