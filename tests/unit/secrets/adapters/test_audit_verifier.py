import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from leger_secrets.adapters.anchor import Anchor
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.audit_reader import AuditFileReader
from leger_secrets.domain.audit_errors import AuditLogBroken
from leger_secrets.domain.audit_reading import Verification
from leger_secrets.domain.errors import AuditUnavailable
from unit.secrets.audit_logs import entry, files, new_anchor, open_log, write_some
from unit.secrets.fakes import ME

COUNT = 12


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def anchor(tmp_path: Path) -> Iterator[Anchor]:
    anchor = new_anchor(tmp_path)
    yield anchor
    anchor.close()


@pytest.fixture
def log(path: Path, anchor: Anchor) -> Iterator[AuditFile]:
    """A log of three files, with its anchor."""
    log = open_log(path)
    log.attach(anchor)
    for number in range(COUNT):
        log.record([entry(str(number))])
    yield log
    log.close()


def verify(log: AuditFile) -> Verification:
    return AuditFileReader(log=log).verify()


def verify_at_rest(path: Path, anchor: Anchor) -> str:
    """Open the log as a starting service does, and verify it; return what is wrong."""
    log = open_log(path)
    try:
        log.attach(anchor)
    except AuditLogBroken as error:
        attached = error.problem
    else:
        attached = ""
    found = verify(log)
    log.close()
    assert found.anchored
    assert bool(found.problem) >= bool(attached)  # whatever attaching finds, verifying finds, too
    return found.problem


def test_a_whole_log_is_intact(log: AuditFile) -> None:
    assert verify(log) == Verification(
        lines=COUNT,
        files=3,
        first_time=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC),
        last_time=datetime(2026, 1, 1, 0, 0, COUNT, tzinfo=UTC),
        anchored=True,
    )


def test_an_empty_log_is_intact(path: Path) -> None:
    log = open_log(path)
    assert verify(log) == Verification(
        lines=0, files=1, first_time=None, last_time=None, anchored=False
    )
    log.close()


def test_without_an_anchor_it_is_said_that_the_end_was_not_compared(path: Path) -> None:
    write_some(path)
    log = open_log(path)
    found = verify(log)
    log.close()
    assert (found.problem, found.anchored) == ("", False)


def test_what_is_not_on_the_disk_yet_is_no_break(log: AuditFile, path: Path) -> None:
    """A write that is under way, or was not cut off yet."""
    log._written._dirty = True
    with path.open("ab") as file:
        file.write(b'{"seq":13')
    assert verify(log).problem == ""


@pytest.mark.parametrize("flip", [1, 0x20, 0x80, ord("\n") ^ ord("}"), ord('"') ^ ord("\n")])
def test_a_flipped_byte_anywhere_is_noticed_while_the_service_runs(
    log: AuditFile, path: Path, flip: int
) -> None:
    for file in files(path):
        content = bytearray(file.read_bytes())
        for position in range(len(content)):
            content[position] ^= flip
            with file.open("r+b") as damaged:
                damaged.write(content)
            found = verify(log)
            assert found.problem, (file.name, position)
            assert found.file == file.name, (file.name, position, found)
            content[position] ^= flip
        file.write_bytes(content)
    assert verify(log).problem == ""


def test_a_flipped_byte_anywhere_is_noticed_at_rest(path: Path, anchor: Anchor) -> None:
    write_some(path, COUNT, anchor=anchor)
    for file in files(path):
        content = bytearray(file.read_bytes())
        for position in [*range(0, len(content), 7), len(content) - 1]:
            content[position] ^= 1
            file.write_bytes(content)
            assert verify_at_rest(path, anchor), (file.name, position)
            content[position] ^= 1
        file.write_bytes(content)
    assert verify_at_rest(path, anchor) == ""


Damage = Callable[[list[Path]], object]


def edit(file: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))


@pytest.mark.parametrize(
    ("damage", "place", "problem"),
    [
        (lambda f: f[0].unlink(), (1, 1), "Lines 1 to 5 are missing before this one."),
        (lambda f: f[1].unlink(), (2, 1), "Lines 6 to 10 are missing before this one."),
        (lambda f: f[2].unlink(), (2, 1), "Lines 11 to 12 are missing at the end."),
        (lambda f: edit(f[0], lambda s: s[1:]), (0, 1), "Line 1 is missing before this one."),
        (lambda f: edit(f[1], lambda s: [*s[:2], *s[3:]]), (1, 3), "Line 8 is missing before"),
        (lambda f: edit(f[1], lambda s: s[:-1]), (2, 1), "Line 10 is missing before this one."),
        (lambda f: edit(f[2], lambda s: s[:-1]), (2, 2), "Line 12 is missing at the end."),
        (lambda f: edit(f[0], lambda s: [s[0], s[2], s[1], *s[3:]]), (0, 2), "Line 3 stands"),
        (lambda f: edit(f[1], lambda s: [*s[:-1], s[-1][:-1]]), (1, 5), "It has no end."),
        (lambda f: edit(f[1], lambda s: [*s, b"more"]), (1, 6), "It has no end."),
        (
            lambda f: edit(f[0], lambda s: [s[0], s[1].replace(b'"get"', b'"put"'), *s[2:]]),
            (0, 2),
            "Line 2 was changed after it was written.",
        ),
        (
            lambda f: edit(f[2], lambda s: [s[0], s[1].replace(b'"get"', b'"put"')]),
            (2, 2),
            "Line 12 was changed after it was written.",
        ),
        (
            lambda f: f[1].rename(f[1].with_name("audit-000000000007.log")),
            (1, 1),
            "Its name says 7, and it begins with line 6.",
        ),
    ],
)
def test_damage_at_rest_is_named_with_its_file_and_line(
    path: Path, anchor: Anchor, damage: Damage, place: tuple[int, int], problem: str
) -> None:
    write_some(path, COUNT, anchor=anchor)
    names = files(path)
    damage(names)
    log = open_log(path)
    with suppress(AuditLogBroken):
        log.attach(anchor)
    found = verify(log)
    log.close()
    file = names[place[0]].name
    renamed = {"audit-000000000006.log": "audit-000000000007.log"} if "name" in problem else {}
    assert (found.file, found.line) == (renamed.get(file, file), place[1])
    assert found.problem.startswith(problem)


def test_a_file_that_was_removed_under_the_service_is_named(log: AuditFile, path: Path) -> None:
    path.unlink()
    found = verify(log)
    assert (found.file, found.problem) == (
        "audit.log",
        "It was removed or renamed while the service ran.",
    )


def test_a_chain_that_was_forged_from_some_line_on_is_noticed(
    path: Path, anchor: Anchor, tmp_path: Path
) -> None:
    write_some(path, COUNT, anchor=anchor, size=1_000_000)
    kept = path.read_bytes().splitlines(keepends=True)[:4]
    path.write_bytes(b"".join(kept))
    write_some(path, COUNT - 4, size=1_000_000)  # whole in itself, and as long
    assert json.loads(path.read_bytes().splitlines()[-1])["seq"] == COUNT
    log = open_log(path)
    with pytest.raises(AuditLogBroken, match="Line 12 is not as it was written"):
        log.attach(anchor)
    assert verify(log).problem == "Line 12 was changed after it was written."
    log.close()


def test_a_log_begun_anew_is_intact(path: Path, anchor: Anchor) -> None:
    path.write_bytes(b"broken\n")
    log = open_log(path)
    log.begin_anew(ME)
    log.attach(anchor)
    log.record([entry()])
    found = verify(log)
    log.close()
    assert (found.problem, found.lines, found.anchored) == ("", 2, True)


def test_a_break_far_back_stops_nothing_and_lets_the_log_be_begun_anew(
    log: AuditFile, path: Path
) -> None:
    edit(files(path)[0], lambda s: [s[0].replace(b'"get"', b'"put"'), *s[1:]])
    log.record([entry()])
    assert log.begin_anew(ME) == []  # nobody has found it yet
    assert verify(log).problem
    log.record([entry()])
    assert len(log.begin_anew(ME)) == 3
    assert verify(log).problem == ""


def test_a_log_grows_and_is_rotated_while_it_is_verified(log: AuditFile) -> None:
    def write() -> None:
        for _ in range(100):
            log.record([entry()])

    writing = threading.Thread(target=write)
    writing.start()
    found = [verify(log)]
    while writing.is_alive():
        found.append(verify(log))
    assert {one.problem for one in found} == {""}
    assert verify(log).lines == COUNT + 100


def test_an_unreadable_file_is_told(log: AuditFile, path: Path) -> None:
    file = files(path)[0]
    file.rename(path.parent / "elsewhere")
    file.symlink_to(path.parent / "elsewhere")
    with pytest.raises(AuditUnavailable, match="The audit log cannot be read"):
        verify(log)
