"""Streams that are opened again when their service comes back."""

import time
from collections.abc import Callable, Iterator

import pytest
from leger_cli import following
from leger_runtime.errors import Kind, LegerError, RemoteError


def failure(kind: Kind, reason: str) -> LegerError:
    return RemoteError("It is away.", why="W.", next_step="N.", kind=kind, reason=reason)


AWAY = failure(Kind.UNAVAILABLE, "WATCH_ENDED")


def streams(*each: list[int | LegerError]) -> Callable[[], Iterator[int]]:
    """Return what opens one stream after the other; an error ends the stream that it is in."""
    waiting = list(each)

    def opened() -> Iterator[int]:
        for item in waiting.pop(0):
            if isinstance(item, LegerError):
                raise item
            yield item

    return opened


def test_a_service_that_is_away_is_waited_for_and_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    items = following.resumed(streams([1, AWAY], [AWAY], [AWAY], [2], [3]))
    assert [next(items) for _ in range(3)] == [1, 2, 3]
    assert capsys.readouterr().err == "It is away. Waiting for it.\nGoing on.\n"


@pytest.mark.parametrize(
    "error",
    [
        failure(Kind.CONFLICT, "REVISION_GONE"),
        failure(Kind.NOT_PERMITTED, "NOT_PERMITTED"),
        failure(Kind.UNAVAILABLE, "TOO_MANY_WATCHES"),
    ],
)
def test_any_other_failure_ends_it(error: LegerError) -> None:
    items = following.resumed(streams([1, error]))
    assert next(items) == 1
    with pytest.raises(RemoteError) as caught:
        next(items)
    assert caught.value is error
