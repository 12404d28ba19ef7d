import os
import stat
from pathlib import Path

import pytest
from leger_runtime import atomic


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old, and longer than the new one")
    before = os.umask(0o077)
    atomic.write(path, b"new", mode=0o644)
    os.umask(before)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fails(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(OSError, match="no space"):
        atomic.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_file_written_piece_by_piece_is_there_when_all_of_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic.writing(path, mode=0o600) as file:
        file.write(b"one ")
        file.write(b"two")
        assert not path.exists()
    assert path.read_bytes() == b"one two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_pieces_that_end_with_an_error_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write() -> None:
        with atomic.writing(path) as file:
            file.write(b"one ")
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        write()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_content_and_name_are_synced_in_that_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append("directory" if directory else "content")
        assert (tmp_path / "file").exists() == directory
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    atomic.write(tmp_path / "file", b"new")
    assert synced == ["content", "directory"]


def test_a_link_is_switched_by_one_rename(tmp_path: Path) -> None:
    link = tmp_path / "active"
    atomic.symlink(link, "generations/1")
    atomic.symlink(link, "generations/2")
    assert os.readlink(link) == "generations/2"  # noqa: PTH115 - the text itself
    assert [p.name for p in tmp_path.iterdir()] == ["active"]


def test_what_a_killed_process_left_does_not_stand_in_the_way(tmp_path: Path) -> None:
    scratch = tmp_path / f".active.{os.getpid()}.tmp"
    scratch.symlink_to("left over")
    atomic.symlink(tmp_path / "active", "generations/1")
    assert not scratch.is_symlink()
