import os
import re

from leger_runtime import errors
from leger_runtime.errors import FieldViolation, Kind, LegerError, NotPermitted, RemoteError, place


def test_the_exit_codes_are_those_of_the_manual() -> None:
    assert {kind.name: kind.value for kind in Kind} == {
        "INTERNAL": 1,
        "USAGE": 2,
        "NOT_SIGNED_IN": 3,
        "NOT_PERMITTED": 4,
        "NOT_FOUND": 5,
        "CONFLICT": 6,
        "INVALID": 7,
        "UNAVAILABLE": 8,
    }


def test_an_error_reads_as_what_and_why() -> None:
    error = NotPermitted("You may not.", why="The table says so.", next_step="Ask.")
    assert str(error) == "You may not. The table says so."
    assert (error.kind, error.reason) == (Kind.NOT_PERMITTED, "NOT_PERMITTED")


def test_a_remote_error_brings_its_own_kind_and_reason() -> None:
    error = RemoteError("a", why="b", next_step="c", kind=Kind.CONFLICT, reason="STACK_EXISTS")
    assert (error.kind, error.reason) == (Kind.CONFLICT, "STACK_EXISTS")
    assert (LegerError.kind, RemoteError.reason) == (Kind.INTERNAL, "INTERNAL")


def test_an_error_as_json_has_every_part() -> None:
    error = RemoteError(
        "a.",
        why="b.",
        next_step="c.",
        kind=Kind.INVALID,
        reason="INVALID_NAME",
        violations=[FieldViolation(field="name", description="empty")],
    )
    assert errors.as_json(error) == {
        "reason": "INVALID_NAME",
        "exit_code": 7,
        "what": "a.",
        "why": "b.",
        "next": "c.",
        "fields": [{"field": "name", "description": "empty"}],
    }


def test_a_defect_is_told_by_its_place_and_never_its_text() -> None:
    def defect() -> None:
        raise ValueError("hunter2")

    try:
        defect()
    except ValueError as error:
        found = place(error)
    assert re.fullmatch(r".*test_errors\.py:\d+ \(defect\)", found)
    assert place(ValueError("never raised")) == ""


def test_a_refusal_of_the_system_is_told_in_its_words_or_as_one_of_a_device() -> None:
    assert errors.reason_of(OSError(2, os.strerror(2))) == "No such file or directory"
    assert errors.reason_of(OSError("no number, no words")) == "I/O error"
