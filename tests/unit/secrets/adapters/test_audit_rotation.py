import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from leger_secrets.adapters.audit_directory import AuditDirectory, StateInUse
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.domain.errors import AuditUnavailable
from unit.secrets import killed_rotation
from unit.secrets.audit_logs import SMALL, entry, files, open_log, whole_chain, write_some

NAMES = [str(number) for number in range(30)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def log(path: Path) -> Iterator[AuditFile]:
    log = open_log(path)
    yield log
    with suppress(OSError):  # a test may have closed it
        log.close()


def fill(path: Path) -> None:
    """Write as much as makes the next line go into a new file."""
    log = open_log(path)
    while path.stat().st_size < SMALL:
        log.record([entry("old")])
    log.close()


def test_a_long_file_is_renamed_by_its_first_line_and_the_chain_goes_on(path: Path) -> None:
    write_some(path, 30)
    found = files(path)
    assert len(found) > 4
    for file in found[:-1]:
        first = json.loads(file.read_bytes().partition(b"\n")[0])
        assert file.name == f"audit-{first['seq']:012}.log"
        assert SMALL <= file.stat().st_size < 2 * SMALL
    assert whole_chain(path) == NAMES


def test_every_file_is_for_its_owner_alone(path: Path) -> None:
    write_some(path, 30)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files(path)} == {0o600}


def test_the_chain_goes_on_through_files_after_opening_again(path: Path) -> None:
    for _ in range(10):
        write_some(path, 3)
    assert whole_chain(path) == ["0", "1", "2"] * 10


def test_a_second_process_is_kept_away_after_a_rotation(log: AuditFile, path: Path) -> None:
    for name in NAMES:
        log.record([entry(name)])
    with pytest.raises(StateInUse):
        open_log(path)


def test_a_group_is_in_one_file_however_long_it_is(log: AuditFile, path: Path) -> None:
    log.record([entry(name) for name in NAMES])
    log.record([entry()])
    assert [len(file.read_bytes().splitlines()) for file in files(path)] == [30, 1]


def test_the_new_files_name_is_on_the_disk_before_a_line_of_it_is_acknowledged(
    log: AuditFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[list[str]] = []
    sync = AuditDirectory.sync

    def note(directory: AuditDirectory) -> None:
        sync(directory)
        synced.append(sorted(file.name for file in path.parent.iterdir()))

    log.record([entry(name) for name in NAMES])
    with monkeypatch.context() as patched:
        patched.setattr(AuditDirectory, "sync", note)
        log.record([entry()])
    assert synced == [["audit-000000000001.log", "audit.log"]]


def test_a_directory_that_cannot_be_synced_fails_the_request_and_is_survived(
    log: AuditFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: AuditDirectory) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    log.record([entry(name) for name in NAMES])
    with monkeypatch.context() as patched:
        patched.setattr(AuditDirectory, "sync", broken)
        for _ in range(2):
            with pytest.raises(AuditUnavailable, match="Input/output error"):
                log.record([entry("lost")])
    log.record([entry("after")])
    assert whole_chain(path) == [*NAMES, "after"]


@pytest.mark.parametrize("call", ["open", "rename"])
def test_a_file_that_cannot_be_rotated_is_written_on(
    log: AuditFile, path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    log.record([entry(name) for name in NAMES])
    with monkeypatch.context() as patched:
        patched.setattr(os, call, broken)
        log.record([entry("long")])
    assert files(path) == [path]
    log.record([entry("after")])
    assert len(files(path)) == 2
    assert whole_chain(path) == [*NAMES, "long", "after"]


def test_a_rotation_never_replaces_a_file(log: AuditFile, path: Path) -> None:
    forged = path.with_name("audit-000000000001.log")
    log.record([entry(name) for name in NAMES])
    forged.write_text("evidence")
    log.record([entry("long")])
    assert forged.read_text() == "evidence"
    assert len(path.read_bytes().splitlines()) == len(NAMES) + 1


def test_a_rotation_whose_second_half_fails_is_undone(
    log: AuditFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, calls = os.rename, 0

    def second_fails(old: str, new: str, **options: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(old, new, **options)

    log.record([entry(name) for name in NAMES])
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", second_fails)
        log.record([entry("long")])
    assert files(path) == [path]
    assert log.problem is None


@pytest.mark.parametrize(
    ("killed_at", "call_number"),
    [("rename", 1), ("rename", 2), ("open", 1), ("write", 1), ("fdatasync", 1), ("fsync", 1)],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_step_of_a_rotation_the_chain_goes_on(
    path: Path, killed_at: str, call_number: int, when: str
) -> None:
    fill(path)
    kept = whole_chain(path)
    killed_rotation.run(path, killed_at, call_number, when)
    log = open_log(path)
    assert log.problem is None
    log.record([entry("after")])
    log.close()
    names = whole_chain(path)
    assert names[: len(kept)] == kept
    assert names[len(kept) :] in (["after"], ["killed", "after"])  # nobody was told of "killed"
    assert {file.name for file in path.parent.iterdir()} == {file.name for file in files(path)}
