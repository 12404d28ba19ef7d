import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from leger_secrets.adapters import audit_chain
from leger_secrets.adapters.audit_chain import GENESIS, BrokenChain, Link
from leger_secrets.domain.audit import Action, AuditEntry

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ENTRY = AuditEntry("operator:root", Action.GET, "a", 3)


def chain(*entries: AuditEntry) -> list[bytes]:
    link, lines = GENESIS, []
    for entry in entries:
        line, link = audit_chain.encode(link, entry, NOW)
        lines.append(line.removesuffix(b"\n"))
    return lines


def test_a_line_has_these_fields_in_this_order() -> None:
    [line] = chain(ENTRY)
    assert json.loads(line) == {
        "seq": 1,
        "time": "2026-01-02T03:04:05.678901Z",
        "principal": "operator:root",
        "action": "get",
        "secret": "a",
        "version": 3,
        "outcome": "allowed",
        "previous": "0" * 64,
    }
    assert next(iter(json.loads(line))) == "seq"


def test_fields_that_do_not_apply_are_left_out() -> None:
    [line] = chain(AuditEntry("svc:deployer", Action.BIND, stack="notes", unit="web.service"))
    fields = json.loads(line)
    assert (fields["stack"], fields["unit"]) == ("notes", "web.service")
    assert "credential" not in fields


def test_a_time_is_written_in_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))
    line, _ = audit_chain.encode(GENESIS, ENTRY, elsewhere)
    assert json.loads(line)["time"] == "2026-01-02T03:04:05.678901Z"


def test_a_name_cannot_forge_a_line() -> None:
    forged = 'a\n{"seq":2}\x1b[2J\u2028'
    [line] = chain(AuditEntry("operator:root", Action.GET, forged))
    assert b"\n" not in line
    assert line.isascii()
    assert json.loads(line)["secret"] == forged


def test_an_absurd_name_is_cut() -> None:
    [line] = chain(AuditEntry("operator:root", Action.GET, "x" * 1_000_000))
    assert len(line) < 1000


def test_a_chain_is_followed_to_its_end() -> None:
    lines = chain(ENTRY, ENTRY, ENTRY)
    assert audit_chain.follow(lines, start=GENESIS).seq == 3
    assert audit_chain.follow([], start=GENESIS) == GENESIS


def test_a_chain_whose_beginning_is_not_known_is_followed_too() -> None:
    assert audit_chain.follow(chain(ENTRY, ENTRY, ENTRY)[1:], start=None).seq == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [lines[0].replace(b'"a"', b'"b"'), *lines[1:]],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: lines[1:],
        lambda lines: [*lines, b"{}"],
        lambda lines: [*lines, b"not json"],
        lambda lines: [*lines, b""],
    ],
)
def test_a_changed_chain_is_noticed(damage: object) -> None:
    lines = damage(chain(ENTRY, ENTRY, ENTRY))  # type: ignore[operator]
    with pytest.raises(BrokenChain):
        audit_chain.follow(lines, start=GENESIS)


def test_every_line_has_its_own_link() -> None:
    first, second = chain(ENTRY, ENTRY)
    assert audit_chain.follow([first], start=GENESIS) != Link(seq=1, digest="0" * 64)
    assert json.loads(second)["previous"] == audit_chain.follow([first], start=GENESIS).digest
