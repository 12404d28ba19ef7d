"""Running a program at a terminal of its own.

By setsid(1), as a process that has gRPC in it must not fork: its fork handlers may wait for ever.
"""

import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence

_PROMPTS = (b": ", b"] ")


def run_at_terminal(
    words: Sequence[str],
    *,
    answers: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    within: float = 60.0,
) -> tuple[int, str]:
    """Return a program's exit code and what its terminal showed, lines ended by CR LF.

    An answer is typed at each prompt: what ends in ": " or "] ". It has so many seconds.
    """
    waiting = list(answers)
    terminal, its_own = os.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", *words], stdin=its_own, stdout=its_own, stderr=its_own, env=env
    ) as process:
        os.close(its_own)
        shown, prompted = b"", 0
        deadline = time.monotonic() + within
        try:
            while True:
                left = max(deadline - time.monotonic(), 0.0)
                ready, _, _ = select.select([terminal], [], [], left)
                assert ready, f"not within {within:g} s; it showed {shown!r}"
                try:
                    shown += os.read(terminal, 65_536)
                except OSError:  # the last process has closed it
                    return process.wait(left), shown.decode()
                if waiting and shown[prompted:].rstrip(b"\r\n").endswith(_PROMPTS):
                    prompted = len(shown)
                    os.write(terminal, f"{waiting.pop(0)}\n".encode())
        finally:
            process.kill()
            os.close(terminal)
