"""Input that waits for a command that takes none."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from leger_cli import pipes
from leger_cli.errors import UsageError

Waiting = Callable[[int], bool]


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """Tell whether input is refused that comes from a descriptor."""

    def waiting(descriptor: int) -> bool:
        with os.fdopen(os.dup(descriptor)) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            try:
                pipes.refuse_unread("Why.")
            except UsageError:
                return True
            return False

    return waiting


def test_a_pipe_is_refused_only_with_something_in_it(waiting: Waiting) -> None:
    read, write = os.pipe()
    assert not waiting(read)
    os.write(write, b"x")
    assert waiting(read)
    os.read(read, 1)
    os.close(write)
    assert not waiting(read)
    os.close(read)


def test_a_socket_is_as_a_pipe(waiting: Waiting) -> None:
    here, there = socket.socketpair()
    with here, there:
        assert not waiting(here.fileno())
        there.send(b"x")
        assert waiting(here.fileno())
        here.recv(1)
        there.close()
        assert not waiting(here.fileno())


def test_of_a_file_what_is_behind_the_place_counts(waiting: Waiting, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with path.open("rb") as file:
        assert waiting(file.fileno())
        file.read()
        assert not waiting(file.fileno())


@pytest.mark.parametrize("name", ["/dev/null", "/dev/zero"])
def test_what_is_no_pipe_is_nothing_that_was_piped_in(waiting: Waiting, name: str) -> None:
    descriptor = os.open(name, os.O_RDONLY)
    assert not waiting(descriptor)
    os.close(descriptor)
