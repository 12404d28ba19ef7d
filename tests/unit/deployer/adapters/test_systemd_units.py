"""What the manager is asked about units, and what it says, as systemd 257 does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from leger_deployer.adapters.systemd_bus import Refused, SystemdBus
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


class Graph:
    """A manager that knows units by what they pull down with them."""

    def __init__(self, edges: dict[str, dict[str, list[str]]]) -> None:
        self._edges = edges

    @contextmanager
    def connect(self) -> Iterator["Graph"]:
        yield self

    def call(self, method: str, _signature: str, name: str) -> tuple[str]:
        assert method == "GetUnit"
        if name not in self._edges:
            raise Refused("org.freedesktop.systemd1.NoSuchUnit", f"Unit {name} not loaded.")
        return (name,)

    def property(self, path: str, interface: str, name: str) -> list[str]:
        assert interface == "Unit"
        return self._edges[path].get(name, [])


def test_what_a_unit_pulls_down_is_found_over_all_steps_and_kinds_of_dependency() -> None:
    graph = Graph(
        {
            "pod.service": {"BoundBy": ["a.service"], "WantedBy": ["multi-user.target"]},
            "a.service": {"RequiredBy": ["web.service"], "ConsistsOf": ["pod.service"]},
            "web.service": {"PropagatesStopTo": ["not-loaded.service"]},
        }
    )
    units = SystemdUnitManager(cast("SystemdBus", graph))
    assert units.dependents(["pod.service"]) == {"a.service", "web.service", "not-loaded.service"}
    assert units.dependents(["gone.service"]) == frozenset()
