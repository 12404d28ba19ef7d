"""The latest refused credential of each unit, for people who ask why a unit does not start."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from leger_runtime.errors import LegerError

from leger_secrets.domain import names
from leger_secrets.domain.clock import Clock

_MAX_UNITS = 1_000  # whoever may ask can name any unit, so the memory is bounded


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a unit did not get a credential when it last asked."""

    unit: str
    credential: str
    reason: str
    message: str
    time: datetime


class Refusals:
    """Kept in memory only: a unit that still fails asks again."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._by_unit: dict[str, Refusal] = {}

    def note(self, unit: str, credential: str, error: LegerError) -> None:
        """Remember that the unit was refused, in the place of what was remembered of it."""
        refusal = Refusal(
            unit=unit,
            credential=credential,
            reason=error.reason,
            message=str(error),
            time=self._clock(),
        )
        with self._lock:
            self._by_unit.pop(unit, None)
            self._by_unit[unit] = refusal
            if len(self._by_unit) > _MAX_UNITS:
                del self._by_unit[next(iter(self._by_unit))]

    def forget_credential(self, unit: str, credential: str) -> None:
        """Forget a refusal of this credential, because the unit has been given it now."""
        with self._lock:
            refusal = self._by_unit.get(unit)
            if refusal and refusal.credential == credential:
                del self._by_unit[unit]

    def forget_units(self, units: Iterable[str]) -> None:
        """Forget what units, or instances of templates, were refused: their bindings changed."""
        changed = set(units)
        with self._lock:
            for unit in list(self._by_unit):
                if unit in changed or names.template_of(unit) in changed:
                    del self._by_unit[unit]

    def latest(self) -> list[Refusal]:
        """Return what is remembered, sorted by unit."""
        with self._lock:
            refusals = list(self._by_unit.values())
        return sorted(refusals, key=lambda refusal: refusal.unit)
