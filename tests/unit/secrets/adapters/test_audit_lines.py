import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from leger_secrets.adapters import audit_lines
from leger_secrets.adapters.audit_chain import MAX_LINE, BrokenChain

# Longer than what is read at once, in lines of very different lengths.
LINES = [bytes([97 + number % 26]) * (number * 37 % 900) for number in range(1_500)]
CONTENT = b"".join(line + b"\n" for line in LINES)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def test_all_lines_are_read_forwards(descriptor: int) -> None:
    assert list(audit_lines.forwards(descriptor, 0, len(CONTENT))) == LINES


def test_lines_between_two_offsets_are_read_forwards(descriptor: int) -> None:
    begin = len(LINES[0]) + len(LINES[1]) + 2
    end = begin + len(LINES[2]) + len(LINES[3]) + 2
    assert list(audit_lines.forwards(descriptor, begin, end)) == LINES[2:4]


def test_all_lines_are_read_backwards_with_their_places(descriptor: int) -> None:
    found = list(audit_lines.backwards(descriptor, len(CONTENT)))
    assert [line for _, line in found] == LINES[1:][::-1]  # the first line of this file is empty
    assert all(CONTENT.startswith(line + b"\n", begin) for begin, line in found)


def test_a_torn_last_line_is_passed_over_backwards(descriptor: int) -> None:
    found = [line for _, line in audit_lines.backwards(descriptor, len(CONTENT) - 1)]
    assert found[0] == LINES[-2]


def test_a_last_line_without_its_end_is_broken_forwards(descriptor: int) -> None:
    with pytest.raises(BrokenChain, match="no end"):
        list(audit_lines.forwards(descriptor, 0, len(CONTENT) - 1))


def test_what_is_longer_than_any_line_is_broken_either_way(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"x" * (20 * MAX_LINE) + b"\n", 0)
    with pytest.raises(BrokenChain, match="longer than any line"):
        list(audit_lines.forwards(descriptor, 0, 20 * MAX_LINE + 1))
    with pytest.raises(BrokenChain, match="longer than any line"):
        list(audit_lines.backwards(descriptor, 20 * MAX_LINE + 1))


def test_the_first_line_is_read_alone(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    assert audit_lines.first(descriptor) is None
    os.pwrite(descriptor, b"one", 0)
    assert audit_lines.first(descriptor) is None
    os.pwrite(descriptor, b"one\ntwo\n", 0)
    assert audit_lines.first(descriptor) == b"one"
