"""What can go wrong, as a person reads it, and the exit code a script reads."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Exit codes of `box`, the same numbers as leger's own CLI uses."""

    FAILED = 1
    USAGE = 2
    NOT_FOUND = 5
    CONFLICT = 6
    UNAVAILABLE = 8


class BoxError(Exception):
    """One failure in three parts: what happened, why, and what to do next."""

    def __init__(self, what: str, *, why: str, todo: str, code: Code = Code.FAILED) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.todo = todo
        self.code = code

    def __str__(self) -> str:
        return f"box: {self.what}\n  why: {self.why}\n  do:  {self.todo}"


def no_such_box(name: str, others: list[str]) -> BoxError:
    """NOT_FOUND: neither a running box nor a kept disk has this name."""
    return BoxError(
        f"there is no box named {name!r}",
        why=f"it was never brought up, or removed; there is {', '.join(others) or 'none at all'}",
        todo=f"bring it up: box up --name {name}",
        code=Code.NOT_FOUND,
    )


def box_is_down(name: str) -> BoxError:
    """UNAVAILABLE: the box has a disk, but nothing runs."""
    return BoxError(
        f"the box {name!r} is not running",
        why="its disk is there, but its systemd is not",
        todo=f"start it: box up --name {name}",
        code=Code.UNAVAILABLE,
    )
