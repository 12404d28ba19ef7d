"""The order in which a stack's units are started: what others need first comes first."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from leger_deployer.domain.description import REQUIREMENTS
from leger_deployer.domain.generator_output import GeneratedUnit


class OrderingCycle(ValueError):
    """Units that wait for each other; the text names them in a circle."""


def start_order(units: Iterable[GeneratedUnit]) -> list[str]:
    """Return the units' names in an order to start them, alphabetical where it is free.

    After= and Before= bind, as they do systemd, which would break a circle of them anywhere; so
    OrderingCycle is raised for one. A requirement without an ordering only inclines: it is
    followed unless requirements form a circle, or an ordering says otherwise.
    """
    by_name = {unit.name: unit for unit in units}
    ordered = _orderings(by_name)
    try:
        inclined = {
            name: before
            | {
                needed
                for needed in by_name[name].references(*REQUIREMENTS)
                if needed in by_name and needed != name and name not in ordered[needed]
            }
            for name, before in ordered.items()
        }
        return _sorted(inclined)
    except CycleError:
        pass
    try:
        return _sorted(ordered)
    except CycleError as error:
        raise OrderingCycle(" → ".join(error.args[1])) from None


def _orderings(units: Mapping[str, GeneratedUnit]) -> dict[str, set[str]]:
    before: dict[str, set[str]] = {name: set() for name in units}
    for name, unit in units.items():
        before[name] |= unit.references("After") & units.keys() - {name}
        for later in unit.references("Before") & units.keys() - {name}:
            before[later].add(name)
    return before


def _sorted(graph: Mapping[str, set[str]]) -> list[str]:
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    order: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        first, *ready = ready
        order.append(first)
        sorter.done(first)
    return order
