"""Noting the calls of a function that is in its place all the same."""

from typing import Any

import pytest


def note(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, calls: list[str]) -> None:
    """Add the name to `calls` whenever that function of `where` is called."""
    original = getattr(where, name)

    def noted(*args: Any, **options: Any) -> Any:
        calls.append(name)
        return original(*args, **options)

    monkeypatch.setattr(where, name, noted)
