import os
import threading
from pathlib import Path

import build_cache
import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEGER_CACHE", str(tmp_path))


def test_what_was_made_once_is_not_made_again() -> None:
    made = []

    def make(draft: Path) -> None:
        made.append(draft)
        draft.write_text("content")

    first = build_cache.kept("thing", "1", make)
    assert build_cache.kept("thing", "1", make) == first
    assert first.read_text() == "content"
    assert len(made) == 1
    assert build_cache.kept("thing", "2", make) != first


def test_parts_of_the_cache_have_nothing_in_common(tmp_path: Path) -> None:
    def make(draft: Path) -> None:
        draft.touch()

    one = build_cache.kept("thing", "1", make)
    other = build_cache.kept("thing", "1", make, part="images")
    assert (one, other) == (tmp_path / "package/thing-1", tmp_path / "images/thing-1")
    build_cache.kept("thing", "2", make)
    build_cache.forget("thing", but=1)
    assert not one.exists()
    assert other.exists()


def test_of_a_failure_nothing_is_kept() -> None:
    def fail(draft: Path) -> None:
        draft.mkdir()
        (draft / "half").touch()
        raise ValueError("no space")

    with pytest.raises(ValueError, match="no space"):
        build_cache.kept("thing", "1", fail)
    assert [path.name for path in build_cache.directory().iterdir()] == ["thing.lock"]


def test_a_files_name_mode_and_content_are_all_in_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("a")
    path.chmod(0o644)
    seen = {build_cache.of_files([path], below=tmp_path)}
    path.chmod(0o755)
    seen.add(build_cache.of_files([path], below=tmp_path))
    path.write_text("b")
    seen.add(build_cache.of_files([path], below=tmp_path))
    seen.add(build_cache.of_files([path.rename(tmp_path / "other")], below=tmp_path))
    assert len(seen) == 4


def test_a_fingerprint_tells_where_one_part_ends() -> None:
    assert build_cache.fingerprint(["ab", "c"]) != build_cache.fingerprint(["a", "bc"])


def test_what_was_made_last_is_not_forgotten() -> None:
    made = [build_cache.kept("thing", str(n), lambda draft: draft.touch()) for n in range(4)]
    other = build_cache.kept("other", "1", lambda draft: draft.touch())
    for age, path in enumerate(reversed(made)):
        os.utime(path, (1_000_000_000 - age, 1_000_000_000 - age))
    build_cache.forget("thing", but=2)
    assert [path.exists() for path in made] == [False, False, True, True]
    assert other.exists()


def test_what_was_asked_for_last_is_not_forgotten_either() -> None:
    made = [build_cache.kept("thing", str(n), lambda draft: draft.mkdir()) for n in range(3)]
    for path in made:
        os.utime(path, (1_000_000_000, 1_000_000_000))
    asked = build_cache.kept("thing", "0", lambda draft: draft.mkdir())
    build_cache.forget("thing", but=1)
    assert [path for path in made if path.exists()] == [asked]


def test_nothing_is_forgotten_while_one_of_its_kind_is_made() -> None:
    build_cache.kept("thing", "0", lambda draft: draft.touch())
    forgetting = threading.Thread(target=build_cache.forget, args=["thing"], kwargs={"but": 1})

    def make(draft: Path) -> None:
        draft.touch()
        forgetting.start()
        forgetting.join(0.2)
        assert forgetting.is_alive()

    made = build_cache.kept("thing", "1", make)
    forgetting.join()
    assert list(made.parent.glob("thing-*")) == [made]
