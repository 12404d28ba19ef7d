import errno
import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from leger_secrets.adapters import audit_chain
from leger_secrets.adapters.audit_file import AuditFile, AuditLogBroken, StateInUse
from leger_secrets.domain.audit import Action, AuditEntry
from leger_secrets.domain.errors import AuditUnavailable
from unit.secrets.disks import small_disk
from unit.secrets.fakes import Clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def log(path: Path) -> Iterator[AuditFile]:
    log = AuditFile(path=path, clock=Clock())
    yield log
    if log._descriptor >= 0:
        log.close()


def entry(secret: str = "a") -> AuditEntry:
    return AuditEntry("operator:root", Action.GET, secret, 1)


def whole_chain(path: Path) -> list[str]:
    """Check the chain from the first line on; return the secrets of its lines."""
    content = path.read_bytes()
    assert content.endswith(b"\n") or not content
    lines = content.split(b"\n")[:-1]
    audit_chain.follow(lines, start=audit_chain.GENESIS)
    return [json.loads(line)["secret"] for line in lines]


def write_some(path: Path, count: int = 3) -> None:
    log = AuditFile(path=path, clock=Clock())
    for number in range(count):
        log.record([entry(str(number))])
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
        AuditFile(path=path, clock=Clock())
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
            arrived.wait()  # all 32 are about to record
            while len(log._waiting) < 32:
                threading.Event().wait(0.001)
        sync(descriptor)

    monkeypatch.setattr(os, "fdatasync", slow)

    def follow(number: int) -> None:
        busy.wait()
        arrived.wait()
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


@pytest.mark.parametrize("torn", [b"{", b'{"seq":4,"time":"2026', b"\0\0\0\0"])
def test_a_torn_last_line_is_cut_and_the_chain_goes_on(path: Path, torn: bytes) -> None:
    write_some(path)
    with path.open("ab") as file:
        file.write(torn)
    write_some(path, 1)
    assert whole_chain(path) == ["0", "1", "2", "0"]


@pytest.mark.parametrize("length", range(0, 600, 37))
def test_a_log_cut_anywhere_can_be_opened(path: Path, length: int) -> None:
    write_some(path)
    with path.open("r+b") as file:
        file.truncate(length)
    whole = path.read_bytes().count(b"\n")
    write_some(path, 1)
    assert whole_chain(path) == [*["0", "1", "2"][:whole], "0"]


def test_a_changed_line_is_noticed_on_opening(path: Path) -> None:
    write_some(path)
    path.write_bytes(path.read_bytes().replace(b'"secret":"1"', b'"secret":"9"'))
    with pytest.raises(AuditLogBroken) as caught:
        AuditFile(path=path, clock=Clock())
    assert "line 3 does not follow from line 2" in caught.value.why
    assert str(path) in caught.value.next_step


def test_the_end_of_a_long_log_is_verified_on_opening(path: Path) -> None:
    write_some(path, 1000)
    assert path.stat().st_size > 128 * 1024
    write_some(path, 1)
    assert len(whole_chain(path)) == 1001
    content = path.read_bytes()
    path.write_bytes(content[:-2000] + content[-2000:].replace(b'"get"', b'"put"', 1))
    with pytest.raises(AuditLogBroken):
        AuditFile(path=path, clock=Clock())


def test_a_log_that_is_a_link_is_not_opened(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        AuditFile(path=path, clock=Clock())


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        path = disk.path / "audit.log"
        log = AuditFile(path=path, clock=Clock())
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
        assert path.read_bytes().endswith(b"\n")  # no half line stays
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
