"""Files that hold values in the clear."""

import io
import os
import stat
import sys
from pathlib import Path

import pytest
from leger_cli import secretfile
from leger_cli.errors import UsageError
from leger_cli.secretfile import FileExists, FileNotFound, FileUnreadable


@pytest.mark.parametrize(("mode", "remarks"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_may_read_is_remarked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int, remarks: bool
) -> None:
    path = tmp_path / "my file"
    path.write_bytes(b"A=x")
    path.chmod(mode)
    assert secretfile.read(str(path), encrypted=True) == b"A=x"
    assert capsys.readouterr().err == ""
    assert secretfile.read(str(path)) == b"A=x"
    assert capsys.readouterr().err.endswith(f"→ chmod 600 '{path}'\n") is remarks


def test_a_pipe_is_no_file_that_others_may_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end, other = os.pipe()  # as the shell's <(command) gives
    os.write(other, b"A=x")
    os.close(other)
    assert secretfile.read(f"/dev/fd/{end}") == b"A=x"
    os.close(end)
    assert capsys.readouterr().err == ""


def test_standard_input_is_read_for_a_hyphen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    assert secretfile.read("-") == b"\xff"


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFound):
        secretfile.read(str(tmp_path / "nothing"))
    with pytest.raises(FileUnreadable):
        secretfile.read(str(tmp_path))


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(FileUnreadable, match="too large"):
        secretfile.read("/dev/zero")


def test_a_file_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    before = os.umask(0)
    try:
        secretfile.write(path, b"A=x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_is_taken_is_refused_but_by_force(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(FileExists):
        secretfile.require_place(tmp_path / "link", force=False)
    secretfile.require_place(tmp_path / "link", force=True)
    secretfile.require_place(tmp_path / "free", force=False)


@pytest.mark.parametrize("force", [False, True])
def test_a_stream_is_no_place_for_a_file(force: bool) -> None:
    with pytest.raises(UsageError):
        secretfile.require_place(Path("-"), force=force)
