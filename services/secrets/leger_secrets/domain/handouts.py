"""What each unit was last handed, for whoever has to know that a new value has arrived."""

import threading
from dataclasses import dataclass
from datetime import datetime

from leger_secrets.domain import names
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.stored import Binding

_MAX_KEPT = 10_000  # instances of a template can have any name, so the memory is bounded


@dataclass(frozen=True, kw_only=True)
class Handout:
    """A version of a secret that a unit was handed as a credential, and when."""

    unit: str
    credential: str
    secret: str
    version: int
    time: datetime


class Handouts:
    """The latest of each unit and credential. Kept in memory only: they are of this process."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str], Handout] = {}

    def note(self, unit: str, credential: str, *, secret: str, version: int) -> None:
        """Remember it in the place of what the unit was handed before as this credential."""
        handout = Handout(
            unit=unit, credential=credential, secret=secret, version=version, time=self._clock()
        )
        with self._lock:
            # Taken out first, so that the first of all is always the one that is oldest.
            self._latest.pop((unit, credential), None)
            self._latest[unit, credential] = handout
            if len(self._latest) > _MAX_KEPT:
                del self._latest[next(iter(self._latest))]

    def of(self, binding: Binding) -> list[Handout]:
        """Return what was handed out for a binding, sorted by unit: several for a template's."""
        with self._lock:
            if "@." in binding.unit:
                latest = [h for h in self._latest.values() if _is_instance(h, binding)]
            else:
                found = self._latest.get((binding.unit, binding.credential))
                latest = [found] if found else []
        # An instance may have a binding of its own, and any unit may be bound anew.
        mine = (handout for handout in latest if handout.secret == binding.secret)
        return sorted(mine, key=lambda handout: handout.unit)


def _is_instance(handout: Handout, binding: Binding) -> bool:
    return (
        handout.credential == binding.credential and names.template_of(handout.unit) == binding.unit
    )
