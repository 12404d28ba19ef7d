"""What a process takes of the machine."""

from pathlib import Path
from typing import NamedTuple

THREADS = 16  # pools are filled when they are needed


class Usage(NamedTuple):
    """At one moment; `resident` is in KiB."""

    resident: int
    descriptors: int
    threads: int

    def assert_not_above(self, before: "Usage", *, growth: int) -> None:
        """Fail unless nothing but a pool has grown, and memory at most by `growth` KiB."""
        assert self.resident - before.resident <= growth
        assert self.descriptors <= before.descriptors + 1  # one may be about to be closed
        assert self.threads <= before.threads + THREADS


def of(pid: int) -> Usage:
    here = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (here / "status").read_text().splitlines())
    return Usage(
        resident=int(status["VmRSS"].split()[0]),
        descriptors=len(list((here / "fd").iterdir())),
        threads=int(status["Threads"]),
    )
