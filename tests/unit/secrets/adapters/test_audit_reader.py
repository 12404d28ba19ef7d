import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from leger_secrets.adapters import audit_reader
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.audit_reader import AuditFileReader
from leger_secrets.domain.audit import Action, AuditEntry
from leger_secrets.domain.audit_errors import AuditLogBroken
from leger_secrets.domain.audit_reading import AT_ONCE, AuditFilter, RecordedEntry
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AuditUnavailable
from unit.secrets.audit_logs import entry, files, open_log
from unit.secrets.fakes import DEPLOYER, ME

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)  # of the tests' clock, which goes on a second a line
ALL = AuditFilter()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def log(path: Path) -> Iterator[AuditFile]:
    """A log of three files, with the secrets 0 to 11."""
    log = open_log(path)
    for number in range(12):
        log.record([entry(str(number))])
    yield log
    log.close()


def read(log: AuditFile, wanted: AuditFilter = ALL, limit: int = 0) -> list[RecordedEntry]:
    found = AuditFileReader(log=log).read(wanted, limit=limit, follow=False)
    return [one for entries in found for one in entries]


def names(log: AuditFile, wanted: AuditFilter = ALL, limit: int = 0) -> list[str]:
    return [one.secret for one in read(log, wanted, limit)]


def test_all_entries_are_read_from_all_files_oldest_first(log: AuditFile) -> None:
    assert names(log) == [str(number) for number in range(12)]
    assert [one.seq for one in read(log)] == list(range(1, 13))


def test_an_empty_log_has_no_entries(path: Path) -> None:
    log = open_log(path)
    assert names(log) == names(log, limit=5) == []
    log.close()


def test_an_entry_is_read_as_it_was_recorded(path: Path) -> None:
    log = open_log(path)
    caller = Caller("token:ci", "00112233", "setec/1", "100.64.0.1:4711")
    log.record(
        [AuditEntry(caller, Action.PUT, "ä/🗝", 3, "unchanged", "notes", "a.service", "key", "more")]
    )
    assert read(log) == [
        RecordedEntry(
            seq=1,
            time=BEGIN + timedelta(seconds=1),
            by=caller,
            action="put",
            secret="ä/🗝",
            version=3,
            outcome="unchanged",
            stack="notes",
            unit="a.service",
            credential="key",
            detail="more",
        )
    ]
    log.close()


def test_half_a_surrogate_which_no_message_can_carry_is_read_as_a_question_mark(path: Path) -> None:
    log = open_log(path)
    log.record([entry("a\ud800b")])
    assert names(log) == ["a?b"]
    log.close()


@pytest.mark.parametrize("limit", range(1, 14))
def test_a_limit_means_the_last_ones(log: AuditFile, limit: int) -> None:
    assert names(log, limit=limit) == [str(number) for number in range(12)][-limit:]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (AuditFilter(secret="prod/*"), ["prod/a", "prod/b"]),
        (AuditFilter(secret="prod/a"), ["prod/a"]),
        (AuditFilter(principal="svc:*"), ["prod/b"]),
        (AuditFilter(action="delete*"), ["test/a", "test/b"]),
        (AuditFilter(outcome="NOT_PERMITTED"), ["prod/b", "test/b"]),
        (AuditFilter(secret="*b", outcome="allowed"), []),
    ],
)
def test_only_what_matches_every_filter_is_read(
    path: Path, wanted: AuditFilter, expected: list[str]
) -> None:
    log = open_log(path)
    log.record(
        [
            AuditEntry(ME, Action.GET, "prod/a"),
            AuditEntry(DEPLOYER, Action.GET, "prod/b", outcome="NOT_PERMITTED"),
            AuditEntry(ME, Action.DELETE, "test/a"),
            AuditEntry(ME, Action.DELETE_VERSION, "test/b", outcome="NOT_PERMITTED"),
        ]
    )
    assert names(log, wanted) == expected
    assert names(log, wanted, limit=1) == expected[-1:]
    log.close()


@pytest.mark.parametrize("second", range(14))
def test_entries_since_a_time_are_read(log: AuditFile, second: int) -> None:
    wanted = AuditFilter(since=BEGIN + timedelta(seconds=second))
    expected = [str(number) for number in range(12) if number + 1 >= second]
    assert names(log, wanted) == expected
    assert names(log, wanted, limit=3) == expected[-3:]


def test_files_before_the_wanted_time_are_not_read_but_for_one(log: AuditFile, path: Path) -> None:
    files(path)[0].write_bytes(b"nothing that could be read\n")
    assert names(log, AuditFilter(since=BEGIN + timedelta(seconds=9))) == ["8", "9", "10", "11"]


def test_files_before_the_limit_are_not_read(log: AuditFile, path: Path) -> None:
    files(path)[0].write_bytes(b"nothing that could be read\n")
    assert names(log, limit=7) == ["5", "6", "7", "8", "9", "10", "11"]


def test_a_line_that_cannot_be_read_is_told_after_those_before_it(
    log: AuditFile, path: Path
) -> None:
    file = files(path)[1]
    content = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*content[:2], b"what?\n", *content[2:]]))
    found: list[str] = []
    reading = AuditFileReader(log=log).read(ALL, limit=0, follow=False)
    with pytest.raises(AuditLogBroken, match="It is not a line of the log") as caught:
        found.extend(one.secret for entries in reading for one in entries)
    assert caught.value.file == file.name
    assert found == [str(number) for number in range(7)]


def test_a_file_that_cannot_be_read_is_told(
    log: AuditFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(AuditUnavailable, match=r"cannot be read.*Input/output error"):
        names(log)


def test_what_is_not_on_the_disk_yet_is_not_read(log: AuditFile, path: Path) -> None:
    log._written._dirty = True
    with path.open("ab") as file:
        file.write(path.read_bytes().splitlines(keepends=True)[-1])
    assert len(names(log)) == 12


def test_entries_come_in_bounded_groups(path: Path) -> None:
    log = open_log(path, size=1_000_000)
    log.record([entry()] * (2 * AT_ONCE + 1))
    groups = [len(e) for e in AuditFileReader(log=log).read(ALL, limit=0, follow=False)]
    assert groups == [AT_ONCE, AT_ONCE, 1]
    log.close()


@pytest.mark.parametrize("limit", [0, 1])
def test_whoever_waits_for_a_rare_line_hears_that_it_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(audit_reader, "_BREATH", 10)
    log = open_log(path, size=1_000_000)
    log.record([entry()] * 100)
    groups = list(AuditFileReader(log=log).read(AuditFilter(secret="b"), limit=limit, follow=False))
    assert len(groups) > 10
    assert not any(groups)
    log.close()


def open_files(path: Path) -> list[str]:
    """Return the files beside it that this process has open."""
    opened = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one of this very listing
            opened.append(os.readlink(descriptor))  # noqa: PTH115
    return sorted(name for name in opened if name.startswith(f"{path.parent}/"))


def test_a_reader_leaves_no_file_open(log: AuditFile, path: Path) -> None:
    before = open_files(path)
    names(log)
    reading = AuditFileReader(log=log).read(ALL, limit=1, follow=True)
    next(reading)
    assert len(open_files(path)) == len(before) + 1
    del reading
    assert open_files(path) == before


class Follower(threading.Thread):
    """Has begun to follow the log, and goes on until it reads an entry of the secret "end"."""

    def __init__(self, log: AuditFile, wanted: AuditFilter = ALL, limit: int = 0) -> None:
        super().__init__(daemon=True)
        self.names: list[str] = []
        self.numbers: list[int] = []
        self._reading = AuditFileReader(log=log).read(wanted, limit=limit, follow=True)
        self._begun = threading.Event()
        self.start()
        assert self._begun.wait(30)

    def run(self) -> None:
        for entries in self._reading:
            self._begun.set()
            for one in entries:
                self.names.append(one.secret)
                self.numbers.append(one.seq)
                if one.secret == "end":
                    return


def test_a_follower_gets_each_line_once_through_many_rotations(log: AuditFile, path: Path) -> None:
    followers = [Follower(log) for _ in range(3)]

    def write() -> None:
        for _ in range(100):
            log.record([entry()])

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    log.record([entry("end")])
    for follower in followers:
        follower.join(timeout=30)
        assert follower.numbers == list(range(1, 12 + 400 + 2))
    assert len(files(path)) > 20


def test_a_follower_begins_with_the_last_ones(log: AuditFile) -> None:
    follower = Follower(log, limit=2)
    log.record([entry("end")])
    follower.join(timeout=30)
    assert follower.names == ["10", "11", "end"]


def test_a_follower_sees_only_what_matches(log: AuditFile) -> None:
    follower = Follower(log, AuditFilter(secret="e*"))
    log.record([entry("other")])
    log.record([entry("end")])
    follower.join(timeout=30)
    assert follower.names == ["end"]


def test_a_follower_goes_on_in_a_log_that_is_begun_anew(log: AuditFile, path: Path) -> None:
    follower = Follower(log, limit=1)
    path.rename(path.with_name("stolen"))
    log.begin_anew(ME)
    log.record([entry("end")])
    follower.join(timeout=30)
    assert follower.names == ["11", "", "end"]


def test_a_follower_hears_that_there_is_nothing_new(log: AuditFile) -> None:
    reading = AuditFileReader(log=log).read(ALL, limit=1, follow=True)
    heard = [list(next(reading)) for _ in range(4)]
    assert [len(entries) for entries in heard].count(0) >= 2


def test_a_follower_does_not_see_a_line_that_failed(
    log: AuditFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(5, os.strerror(5))

    follower = Follower(log, limit=1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", broken)
        with pytest.raises(AuditUnavailable):
            log.record([entry("lost")])
    log.record([entry("end")])
    follower.join(timeout=30)
    assert follower.names == ["11", "end"]
