import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from leger_secrets.adapters import audit_chain
from leger_secrets.adapters.audit_chain import GENESIS, MAX_LINE, BrokenChain, Link
from leger_secrets.domain.audit import Action, AuditEntry
from leger_secrets.domain.caller import Caller
from unit.secrets.fakes import DEPLOYER, ME

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ENTRY = AuditEntry(ME, Action.GET, "a", 3)
EVERYTHING = AuditEntry(
    Caller("token:ci", "00112233aabbccdd", "setec/1 (go)", "100.64.0.1:4711"),
    Action.PUT,
    "a",
    4294967295,
    "NOT_PERMITTED",
    "notes",
    "web.service",
    "key",
    "of the night",
)


def encoded(entry: AuditEntry, link: Link = GENESIS) -> bytes:
    line, _ = audit_chain.encode(link, entry, NOW)
    assert line.endswith(b"\n")
    return line[:-1]


def test_a_line_has_these_fields_in_this_order() -> None:
    line = encoded(EVERYTHING, Link(6, "ab" * 32))
    assert list(json.loads(line).items()) == [
        ("seq", 7),
        ("time", "2026-01-02T03:04:05.678901Z"),
        ("principal", "token:ci"),
        ("action", "put"),
        ("secret", "a"),
        ("version", 4294967295),
        ("outcome", "NOT_PERMITTED"),
        ("request_id", "00112233aabbccdd"),
        ("process", "setec/1 (go)"),
        ("address", "100.64.0.1:4711"),
        ("stack", "notes"),
        ("unit", "web.service"),
        ("credential", "key"),
        ("detail", "of the night"),
        ("previous", "ab" * 32),
    ]


def test_a_line_is_as_compact_as_json_can_be() -> None:
    line = encoded(EVERYTHING)
    assert json.dumps(json.loads(line), separators=(",", ":")).encode() == line


def test_fields_that_do_not_apply_are_left_out() -> None:
    fields = json.loads(encoded(AuditEntry(DEPLOYER, Action.BIND, stack="notes", unit="a.service")))
    assert list(fields) == [
        *("seq", "time", "principal", "action", "secret", "version", "outcome"),
        *("stack", "unit", "previous"),
    ]


def test_a_time_is_written_in_utc_and_always_with_microseconds() -> None:
    elsewhere = NOW.replace(microsecond=0).astimezone(timezone(timedelta(hours=2)))
    line, _ = audit_chain.encode(GENESIS, ENTRY, elsewhere)
    assert json.loads(line)["time"] == "2026-01-02T03:04:05.000000Z"


@pytest.mark.parametrize(
    "text",
    ['a\n{"seq":2}\x1b[2J\u2028', '","outcome":"allowed', "\\", "\0", "🗝", "\ud800", "\x7f\x85"],
)
def test_no_text_leaves_its_field(text: str) -> None:
    caller = Caller(text, text, text, text)
    line = encoded(AuditEntry(caller, Action.GET, text, 0, text, text, text, text, text))
    assert b"\n" not in line
    assert line.isascii()
    fields = audit_chain.decode(line)
    assert {name for name, value in fields.items() if value == text} == {
        *("principal", "request_id", "process", "address", "secret", "outcome"),
        *("stack", "unit", "credential", "detail"),
    }


def test_absurd_texts_are_cut_so_that_no_line_is_longer_than_a_line_can_be() -> None:
    keys = ["🗝" * 1_000_000] * 4
    line = encoded(AuditEntry(Caller(*keys), Action.GET, keys[0], 1, keys[0], *keys))
    assert len(line) < MAX_LINE
    assert len(json.loads(line)["secret"]) == 255


def test_a_line_names_the_hash_of_the_one_before() -> None:
    line, link = audit_chain.encode(GENESIS, ENTRY, NOW)
    assert link == Link(1, audit_chain.digest(line[:-1]))
    assert audit_chain.head(encoded(ENTRY, link)).previous == link.digest


def test_the_head_of_a_line_is_what_its_fields_say() -> None:
    line = encoded(EVERYTHING, Link(6, "ab" * 32))
    fields = audit_chain.decode(line)
    assert tuple(audit_chain.head(line)) == (fields["seq"], fields["time"], fields["previous"])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"not json",
        b"[" * 20_000,
        encoded(ENTRY)[:-1],
        encoded(ENTRY).replace(b'"seq":1', b'"seq":"1"'),
        encoded(ENTRY).replace(b'"seq":1', b'"seq":' + b"9" * 5000),
        encoded(ENTRY).replace(b"get", b"g\xffet"),
    ],
)
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(BrokenChain):
        audit_chain.decode(line)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":3', b'"version":4294967296'),
        (b'"version":3', b'"version":-1'),
        (b'"version":3', b'"version":true'),
        (b'"secret":"a"', b'"secret":null'),
        (b'"secret":"a",', b""),
        (b'"outcome":"allowed"', b'"outcome":"allowed","unit":5'),
    ],
)
def test_a_line_with_fields_that_the_contract_cannot_carry_is_refused(
    old: bytes, new: bytes
) -> None:
    line = encoded(ENTRY)
    assert old in line
    with pytest.raises(BrokenChain):
        audit_chain.decode(line.replace(old, new))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        encoded(ENTRY)[:-1],
        encoded(ENTRY) + b" ",
        encoded(ENTRY).replace(b'"seq":1', b'"seq":-1'),
    ],
)
def test_what_cannot_be_in_the_chain_has_no_head(line: bytes) -> None:
    with pytest.raises(BrokenChain):
        audit_chain.head(line)
