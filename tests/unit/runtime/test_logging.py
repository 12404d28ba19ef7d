import logging

import pytest
from leger_runtime import logging as journal_logging


def test_a_record_is_one_line_with_its_priority(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        journal_logging.configure()
        log = logging.getLogger("test")
        log.debug("not shown")
        log.info("started")
        log.warning("first\n<0>forged")
        try:
            raise ValueError("text with a value")
        except ValueError:
            log.exception("failed")
        log.critical("ended")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert capsys.readouterr().err.splitlines() == [
        "<6>started",
        "<4>first <0>forged",
        "<3>failed",
        "<2>ended",
    ]
