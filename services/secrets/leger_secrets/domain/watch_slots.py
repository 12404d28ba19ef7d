"""How many answers without an end may be given at once: watches of secrets, followed audit logs."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from leger_runtime.errors import Kind, LegerError

LIMIT = 8
"""Each takes a thread of the server for as long as it goes on."""

STALLED = 30.0
"""Seconds after which a client that takes nothing may lose its slot."""


class TooManyWatches(LegerError):
    """As many callers as can be are watching already."""

    kind, reason = Kind.UNAVAILABLE, "TOO_MANY_WATCHES"

    def __init__(self, limit: int) -> None:
        super().__init__(
            "No more watches can begin now.",
            why=f"{limit} callers have one already, and each takes a thread of the service.",
            next_step="End one of them, then try again.",
        )


class WatchEnded(LegerError):
    """The service cannot go on with a watch that it has begun."""

    kind, reason = Kind.UNAVAILABLE, "WATCH_ENDED"

    def __init__(self, why: str) -> None:
        super().__init__(
            "The service has ended the watch.",
            why=why,
            next_step="Watch again from the last thing that was seen, once the service is back.",
        )


class Client(Protocol):
    """Whoever is answered to."""

    def is_active(self) -> bool:
        """Tell whether it is there still."""
        ...

    def cancel(self) -> object:
        """Break off what is being answered to it."""
        ...


class Slot:
    """One watch's place, which it may lose when its client does not take what it is answered."""

    def __init__(self, client: Client | None) -> None:
        self._client = client
        self._answering_since: float | None = None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Surround the time in which the client is to take an answer."""
        self._answering_since = time.monotonic()
        try:
            yield
        finally:
            self._answering_since = None

    def is_stalled(self) -> bool:
        """Tell whether an answer has not been taken for too long."""
        since = self._answering_since
        return since is not None and time.monotonic() - since > STALLED

    def give_up(self) -> None:
        """Break the watch off."""
        if self._client:
            self._client.cancel()


class WatchSlots:
    """Lets a fixed number of watches go on at once, and ends them all when the service stops.

    When no slot is free, a watch whose client has stalled gives way to a new one.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._slots: list[Slot] = []
        self._ended = False

    @contextmanager
    def taken(self, client: Client | None = None) -> Iterator[Slot]:
        """Hold a slot. Raises TooManyWatches, and WatchEnded once the service stops."""
        self.check()
        slot = Slot(client)
        with self._lock:
            if len(self._slots) >= self._limit:
                self._give_up_a_stalled_one()
            self._slots.append(slot)
        try:
            yield slot
        finally:
            with self._lock, suppress(ValueError):  # it may have lost the slot
                self._slots.remove(slot)

    def check(self) -> None:
        """Raise WatchEnded once the service stops; whoever watches calls it every half second."""
        if self._ended:
            raise WatchEnded("The service stops.")

    def end(self) -> None:
        """Have every watch end, and no other begin: a stopping service waits for none of them."""
        self._ended = True

    def _give_up_a_stalled_one(self) -> None:
        stalled = next((slot for slot in self._slots if slot.is_stalled()), None)
        if stalled is None:
            raise TooManyWatches(self._limit)
        self._slots.remove(stalled)
        stalled.give_up()
