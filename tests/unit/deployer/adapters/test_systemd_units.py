"""What the manager is asked about units, and what it says, as systemd 257 does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from leger_deployer.adapters.systemd_bus import SystemdBus
from leger_deployer.adapters.systemd_units import SystemdUnitManager


class Bus:
    """A manager that knows no unit; it leaves out names that are none, as systemd does."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @contextmanager
    def connect(self) -> Iterator["Bus"]:
        yield self

    def call(self, method: str, _signature: str, names: list[str]) -> tuple[Any, ...]:
        assert method == "ListUnitsByNames"
        self.asked += names
        return ([(n, n, "not-found", "inactive", "dead", "", "/") for n in names if "." in n],)


def test_a_name_that_is_no_units_is_a_unit_that_is_not_there() -> None:
    bus = Bus()
    names = ["web.service", "db", "db@%i.service", "my app.service", "x" * 250 + ".service"]
    states = SystemdUnitManager(cast("SystemdBus", bus)).states(names)
    assert states.keys() == set(names)
    assert not any(state.exists for state in states.values())
    assert bus.asked == ["web.service"]
