"""What opening finds, what the anchor adds, and the way out of a broken log."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leger_secrets.adapters.anchor import Anchor
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.domain.audit_errors import AuditLogBroken
from leger_secrets.domain.errors import AuditUnavailable
from unit.secrets.audit_logs import (
    entry,
    files,
    lines,
    new_anchor,
    open_log,
    whole_chain,
    write_some,
)
from unit.secrets.fakes import ME

BIG = 1_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def anchor(tmp_path: Path) -> Iterator[Anchor]:
    anchor = new_anchor(tmp_path)
    yield anchor
    anchor.close()


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[[], AuditFile]]:
    """Opens the log, and closes it after the test."""
    logs: list[AuditFile] = []

    def open_it() -> AuditFile:
        while logs:
            logs.pop().close()
        logs.append(open_log(path))
        return logs[0]

    yield open_it
    for log in logs:
        log.close()


Opened = Callable[[], AuditFile]


@pytest.mark.parametrize("torn", [b"{", b'{"seq":4,"time":"2026', b"\0\0\0\0"])
def test_a_torn_last_line_is_cut_and_the_chain_goes_on(path: Path, torn: bytes) -> None:
    write_some(path)
    with path.open("ab") as file:
        file.write(torn)
    write_some(path, 1)
    assert whole_chain(path) == ["0", "1", "2", "0"]


def test_a_torn_first_line_of_a_new_file_is_cut_and_the_chain_goes_on(path: Path) -> None:
    write_some(path, 12)
    newest = len(path.read_bytes().splitlines())
    with path.open("r+b") as file:
        file.truncate(50)
    write_some(path, 1)
    assert whole_chain(path) == [*map(str, range(12 - newest)), "0"]


@pytest.mark.parametrize("length", range(0, 600, 37))
def test_a_log_cut_anywhere_can_be_opened_while_no_anchor_is_known(path: Path, length: int) -> None:
    write_some(path)
    with path.open("r+b") as file:
        file.truncate(length)
    whole = path.read_bytes().count(b"\n")
    write_some(path, 1)
    assert whole_chain(path) == [*["0", "1", "2"][:whole], "0"]


def test_opening_alone_changes_nothing(path: Path, opened: Opened) -> None:
    write_some(path)
    with path.open("ab") as file:
        file.write(b"torn")
    before = path.read_bytes()
    opened()
    assert path.read_bytes() == before


def test_a_changed_line_near_the_end_is_noticed_on_opening(path: Path, opened: Opened) -> None:
    write_some(path)
    path.write_bytes(path.read_bytes().replace(b'"secret":"1"', b'"secret":"9"'))
    problem = opened().problem
    assert problem is not None
    assert (problem.file, problem.problem) == (
        "audit.log",
        "Line 2 or line 3 was changed after it was written.",
    )


def test_a_changed_last_line_of_the_file_before_is_noticed_on_opening(
    path: Path, opened: Opened
) -> None:
    write_some(path, 12)
    rotated = files(path)[-2]
    content = rotated.read_bytes()
    rotated.write_bytes(content[:-300] + content[-300:].replace(b'"get"', b'"put"'))
    assert opened().problem is not None


@pytest.mark.parametrize(
    "end", [b"", b"\n", b'{"seq":1}\n', b"x" * 200_000, b"x" * 200_000 + b"\n"]
)
def test_a_rotated_file_whose_end_is_gone_is_noticed_on_opening(
    path: Path, opened: Opened, end: bytes
) -> None:
    write_some(path, 12)
    rotated = files(path)[-2]
    content = rotated.read_bytes()
    rotated.write_bytes(content[:-1] + end if end != b"\n" else b"")
    problem = opened().problem
    assert problem is not None
    assert problem.file in (rotated.name, "audit.log")


@pytest.mark.parametrize("end", [b"x\n", b"\n", b"x" * 200_000, b"x" * 200_000 + b"\n"])
def test_what_no_crash_leaves_at_the_end_is_noticed_on_opening(
    path: Path, opened: Opened, end: bytes
) -> None:
    write_some(path)
    with path.open("ab") as file:
        file.write(end)
    assert opened().problem is not None


def test_the_end_of_a_long_log_is_verified_on_opening(path: Path, opened: Opened) -> None:
    write_some(path, 1000, size=BIG)
    assert path.stat().st_size > 128 * 1024
    assert opened().problem is None
    content = path.read_bytes()
    path.write_bytes(content[:-2000] + content[-2000:].replace(b'"get"', b'"put"', 1))
    assert opened().problem is not None


def test_the_first_file_must_begin_a_log(path: Path, opened: Opened) -> None:
    write_some(path, 12)
    for rotated in files(path)[:-1]:
        rotated.unlink()
    problem = opened().problem
    assert problem is not None
    assert "missing before this one" in problem.problem


def test_a_removed_file_in_front_of_a_long_one_is_noticed_on_opening(
    path: Path, opened: Opened
) -> None:
    write_some(path, 12)
    write_some(path, 400, size=BIG)
    assert opened().problem is None
    assert path.stat().st_size > 64 * 1024
    files(path)[-2].unlink()
    problem = opened().problem
    assert problem is not None
    assert (problem.file, problem.problem) == (
        "audit.log",
        "Lines 6 to 10 are missing before this one.",
    )


def test_a_log_that_cannot_be_looked_at_anew_is_as_broken_as_before(
    path: Path, anchor: Anchor, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened()
    log.record([entry("before")])
    aside = path.rename(path.with_name("aside"))

    def broken(*_: object, **__: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", broken)
        with pytest.raises(AuditUnavailable, match="Input/output error"):
            log.attach(anchor)
    aside.rename(path)
    log.attach(anchor)
    log.record([entry("after")])
    assert whole_chain(path) == ["before", "after"]


def test_nothing_is_recorded_in_a_broken_log_and_the_way_out_is_told(
    path: Path, opened: Opened
) -> None:
    write_some(path)
    path.write_bytes(path.read_bytes().replace(b'"secret":"1"', b'"secret":"9"'))
    before = path.read_bytes()
    log = opened()
    with pytest.raises(AuditUnavailable, match=r"audit\.log was changed") as caught:
        log.record([entry()])
    assert "`leger secrets unseal --begin-audit-log`" in caught.value.next_step
    assert path.read_bytes() == before


def test_each_group_is_noted_in_the_anchor(path: Path, anchor: Anchor, opened: Opened) -> None:
    log = opened()
    log.record([entry()])
    assert anchor.audit() is None  # nothing is noted before it is attached
    log.attach(anchor)
    noted = anchor.audit()
    assert noted is not None
    assert noted[0] == 1
    log.record([entry(), entry()])
    noted = anchor.audit()
    assert noted is not None
    assert noted[0] == 3
    log.detach()
    log.record([entry()])
    assert anchor.audit() == noted


def test_lines_that_were_written_before_the_anchor_was_attached_are_noted_then(
    path: Path, anchor: Anchor, opened: Opened
) -> None:
    write_some(path, 3, anchor=anchor)
    log = opened()
    log.record([entry("refused while sealed")])
    log.attach(anchor)
    noted = anchor.audit()
    assert noted is not None
    assert noted[0] == 4


def test_a_note_that_was_lost_with_the_power_leaves_the_log_whole(
    path: Path, anchor: Anchor, opened: Opened
) -> None:
    write_some(path, 2, anchor=anchor)
    write_some(path, 20)  # the anchor does not hear of them
    opened().attach(anchor)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.unlink(), "Lines 11 to 12 are missing at its end."),
        (lambda path: path.write_bytes(b""), "Lines 11 to 12 are missing at its end."),
        (
            lambda path: path.write_bytes(path.read_bytes().splitlines(keepends=True)[0]),
            "Line 12 is missing at its end.",
        ),
        (
            lambda path: path.write_bytes(path.read_bytes()[:-1]),
            "Line 12 is missing at its end.",
        ),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b'"11"', b'"17"')),
            "Line 12 is not as it was written.",
        ),
    ],
)
def test_an_end_that_is_not_the_anchored_one_is_noticed_on_attaching(
    path: Path, anchor: Anchor, opened: Opened, damage: Callable[[Path], object], problem: str
) -> None:
    write_some(path, 12, anchor=anchor)
    assert path.read_bytes().count(b"\n") == 2
    damage(path)
    log = opened()
    assert log.problem is None  # in itself it is whole
    with pytest.raises(AuditLogBroken) as caught:
        log.attach(anchor)
    assert (caught.value.file, caught.value.problem) == ("audit.log", problem)
    assert log.problem == caught.value
    with pytest.raises(AuditUnavailable):
        log.record([entry()])


def test_lines_that_take_the_numbers_of_missing_ones_are_noticed_on_attaching(
    path: Path, anchor: Anchor, opened: Opened
) -> None:
    write_some(path, 12, anchor=anchor)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    log = opened()
    log.record([entry("refused while sealed")] * 3)
    with pytest.raises(AuditLogBroken, match="Line 12 is not as it was written"):
        log.attach(anchor)


def test_a_log_that_is_gone_as_a_whole_is_noticed_on_attaching(
    path: Path, anchor: Anchor, opened: Opened
) -> None:
    write_some(path, 12, anchor=anchor)
    for file in files(path):
        file.unlink()
    with pytest.raises(AuditLogBroken, match="Lines 1 to 12 are missing at its end"):
        opened().attach(anchor)


def test_a_log_that_was_put_back_is_whole_again(path: Path, anchor: Anchor, opened: Opened) -> None:
    write_some(path, 12, anchor=anchor)
    aside = path.rename(path.with_name("aside"))
    log = opened()
    with pytest.raises(AuditLogBroken):
        log.attach(anchor)
    aside.rename(path)
    log.attach(anchor)
    log.record([entry("after")])
    assert whole_chain(path)[-1] == "after"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.unlink(), "It was removed or renamed while the service ran."),
        (lambda path: path.rename(path.with_suffix(".1")), "It was removed or renamed"),
        (lambda path: (path.unlink(), path.touch()), "It was replaced by another file"),
        (lambda path: path.write_bytes(b""), "It has 0 bytes"),
        (lambda path: path.open("ab").write(b"forged\n"), "the service left it with"),
    ],
)
def test_a_file_that_is_changed_under_the_service_is_noticed_before_the_next_line(
    path: Path, opened: Opened, damage: Callable[[Path], object], problem: str
) -> None:
    write_some(path)
    log = opened()
    damage(path)
    assert log.problem is not None
    assert problem in log.problem.problem
    with pytest.raises(AuditUnavailable, match=problem):
        log.record([entry()])


def test_a_file_that_is_put_back_under_the_service_is_written_on(
    path: Path, opened: Opened
) -> None:
    log = opened()
    log.record([entry("before")])
    aside = path.rename(path.with_name("aside"))
    with pytest.raises(AuditUnavailable):
        log.record([entry("lost")])
    aside.rename(path)
    log.record([entry("after")])
    assert whole_chain(path) == ["before", "after"]


def test_a_log_begun_anew_keeps_the_broken_one_and_says_where_it_goes_on(
    path: Path, anchor: Anchor, opened: Opened
) -> None:
    write_some(path, 12, anchor=anchor)
    noted = anchor.audit()
    assert noted is not None
    path.write_bytes(b"broken\n")
    kept = [file.read_bytes() for file in files(path)]
    log = opened()
    with pytest.raises(AuditLogBroken):
        log.attach(anchor)
    aside = log.begin_anew(ME)
    assert aside == [
        "audit.log.broken-20260101T000001Z",
        "audit-000000000001.log.broken-20260101T000001Z",
        "audit-000000000006.log.broken-20260101T000001Z",
    ]
    assert sorted(path.with_name(name).read_bytes() for name in aside) == sorted(kept)
    [line] = map(json.loads, lines(path))
    assert (line["seq"], line["action"], line["previous"]) == (13, "begin-log", noted[1])
    assert line["detail"] == f"after line 12, SHA-256 {noted[1]}"
    log.attach(anchor)
    log.record([entry("after")])
    log = opened()
    log.attach(anchor)
    assert whole_chain(path) == ["", "after"]


def test_a_log_that_is_not_broken_is_not_begun_anew(path: Path, opened: Opened) -> None:
    write_some(path)
    assert opened().begin_anew(ME) == []
    assert whole_chain(path) == ["0", "1", "2"]


def test_a_log_that_was_removed_under_the_service_is_begun_anew(
    path: Path, anchor: Anchor, opened: Opened
) -> None:
    log = opened()
    log.attach(anchor)
    log.record([entry("before")])
    path.unlink()
    assert log.begin_anew(ME) == []
    log.record([entry("after")])
    noted = anchor.audit()
    assert noted is not None
    assert noted[0] == 3
    assert [json.loads(line)["action"] for line in lines(path)] == ["begin-log", "get"]


def test_two_broken_logs_of_the_same_second_are_both_kept(path: Path, opened: Opened) -> None:
    for content in (b"one\n", b"two\n"):
        path.write_bytes(content)
        opened().begin_anew(ME)
    assert sorted(file.read_bytes() for file in path.parent.glob("audit.log.broken-*")) == [
        b"one\n",
        b"two\n",
    ]


def test_a_log_begun_anew_by_nobody_is_noticed_on_attaching(
    path: Path, anchor: Anchor, opened: Opened
) -> None:
    """Whoever can write the files can also write such a first line; the anchor tells."""
    write_some(path, 12, anchor=anchor)
    path.write_bytes(b"broken\n")
    opened().begin_anew(ME)
    with pytest.raises(AuditLogBroken, match="Line 12 is missing"):
        opened().attach(anchor)
