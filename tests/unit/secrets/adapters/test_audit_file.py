import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from leger_secrets.adapters.audit_directory import StateInUse
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.domain.errors import AuditUnavailable
from unit.secrets.audit_logs import entry, lines, open_log, whole_chain, write_some
from unit.secrets.disks import small_disk
from waiting import wait_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def log(path: Path) -> Iterator[AuditFile]:
    log = open_log(path)
    yield log
    with suppress(OSError):  # a test may have closed it
        log.close()


def test_the_log_is_for_its_owner_alone(log: AuditFile, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_is_in_the_file_when_record_returns(log: AuditFile, path: Path) -> None:
    log.record([entry("one"), entry("two")])
    assert whole_chain(path) == ["one", "two"]


def test_a_line_is_synced_before_record_returns(
    log: AuditFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    sync = os.fdatasync

    def note(descriptor: int) -> None:
        sync(descriptor)
        synced.append(path.stat().st_size)

    monkeypatch.setattr(os, "fdatasync", note)
    log.record([entry()])
    assert synced == [path.stat().st_size]


def test_the_chain_goes_on_after_opening_again(path: Path) -> None:
    write_some(path)
    write_some(path)
    assert whole_chain(path) == ["0", "1", "2"] * 2


def test_a_second_process_is_kept_away(log: AuditFile, path: Path) -> None:
    with pytest.raises(StateInUse):
        open_log(path)
    log.record([entry()])


def test_waiting_threads_share_one_sync(
    log: AuditFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """32 threads that come while the disk is busy need one write more, not 32."""
    syncs: list[int] = []
    busy, arrived = threading.Event(), threading.Barrier(33)
    sync = os.fdatasync

    def slow(descriptor: int) -> None:
        syncs.append(descriptor)
        if len(syncs) == 1:
            busy.set()
            arrived.wait(30)  # all 32 are about to record
            wait_until(lambda: len(log._queue._waiting) == 32)
        sync(descriptor)

    monkeypatch.setattr(os, "fdatasync", slow)

    def follow(number: int) -> None:
        busy.wait(30)
        arrived.wait(30)
        log.record([entry(str(number))])

    threads = [threading.Thread(target=follow, args=[number]) for number in range(32)]
    for thread in threads:
        thread.start()
    log.record([entry("leader")])
    for thread in threads:
        thread.join()
    assert len(syncs) == 2
    names = whole_chain(path)
    assert names[0] == "leader"
    assert sorted(names[1:]) == sorted(str(number) for number in range(32))


def test_many_threads_write_one_chain(log: AuditFile, path: Path) -> None:
    def work() -> None:
        for _ in range(50):
            log.record([entry(), entry()])

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(whole_chain(path)) == 16 * 50 * 2


def test_a_log_that_is_a_link_is_not_opened(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        open_log(path)


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        path = disk.path / "audit.log"
        log = open_log(path)
        log.record([entry("before")])
        disk.fill()
        written, failure = 0, None
        while failure is None:  # what is left of the log's last block
            try:
                log.record([entry("fills")])
                written += 1
            except AuditUnavailable as error:
                failure = error
        assert failure.why == "Writing it failed: No space left on device."
        assert len(lines(path)) == 1 + written  # no half line stays
        with pytest.raises(AuditUnavailable):
            log.record([entry("again")])
        disk.free()
        log.record([entry("after")])
        log.close()
        assert whole_chain(path) == ["before", *["fills"] * written, "after"]


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_an_io_error_fails_all_who_wait_and_is_survived(
    log: AuditFile, path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    log.record([entry("before")])
    with monkeypatch.context() as patched:
        patched.setattr(os, call, broken)
        for _ in range(2):
            with pytest.raises(AuditUnavailable, match="Input/output error"):
                log.record([entry("lost")])
    log.record([entry("after")])
    assert whole_chain(path) == ["before", "after"]


def test_a_half_written_line_that_cannot_be_cut_yet_is_cut_later(
    log: AuditFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(descriptor: int, content: bytes) -> int:
        write(descriptor, bytes(content)[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    log.record([entry("before")])
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        patched.setattr(os, "ftruncate", broken)
        with pytest.raises(AuditUnavailable):
            log.record([entry("lost")])
        with pytest.raises(AuditUnavailable, match="Input/output error"):
            log.record([entry("lost too")])
    assert not path.read_bytes().endswith(b"\n")
    log.record([entry("after")])
    assert whole_chain(path) == ["before", "after"]


def test_a_closed_log_refuses(log: AuditFile) -> None:
    log.close()
    with pytest.raises(AuditUnavailable):
        log.record([entry()])
