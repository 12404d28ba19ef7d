"""The manual is generated from the commands, and cannot say anything else."""

import subprocess
import sys
from pathlib import Path

from leger_cli.app import NOUNS

ROOT = Path(__file__).resolve().parents[3]


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "docs/man/generate.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_reference_is_what_the_commands_say() -> None:
    done = generate("--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_there_is_a_page_for_leger_and_for_each_noun(tmp_path: Path) -> None:
    assert generate(str(tmp_path)).returncode == 0
    nouns = [f"leger-{noun}.1" for noun in NOUNS if noun != "version"]
    assert {page.name for page in tmp_path.iterdir()} == {"leger.1", *nouns}
    assert "--no\\-activate" not in (tmp_path / "leger-secrets.1").read_text()  # no bare hyphens


def test_groff_has_nothing_to_say_about_the_pages(tmp_path: Path) -> None:
    generate(str(tmp_path))
    pages = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", *pages], capture_output=True, check=True
    )
    assert done.stderr == b""


def test_a_wrong_call_shows_the_usage() -> None:
    assert "usage:" in generate("--bogus").stderr
