"""Input that waits for a command that takes none."""

import os
import stat
import sys
from array import array
from fcntl import ioctl
from termios import FIONREAD

from leger_cli.errors import UsageError


def refuse_unread(why: str) -> None:
    """Raise UsageError when something waits in standard input: it would be lost silently.

    `why` says, in a sentence, what is not going to be done with it. Nothing is read, and nothing
    waited for: a pipe into which something is written only later is as an empty one.
    """
    if _waiting():
        raise UsageError(
            "Something was piped in that this command does not read.",
            why=why,
            next_step="Leave the pipe away; in a loop that reads, put </dev/null behind leger.",
        )


def _waiting() -> int:
    """Return how many bytes can be read from a pipe, a socket or the rest of a file."""
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISREG(mode)):
            return 0
        count = array("i", [0])
        ioctl(descriptor, FIONREAD, count)
    except (OSError, ValueError):  # closed, no file at all, or one that cannot tell
        return 0
    return count[0]
