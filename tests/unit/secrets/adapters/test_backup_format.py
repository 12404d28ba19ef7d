"""The document inside of a backup."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leger_secrets.adapters import backup_format
from leger_secrets.domain.backup_errors import BackupInvalid, BackupTooNew
from leger_secrets.domain.backup_file import BackupDocument
from leger_secrets.domain.stored import Contents, Notes
from unit.secrets.backups import CONTENTS, MADE, secret

DOCUMENT = BackupDocument(MADE, CONTENTS)
ENCODED = backup_format.encode(DOCUMENT)
EMPTY = Contents(revision=0, secrets=(), tokens=(), recovery_recipients=())


def rewritten(line: int, **members: object) -> bytes:
    """Return the document with members of a line (from 1) changed, and a digest that fits."""
    lines = [json.loads(text) for text in ENCODED.splitlines()]
    lines[line - 1] |= members
    *before, end = lines
    start = b"".join(json.dumps(entry).encode() + b"\n" for entry in before)
    end["sha256"] = hashlib.sha256(start).hexdigest()
    return start + json.dumps(end).encode() + b"\n"


def member_changed(line: int, *path: Any, to: object) -> bytes:
    """Return the document with one member, which may lie deep in a line, changed."""
    entry = json.loads(ENCODED.splitlines()[line - 1])
    inner = entry
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return rewritten(line, **entry)


def problem_of(encoded: bytes) -> str:
    with pytest.raises(BackupInvalid) as refused:
        backup_format.decode(encoded)
    return refused.value.why


def test_what_is_read_is_what_was_written() -> None:
    assert backup_format.decode(ENCODED) == DOCUMENT


def test_an_empty_store_has_a_backup_too() -> None:
    document = BackupDocument(MADE, EMPTY)
    assert backup_format.decode(backup_format.encode(document)) == document


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    name=texts,
    description=texts,
    labels=st.dictionaries(texts, texts, max_size=3),
    values=st.lists(st.none() | st.binary(), min_size=1, max_size=4),
    time=st.datetimes(timezones=st.just(UTC)),
)
def test_any_text_bytes_and_time_come_back(
    name: str, description: str, labels: dict[str, str], values: list[bytes | None], time: datetime
) -> None:
    notes = Notes(description=description, labels=labels, expire_time=time)
    one = EMPTY.__class__(
        revision=1,
        secrets=(secret(name, *values, notes=notes),),
        tokens=(),
        recovery_recipients=(),
    )
    document = BackupDocument(MADE, one)
    assert backup_format.decode(backup_format.encode(document)) == document


def test_every_line_is_a_json_object_that_begins_and_ends_as_documented() -> None:
    lines = [json.loads(line) for line in ENCODED.splitlines()]
    counts = {"secrets": 3, "versions": 5, "tokens": 2, "recipients": 1}
    assert lines[0] == {
        "format": "leger-backup",
        "version": 1,
        "created": "2026-01-31T02:05:00Z",
        "revision": 42,
        "counts": counts,
    }
    before_the_end = ENCODED[: ENCODED.rindex(b'{"end"')]
    digest = hashlib.sha256(before_the_end).hexdigest()
    assert lines[-1] == {"end": True, "sha256": digest, "counts": counts}
    assert [next(iter(line)) for line in lines[1:-1]] == [
        *("secret", "secret", "secret", "token", "token", "recipient")
    ]


def test_a_document_cut_off_anywhere_is_refused() -> None:
    for length in range(len(ENCODED)):
        assert problem_of(ENCODED[:length])


def test_a_byte_changed_anywhere_is_refused() -> None:
    for place in range(len(ENCODED)):
        changed = bytearray(ENCODED)
        changed[place] ^= 0x01
        with pytest.raises((BackupInvalid, BackupTooNew)):
            backup_format.decode(bytes(changed))


def test_lines_in_another_order_are_refused() -> None:
    lines = ENCODED.splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    assert problem_of(b"".join(lines)) == "Its digest is not that of its contents."


def test_a_line_that_is_missing_is_noticed_by_the_counts() -> None:
    *before, end = ENCODED.splitlines(keepends=True)
    del before[2]
    ending = json.loads(end) | {"sha256": hashlib.sha256(b"".join(before)).hexdigest()}
    document = b"".join(before) + json.dumps(ending).encode() + b"\n"
    assert problem_of(document) == "It does not contain as much as it says."


def test_a_later_version_of_the_format_is_too_new_whatever_else_it_has() -> None:
    with pytest.raises(BackupTooNew) as refused:
        backup_format.decode(rewritten(1, version=2, more="of it"))
    assert "up to 1" in refused.value.why


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n", b"PK\x03\x04", b"{}\n{}\n", b"[" * 9999])
def test_something_else_is_no_backup(content: bytes) -> None:
    assert problem_of(content).startswith("Line 1 ")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (member_changed(1, "revision", to=-1), 'Line 1 has a "revision" that is not a number.'),
        (member_changed(1, "revision", to=True), 'Line 1 has a "revision" that is not a number.'),
        (member_changed(1, "revision", to=2**53), 'Line 1 has a "revision" that is not a number.'),
        (
            member_changed(1, "created", to="2026-01-31T02:05:00+01:00"),
            'Line 1 has a "created" that is not a time in UTC.',
        ),
        (member_changed(1, "more", to=1), "Line 1 has more members than"),
        (member_changed(8, "counts", to={}), "It does not contain as much as it says."),
        (member_changed(2, "more", to=1), "Line 2 is neither a secret, nor a token,"),
        (member_changed(2, "secret", "more", to=1), "Line 2 has more members than"),
        (member_changed(2, "secret", "name", to=7), 'Line 2 has a "name" that is not text.'),
        (member_changed(2, "secret", "name", to="\ud800"), 'Line 2 has a "name" that is not text.'),
        (member_changed(2, "secret", "versions", to={}), 'Line 2 has "versions" that are no list.'),
        (
            member_changed(2, "secret", "versions", 0, "value", to="Zm9v!"),
            'Line 2 has a "value" that is not base64.',
        ),
        (
            member_changed(2, "secret", "versions", 0, "value", to="ü"),
            'Line 2 has a "value" that is not base64.',
        ),
        (member_changed(2, "secret", "versions", 0, to=[]), "Line 2 has something else where"),
        (
            member_changed(3, "secret", "notes", "labels", to=[]),
            'Line 3 has "labels" that are no object.',
        ),
        (
            member_changed(3, "secret", "notes", "labels", "team", to=None),
            'Line 3 has a "labels" that is not text.',
        ),
        (
            member_changed(5, "token", "sha256", to="xyz"),
            'Line 5 has a "sha256" that is not hexadecimal.',
        ),
        (
            member_changed(5, "token", "grants", 0, "actions", to=["all"]),
            'Line 5 has "actions" that there are not.',
        ),
        (member_changed(7, "recipient", to=None), 'Line 7 has a "recipient" that is not text.'),
    ],
)
def test_a_member_of_another_kind_is_named_with_its_line(document: bytes, problem: str) -> None:
    assert problem_of(document).startswith(problem)


def test_a_member_that_is_missing_is_named() -> None:
    entry = json.loads(ENCODED.splitlines()[1])["secret"]
    del entry["active"]
    assert problem_of(rewritten(2, secret=entry)) == "Line 2 lacks active."


def test_no_error_repeats_a_value() -> None:
    canary = "c2VjcmV0LWNhbmFyeQ"  # no base64, as its padding is missing
    problem = problem_of(member_changed(2, "secret", "versions", 0, "value", to=canary))
    assert canary not in problem
