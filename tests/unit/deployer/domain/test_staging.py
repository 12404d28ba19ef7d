"""An upload is taken in whole and safe, or not at all."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leger_deployer.domain import staging as module
from leger_deployer.domain.errors import (
    InvalidName,
    StackEmpty,
    StackTooLarge,
    StagedNotFound,
    UnsafePath,
)
from leger_deployer.domain.staging import Chunk, Header, Staging, check_path
from unit.deployer.fakes import FakeHost


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def staging(host: FakeHost, clock: Clock) -> Staging:
    return Staging(files=host.files, clock=clock)


def sent(*paths: str, stack: str = "web", mode: int = 0o644) -> Iterable[Header | Chunk]:
    return [Header(stack), *(Chunk(path, mode, b"content") for path in paths)]


def left(host: FakeHost) -> list[Path]:
    return list((host.data / "staged").iterdir())


def test_quadlets_and_assets_are_told_apart_wherever_they_lie(staging: Staging) -> None:
    names = ["b.container", "a/x.network", "conf/app.yaml", "notes.txt", "x.container.d/1.conf"]
    staged = staging.stage(sent(*names))
    assert staged.quadlets == ("a/x.network", "b.container")
    assert staged.assets == ("conf/app.yaml", "notes.txt", "x.container.d/1.conf")
    assert (staged.directory / "conf/app.yaml").read_bytes() == b"content"


def test_chunks_of_one_path_are_one_file(staging: Staging) -> None:
    parts = [Chunk("a.container", 0o644, part) for part in (b"one ", b"two ", b"three")]
    staged = staging.stage([Header("web"), *parts])
    assert (staged.directory / "a.container").read_bytes() == b"one two three"


@pytest.mark.parametrize(
    ("mode", "kept"), [(0o755, 0o755), (0o644, 0o644), (0o4777, 0o777), (0, 0o400)]
)
def test_permissions_are_kept_and_nothing_gains_a_users_rights(
    staging: Staging, mode: int, kept: int
) -> None:
    staged = staging.stage(sent("a.container", mode=mode))
    assert (staged.directory / "a.container").stat().st_mode & 0o7777 == kept


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "", ".", "..", "a\0b", "a\nb",
     "a/" + "x" * 256, "x/" * 600 + "x", "a\ud800", "web.container.d/90-leger.conf",
     "web.container.d/90-leger.conf/x", "web.container.d", "a/web.pod.d"],
)  # fmt: skip
def test_an_unsafe_path_is_refused_and_nothing_stays(
    host: FakeHost, staging: Staging, path: str
) -> None:
    with pytest.raises(UnsafePath):
        staging.stage(sent("ok.container", path))
    assert left(host) == []


@given(st.text())
def test_a_path_that_passes_stays_below_its_directory(path: str) -> None:
    try:
        check_path(path)
    except UnsafePath:
        return
    joined = Path("/stack") / path
    assert joined.is_relative_to("/stack")
    assert ".." not in joined.parts


@pytest.mark.parametrize("paths", [("a", "a/b.container"), ("a/b.container", "a")])
def test_a_file_and_a_directory_of_one_name_are_refused(
    host: FakeHost, staging: Staging, paths: tuple[str, str]
) -> None:
    with pytest.raises(UnsafePath):
        staging.stage(sent(*paths))
    assert left(host) == []


@pytest.mark.parametrize("name", ["", "Upper", "1a", "a_b", "a/b", "../x", "a" * 49, "a b", "ä"])
def test_a_name_that_is_none_is_refused(staging: Staging, name: str) -> None:
    with pytest.raises(InvalidName):
        staging.stage(sent("a.container", stack=name))


@pytest.mark.parametrize(
    "messages", [[], [Chunk("a.container", 0o644, b"")], [Header("a"), Header("b")]]
)
def test_an_upload_begins_with_one_name(staging: Staging, messages: list[Header | Chunk]) -> None:
    with pytest.raises(InvalidName):
        staging.stage(messages)


def test_a_directory_without_quadlets_is_no_stack(host: FakeHost, staging: Staging) -> None:
    with pytest.raises(StackEmpty):
        staging.stage(sent("readme.md", "container", "x.service"))
    assert left(host) == []


def test_too_many_files_are_refused(
    host: FakeHost, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 3)
    with pytest.raises(StackTooLarge):
        staging.stage(sent(*(f"{n}.container" for n in range(4))))
    assert left(host) == []


def test_too_many_bytes_are_refused(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 20)
    with pytest.raises(StackTooLarge):
        staging.stage(sent("a.container", "b.container", "c.container"))


def test_a_chunk_has_a_limit_of_its_own(staging: Staging) -> None:
    big = Chunk("a.container", 0o644, b"x" * (module.MAX_CHUNK + 1))
    with pytest.raises(StackTooLarge):
        staging.stage([Header("web"), big])


def test_an_upload_that_breaks_off_leaves_nothing(host: FakeHost, staging: Staging) -> None:
    def broken() -> Iterable[Header | Chunk]:
        yield from sent("a.container")
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        staging.stage(broken())
    assert left(host) == []


def test_another_upload_of_the_stack_replaces_the_first(host: FakeHost, staging: Staging) -> None:
    first = staging.stage(sent("a.container"))
    other = staging.stage(sent("a.container", stack="other"))
    second = staging.stage(sent("a.container"))
    with pytest.raises(StagedNotFound):
        staging.get(first.id)
    assert {path.name for path in left(host)} == {other.id, second.id}


def test_an_upload_is_kept_for_an_hour(host: FakeHost, staging: Staging, clock: Clock) -> None:
    staged = staging.stage(sent("a.container"))
    clock.now += timedelta(minutes=59)
    assert staging.get(staged.id) == staged
    clock.now += timedelta(minutes=1)
    with pytest.raises(StagedNotFound):
        staging.get(staged.id)
    assert left(host) == []
