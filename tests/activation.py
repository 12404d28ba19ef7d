"""Starting a program with open sockets, as systemd does: sd_listen_fds(3)."""

import sys
from collections.abc import Sequence

# Only the process itself knows its number before it becomes the program. Each socket is taken out
# of the way first, so that none overwrites another.
_BECOME = """
import fcntl, os, sys
pid, count, *words = sys.argv[1:]
descriptors, program = words[:int(count)], words[int(count):]
away = [fcntl.fcntl(int(word), fcntl.F_DUPFD_CLOEXEC, 100) for word in descriptors]
for number, descriptor in enumerate(away):
    os.dup2(descriptor, 3 + number)
os.environ["LISTEN_PID"] = pid or str(os.getpid())
os.execv(program[0], program)
"""


def activated(program: Sequence[str], descriptors: Sequence[int], pid: str = "") -> list[str]:
    """Return the words that run a program with these descriptors as its 3, 4, …

    They are to be inherited (`pass_fds`); the program is an absolute path and its arguments.
    LISTEN_FDS and LISTEN_FDNAMES are the caller's to set; LISTEN_PID is the process's own number,
    or `pid`.
    """
    passed = [str(descriptor) for descriptor in descriptors]
    return [sys.executable, "-S", "-c", _BECOME, pid, str(len(passed)), *passed, *program]
