from pathlib import Path

import pytest
import stamp
from leger_runtime import version

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_package_says_which_commit_it_is_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leger_runtime").mkdir()
    stamp.stamp(tmp_path, COMMIT)
    monkeypatch.setattr(version, "_STAMP", tmp_path / "leger_runtime/commit")
    assert version.commit() == COMMIT


def test_a_tree_says_none() -> None:
    assert version.commit() == ""


@pytest.mark.parametrize("commit", ["", "main", COMMIT[:12], COMMIT.upper()])
def test_what_is_no_full_hash_is_refused(tmp_path: Path, commit: str) -> None:
    with pytest.raises(ValueError, match="full hash"):
        stamp.stamp(tmp_path, commit)
