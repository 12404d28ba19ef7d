"""proto/breaking.py: the contracts of a release go on working."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from release.clone import ENVIRONMENT, ROOT, Clone

BUF = ROOT / "build/buf/node_modules/.bin/buf"
CONTRACT = "proto/leger/example/v1/example.proto"
MESSAGE = """syntax = "proto3";

package leger.example.v1;

message Example {
  string name = 1;
}
"""


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A repository with one contract, which no release has yet."""
    clone = Clone.empty(tmp_path)
    clone.write({CONTRACT: MESSAGE})
    for name in ("buf.yaml", "proto/breaking.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    clone.commit("feat: a contract")
    return clone


def compared(clone: Clone) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(clone.directory / "proto/breaking.py"), str(BUF)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_before_the_first_release_there_is_no_contract_to_hold_to(clone: Clone) -> None:
    answer = compared(clone)
    assert (answer.returncode, answer.stdout) == (0, "no release yet: no contract to hold to\n")


def test_a_history_that_git_does_not_read_is_not_one_without_a_release(clone: Clone) -> None:
    (clone.directory / ".git/HEAD").write_text("")
    answer = compared(clone)
    assert answer.returncode == 1
    assert answer.stderr.startswith("proto/breaking.py: git rev-parse: fatal: ")


def test_a_shallow_clone_that_lacks_the_last_release_says_so(clone: Clone, tmp_path: Path) -> None:
    clone.git("tag", "v0.1.0")
    clone.commit("fix: nothing about contracts")
    shallow = Clone(tmp_path / "shallow")
    url = clone.directory.as_uri()
    clone.git("clone", "--quiet", "--depth", "1", url, str(shallow.directory))
    answer = compared(shallow)
    assert answer.returncode == 0
    assert answer.stdout == "contracts not compared: a shallow clone; git fetch --unshallow\n"


def test_a_contract_may_grow(clone: Clone) -> None:
    clone.git("tag", "v0.1.0")
    clone.write({CONTRACT: MESSAGE.replace("}", "  string more = 2;\n}")})
    clone.commit("feat: more")
    answer = compared(clone)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_what_clients_rely_on_may_not_change(clone: Clone) -> None:
    clone.git("tag", "v0.1.0")
    # Of commits since the release, and of what is not committed.
    clone.commit("fix: nothing about contracts")
    clone.write({CONTRACT: MESSAGE.replace("string name", "bytes name")})
    answer = compared(clone)
    assert answer.returncode == 1
    assert 'Field "1" with name "name" on message "Example" changed type' in answer.stdout
    assert "v0.1.0" in answer.stderr
