"""What the journal is told of requests that failed."""

import logging

import pytest
from leger_secrets.http.complaints import Complaints


def test_each_complaint_is_logged_once_a_minute_with_a_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 100.0
    heard = Complaints(seconds=lambda: now)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            heard.note("one")
        heard.note("two")
        now += 59.0
        heard.note("one")
        now += 2.0
        heard.note("one")
        heard.note("one")
    assert [record.getMessage() for record in caplog.records] == [
        "one",
        "two",
        "one (3 times more since the last line)",
    ]
