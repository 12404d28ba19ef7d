"""Journals are read with the host's own journalctl, entry by entry."""

import json
from datetime import UTC, datetime

from leger_deployer.domain.logs import MAX_TEXT, LogLine, LogReader, parse
from leger_deployer.domain.scope import Scope
from leger_deployer.domain.stack import StackUnit, UnitKind
from unit.deployer.fakes import FakeHost

UNIT = StackUnit(file="web.container", unit="web.service", kind=UnitKind.CONTAINER)


def entry(**fields: object) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": "1767225600000001", **fields})


def test_an_entry_has_its_time_its_writer_and_its_text() -> None:
    assert parse(entry(CONTAINER_NAME="shop-web", SYSLOG_IDENTIFIER="x", MESSAGE="hello")) == (
        LogLine(time=datetime(2026, 1, 1, 0, 0, 0, 1, UTC), source="shop-web", message="hello")
    )
    system = parse(entry(SYSLOG_IDENTIFIER="systemd", MESSAGE="Started."))
    assert system is not None
    assert system.source == "systemd"


def test_what_is_no_entry_is_left_out() -> None:
    assert parse("-- Boot --") is None
    assert parse(entry(MESSAGE=None)) is None


def test_a_text_too_long_for_a_message_is_cut() -> None:
    found = parse(entry(MESSAGE="é" * 2_000_000))
    assert found is not None
    assert found.message == "é" * MAX_TEXT + " …"


def test_podmans_events_are_no_entries() -> None:
    assert parse(entry(PODMAN_EVENT="died", MESSAGE="container died a1b2")) is None


def test_it_begins_with_the_first_of_as_many_entries_as_are_wanted(host: FakeHost) -> None:
    reader = LogReader(commands=host, scope=Scope.SYSTEM)
    host.journal = [
        entry(__CURSOR="third", MESSAGE="three"),
        entry(__CURSOR="event", MESSAGE="container died", PODMAN_EVENT="died"),
        entry(__CURSOR="second", MESSAGE="two"),
        "no entry",
        entry(__CURSOR="first", MESSAGE="one"),
    ]
    lines = list(reader.lines(UNIT, tail=2, follow=False))
    assert [line.message for line in lines if line] == ["three", "two", "one"]
    common = "/usr/bin/journalctl --unit=web.service --output=json --quiet"
    assert host.started == [
        f"{common} --output-fields=PODMAN_EVENT --reverse",
        f"{common} --all --no-tail --cursor=second",
    ]


def test_a_journal_of_fewer_entries_is_shown_from_its_beginning(host: FakeHost) -> None:
    reader = LogReader(commands=host, scope=Scope.SYSTEM)
    assert list(reader.lines(UNIT, tail=10**9, follow=True)) == [None]
    assert host.started[-1].endswith(" --all --no-tail --follow")


def test_in_the_user_scope_the_users_unit_is_followed(host: FakeHost) -> None:
    reader = LogReader(commands=host, scope=Scope.USER)
    assert list(reader.lines(UNIT, tail=0, follow=True)) == [None], "nothing came so far"
    assert "--user-unit=web.service" in host.started[0]
    assert host.started[0].endswith("--lines=0 --follow")
