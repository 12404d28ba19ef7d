"""What can go wrong, as a person reads it."""

from __future__ import annotations


class ImageError(Exception):
    """One failure in three parts: what happened, why, and what to do next."""

    def __init__(self, what: str, *, why: str, todo: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.todo = todo

    def __str__(self) -> str:
        return f"images: {self.what}\n  why: {self.why}\n  do:  {self.todo}"
