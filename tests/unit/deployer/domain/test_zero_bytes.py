"""A value that no environment variable can hold keeps a unit from starting."""

import subprocess
from pathlib import Path

import pytest
from leger_deployer.domain import zero_bytes


def checked(*files: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command as systemd does, once it has taken away the doubled dollar signs."""
    command = [word.replace("$$", "$") for word in zero_bytes.check(map(str, files))]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("value", [b"\0", b"a\0b", b"\xff\xfe\n\0", b"line\n\0"])
def test_a_byte_of_zero_is_refused_with_the_files_name(tmp_path: Path, value: bytes) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(b"fine")
    bad.write_bytes(value)
    done = checked(good, bad)
    assert done.returncode == zero_bytes.REFUSED
    assert done.stderr == f"{bad}: no environment variable can hold its byte of zero\n"


@pytest.mark.parametrize("value", [b"", b"x00", b"\xff\xfe", "\u00e9\n\n".encode(), b"a" * 99_999])
def test_every_other_value_passes(tmp_path: Path, value: bytes) -> None:
    (tmp_path / "file").write_bytes(value)
    done = checked(tmp_path / "file")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_file_that_cannot_be_looked_at_does_not_stand_in_the_way(tmp_path: Path) -> None:
    assert checked(tmp_path / "nothing").returncode == 0
