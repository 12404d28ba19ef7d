"""Scheduled backups as files."""

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from leger_secrets.adapters.backup_directory import LocalBackupDirectory
from leger_secrets.domain.backup_errors import BackupNotFound, BackupUnavailable
from unit.secrets.disks import small_disk

MADE = datetime(2026, 1, 31, 2, 5, 7, tzinfo=UTC)
NAME = "secrets-20260131T020507Z.age"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/backups"


@pytest.fixture
def directory(path: Path) -> LocalBackupDirectory:
    return LocalBackupDirectory(path=path)


def test_nothing_is_kept_and_nothing_is_made_before_the_first(
    directory: LocalBackupDirectory, path: Path
) -> None:
    assert directory.kept() == []
    assert not path.exists()


def test_a_backup_is_named_after_its_time_in_utc_and_private(
    directory: LocalBackupDirectory, path: Path
) -> None:
    here = MADE.astimezone(timezone(timedelta(hours=5)))
    assert directory.add(b"content", create_time=here) == NAME
    assert directory.read(NAME) == b"content"
    assert (path / NAME).stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o700


def test_what_is_kept_is_listed_newest_first(directory: LocalBackupDirectory) -> None:
    for days in (1, 0, 2):
        directory.add(bytes(days), create_time=MADE + timedelta(days=days))
    kept = directory.kept()
    assert [backup.create_time for backup in kept] == [
        MADE + timedelta(days=days) for days in (2, 1, 0)
    ]
    assert [backup.size for backup in kept] == [2, 1, 0]
    assert kept[-1].file == NAME


def test_one_can_be_removed_and_then_is_not_found(directory: LocalBackupDirectory) -> None:
    directory.add(b"content", create_time=MADE)
    directory.remove(MADE)
    assert directory.kept() == []
    with pytest.raises(BackupNotFound):
        directory.read(NAME)


def test_other_files_are_neither_listed_nor_read_nor_removed(
    directory: LocalBackupDirectory, path: Path
) -> None:
    directory.add(b"content", create_time=MADE)
    others = ["notes.txt", "secrets-20260231T020507Z.age", f"{NAME}.old", "secrets-2026.age"]
    for name in others:
        (path / name).write_text("mine")
    (path / "secrets-20260201T020507Z.age").symlink_to(path / "notes.txt")
    directory.add(b"content", create_time=MADE + timedelta(seconds=1))
    assert [backup.file for backup in directory.kept()] == [
        "secrets-20260131T020508Z.age",
        NAME,
    ]
    assert all((path / name).exists() for name in others)


@pytest.mark.parametrize("name", ["../secrets.db", f"../backups/{NAME}", "", ".", NAME[:-1]])
def test_a_name_that_leads_elsewhere_is_not_found(
    directory: LocalBackupDirectory, path: Path, name: str
) -> None:
    directory.add(b"content", create_time=MADE)
    (path.parent / "secrets.db").write_bytes(b"the store")
    with pytest.raises(BackupNotFound):
        directory.read(name)


def test_a_backup_that_is_removed_while_they_are_listed_is_left_out(
    directory: LocalBackupDirectory, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.add(b"content", create_time=MADE)
    directory.add(b"content", create_time=MADE.replace(year=2025))
    entries = list(os.scandir(path))
    directory.remove(MADE)
    monkeypatch.setattr(os, "scandir", lambda _: entries)
    assert [backup.create_time.year for backup in directory.kept()] == [2025]


def test_a_name_that_is_no_backups_is_told_in_short_and_harmless(
    directory: LocalBackupDirectory,
) -> None:
    with pytest.raises(BackupNotFound) as refused:
        directory.read("\x1b[2J" + "x" * 1_000)
    assert refused.value.what.isprintable()
    assert len(refused.value.what) < 200


def test_what_a_killed_service_left_half_written_is_cleared_away(
    directory: LocalBackupDirectory, path: Path
) -> None:
    directory.add(b"content", create_time=MADE)
    scratch = path / f".{NAME}.7.tmp"
    scratch.write_bytes(b"half")
    directory.add(b"content", create_time=MADE)
    assert not scratch.exists()


def test_a_full_disk_leaves_what_was_there_and_is_named(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        directory = LocalBackupDirectory(path=disk.path / "backups")
        directory.add(b"content", create_time=MADE)
        disk.fill()
        with pytest.raises(BackupUnavailable) as refused:
            directory.add(bytes(100_000), create_time=MADE + timedelta(days=1))
        assert "No space left on device" in refused.value.why
        disk.free()
        assert [backup.file for backup in directory.kept()] == [NAME]
        assert directory.read(NAME) == b"content"


def test_a_directory_that_is_a_file_is_named(path: Path, directory: LocalBackupDirectory) -> None:
    path.parent.mkdir()
    path.write_text("a file")
    with pytest.raises(BackupUnavailable) as refused:
        directory.kept()
    assert str(path) in refused.value.what
