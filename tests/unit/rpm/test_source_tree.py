import os
import shutil
from pathlib import Path

import pytest
import source_tree
from programs import BuildFailed
from release.clone import ENVIRONMENT, Clone


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A tree with a version, an example, and what git is to ignore."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    clone = Clone.empty(tmp_path / "tree")
    clone.write(
        {
            ".gitignore": "__pycache__/\n",
            "pyproject.toml": '[project]\nversion = "1.2.3"\n',
            "examples/notes/notes.pod": "[Pod]\n",
        }
    )
    clone.commit("feat: an example")
    return clone


def test_a_tree_that_is_a_commit_has_its_hash_and_its_time(clone: Clone) -> None:
    assert source_tree.commit(clone.directory) == clone.git("rev-parse", "HEAD")
    assert source_tree.time(clone.directory) == int(clone.git("log", "-1", "--format=%ct"))


@pytest.mark.parametrize("name", ["pyproject.toml", "examples/notes/more.container"])
def test_a_tree_with_an_edit_or_a_file_of_its_own_is_no_commit(clone: Clone, name: str) -> None:
    clone.write({name: '[project]\nversion = "1.2.4"\n'})
    assert source_tree.commit(clone.directory) is None


def test_what_does_not_go_into_the_package_makes_no_difference(clone: Clone) -> None:
    clone.write({"tests/test_more.py": "", "cli/__pycache__/main.pyc": "", "rpm/publish": ""})
    assert source_tree.commit(clone.directory) == clone.git("rev-parse", "HEAD")


def test_files_are_those_that_git_tracks_and_that_are_there(clone: Clone) -> None:
    clone.write({"examples/notes/gone.volume": ""})
    clone.commit("feat: a volume")
    (clone.directory / "examples/notes/gone.volume").unlink()
    clone.write({"examples/notes/.notes.pod.swp": ""})
    files = source_tree.files("examples", clone.directory)
    assert files == [Path("examples/notes/notes.pod")]


def test_an_unpacked_archive_has_all_its_files_their_time_and_no_commit(clone: Clone) -> None:
    shutil.rmtree(clone.directory / ".git")
    os.utime(clone.directory / "pyproject.toml", (1_000_000_000, 1_000_000_000))
    assert source_tree.commit(clone.directory) is None
    assert source_tree.time(clone.directory) == 1_000_000_000
    assert source_tree.files("examples", clone.directory) == [Path("examples/notes/notes.pod")]


def test_a_repository_that_git_cannot_read_is_not_taken_for_an_archive(clone: Clone) -> None:
    (clone.directory / ".git/HEAD").write_text("")
    with pytest.raises(BuildFailed, match="git"):
        source_tree.commit(clone.directory)
