"""The audit log at a terminal of 80 columns and in a pipe."""

import time

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import audit_pb2 as a
from leger_cli.views import audit as view
from unit.cli.conftest import Written

NOW = Timestamp(seconds=1_700_000_000, nanos=123_456_000)

GET = a.AuditEntry(
    seq=1,
    time=NOW,
    request_id="00112233aabbccdd",
    principal="operator:root",
    process="leger/1 (secrets get; pid 4711)",
    action="get",
    secret="prod/key",
    version=3,
    outcome="allowed",
)
HANDED_OUT = a.AuditEntry(
    seq=2,
    time=NOW,
    principal="unit:web.service",
    action="get",
    secret="prod/key",
    version=3,
    outcome="allowed",
    unit="web.service",
    credential="prod_key-1a2b3c4d",
)
REFUSED = a.AuditEntry(
    seq=3,
    time=NOW,
    principal="token:ci",
    action="list",
    outcome="NOT_PERMITTED",
    address="100.64.0.1:4711",
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: NOW.seconds + 60.0)


def test_a_terminal_shows_a_table_that_says_who_did_what_and_from_where(terminal: Written) -> None:
    view.entries([GET, HANDED_OUT, REFUSED])
    assert (
        terminal()
        == """\
TIME             PRINCIPAL    ACTION  SECRET       OUTCOME        DETAILS
Nov 14 22:13:20  operator:ro  get     prod/key v3  allowed        secrets get
                 ot
Nov 14 22:13:20  unit:web.se  get     prod/key v3  allowed
                 rvice
Nov 14 22:13:20  token:ci     list    -            NOT_PERMITTED  100.64.0.1:471
                                                                  1
"""
    )


def test_the_year_is_shown_when_it_is_not_this_one(
    terminal: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_year = 1_704_067_200
    monkeypatch.setattr(time, "time", lambda: new_year - 1.0)
    view.entries([REFUSED])
    assert terminal().splitlines()[1].startswith("Nov 14 22:13:20  token:ci")
    monkeypatch.setattr(time, "time", lambda: new_year + 1.0)
    view.entries([REFUSED])
    assert terminal().splitlines()[1].startswith("2023-11-14 22:13  token:ci")


def test_a_pipe_gets_a_line_of_words_for_each_entry(pipe: Written) -> None:
    view.entries([GET, HANDED_OUT, REFUSED])
    head = "2023-11-14T22:13:20+00:00"
    process = '"leger/1 (secrets get; pid 4711)"'
    assert (
        pipe()
        == f"""\
{head} operator:root get prod/key allowed version=3 process={process} request_id=00112233aabbccdd
{head} unit:web.service get prod/key allowed version=3 unit=web.service credential=prod_key-1a2b3c4d
{head} token:ci list - NOT_PERMITTED address=100.64.0.1:4711
"""
    )


def test_a_name_cannot_forge_words_or_lines(pipe: Written) -> None:
    name = 'a allowed\n"x" version=1'
    view.line(a.AuditEntry(time=NOW, principal="p", action="get", secret=name, outcome="x"))
    assert pipe() == ('2023-11-14T22:13:20+00:00 p get "a allowed\\n\\"x\\" version=1" x\n')


def test_a_refusal_is_in_colour(terminal: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    view.line(REFUSED)
    assert "\x1b[31mNOT_PERMITTED\x1b[0m" in terminal()
    view.line(GET)
    assert "\x1b[31m" not in terminal()


def test_no_entry_is_said(terminal: Written) -> None:
    view.entries([])
    assert terminal() == "The audit log has no such entry.\n"


def test_a_whole_log_is_said_to_be_intact(pipe: Written) -> None:
    view.intact(
        a.VerifyAuditResponse(
            intact=True, lines=2, files=1, first_time=NOW, last_time=NOW, anchored=True
        )
    )
    assert pipe() == "intact: 2 lines in 1 file, from 2023-11-14 22:13:20 to 2023-11-14 22:13:20\n"


def test_a_log_whose_end_was_not_compared_is_said_to_be_so(pipe: Written) -> None:
    view.intact(a.VerifyAuditResponse(intact=True, files=1))
    assert pipe().splitlines()[:2] == [
        "intact: 0 lines in 1 file",
        "The store is sealed, so its anchor cannot tell whether lines are missing at the end.",
    ]
