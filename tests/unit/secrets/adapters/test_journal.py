import logging
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from leger_secrets.adapters import journal
from leger_secrets.adapters.journal import JournaldUnitJournal


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "socket"))
        sock.settimeout(5)
        yield sock


def test_a_line_goes_to_the_journal_of_a_system_unit(
    tmp_path: Path, journald: socket.socket
) -> None:
    unit_journal = JournaldUnitJournal(socket_path=tmp_path / "socket", user_scope=False)
    unit_journal.tell("web.service", "why it fails")
    assert journald.recv(65536).decode().splitlines() == [
        "MESSAGE=why it fails",
        "PRIORITY=3",
        "SYSLOG_IDENTIFIER=leger-secrets",
        "OBJECT_SYSTEMD_UNIT=web.service",
    ]


def test_a_line_goes_to_the_journal_of_a_users_unit(
    tmp_path: Path, journald: socket.socket
) -> None:
    JournaldUnitJournal(socket_path=tmp_path / "socket", user_scope=True).tell("web.service", "x")
    assert "USER_UNIT=web.service" in journald.recv(65536).decode().splitlines()


def test_a_value_with_a_newline_cannot_add_a_field() -> None:
    value = "first\n_UID=0"
    assert journal.encode({"MESSAGE": value, "PRIORITY": "3"}) == (
        b"MESSAGE\n" + struct.pack("<Q", len(value)) + value.encode() + b"\nPRIORITY=3\n"
    )


def test_a_journald_that_is_away_is_logged_and_nothing_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        JournaldUnitJournal(socket_path=tmp_path / "absent", user_scope=False).tell(
            "a.service", "x"
        )
    assert caplog.messages == [
        "Cannot write to the journal of a.service: No such file or directory"
    ]
