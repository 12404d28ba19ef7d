"""One way to log for every service: lines on standard error with systemd's priority prefixes."""

import logging
import sys

# sd-daemon(3): "<3>" and so on in front of a line sets its priority in the journal.
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


class _JournalFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        priority = next((p for level, p in _PRIORITIES if record.levelno >= level), 7)
        # One record is one line: a message with a newline could forge the next.
        return f"<{priority}>{record.getMessage()}".replace("\n", " ")


def configure(level: int = logging.INFO) -> None:
    """Send everything from `level` up to standard error, once, with no traceback ever."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JournalFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.raiseExceptions = False
