import time

import pytest
from leger_secrets.domain import watch_slots
from leger_secrets.domain.watch_slots import TooManyWatches, WatchEnded, WatchSlots


class Client:
    def __init__(self) -> None:
        self.cancelled = False

    def is_active(self) -> bool:
        return not self.cancelled

    def cancel(self) -> None:
        self.cancelled = True


def test_as_many_can_watch_as_there_are_slots() -> None:
    slots = WatchSlots(2)
    with slots.taken(), slots.taken(), pytest.raises(TooManyWatches), slots.taken():
        pass
    with slots.taken(), slots.taken():
        pass


def test_a_client_that_takes_nothing_gives_way_when_its_slot_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    slots, slow, quick = WatchSlots(2), Client(), Client()
    with slots.taken(slow) as slow_slot, slots.taken(quick) as quick_slot:
        with quick_slot.answering():
            pass
        with slow_slot.answering():
            now = watch_slots.STALLED
            with pytest.raises(TooManyWatches), slots.taken():
                pass
            now += 1
            with slots.taken():
                assert slow.cancelled
                with pytest.raises(TooManyWatches), slots.taken():
                    pass
    assert not quick.cancelled
    with slots.taken(), slots.taken():
        pass


def test_a_client_that_only_waits_for_news_keeps_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    slots, client = WatchSlots(1), Client()
    with slots.taken(client) as slot:
        with slot.answering():
            pass
        now = 10_000.0
        with pytest.raises(TooManyWatches), slots.taken():
            pass
    assert not client.cancelled


def test_no_watch_begins_or_goes_on_once_the_service_stops() -> None:
    slots = WatchSlots()
    slots.check()
    slots.end()
    with pytest.raises(WatchEnded):
        slots.check()
    with pytest.raises(WatchEnded), slots.taken():
        pass
