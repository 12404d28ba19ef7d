"""What is worth knowing about a plan, though it does not stand in the way."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from leger_deployer.domain.generator_output import GeneratedUnit
from leger_deployer.domain.ports.unit_manager import UnitManager
from leger_deployer.domain.quadlet_generator import Generated
from leger_deployer.domain.stack import StackUnit

_PULLED_IN = ("Requires", "BindsTo", "Wants", "Upholds")


def warnings(generated: Generated, units: Sequence[StackUnit], manager: UnitManager) -> list[str]:
    """Return a sentence for each: requirements that name no unit, what no boot starts, templates.

    `units` are those of the plan, in their order; `manager` tells which units the host has.
    """
    known = {unit.name for unit in (*generated.own.values(), *generated.others)}
    return [
        *_absent_requirements(generated.own, known, manager),
        *_not_started_at_boot(generated.own.values(), units),
        *(
            f"{unit.file} is a template: leger starts none of its instances."
            for unit in units
            if unit.is_template
        ),
    ]


def _absent_requirements(
    own: Mapping[str, GeneratedUnit], known: set[str], manager: UnitManager
) -> list[str]:
    named = {
        (file, key, needed)
        for file, unit in own.items()
        for key in ("Requires", "Requisite", "BindsTo", "Wants")
        for needed in unit.references(key) - known
        # Quadlet itself wants network-online.target, which a user's manager may not have.
        if key != "Wants" or not needed.endswith(".target")
    }
    states = manager.states({needed for _, _, needed in named})
    return [
        f"{file}: {key}={needed} names no unit of this host"
        + ("." if key == "Wants" else ", so it will not start.")
        + _meant(needed, known)
        for file, key, needed in sorted(named)
        if not states[needed].exists
    ]


def _meant(name: str, known: set[str]) -> str:
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
    return f" Is {nearest[0]} meant?" if nearest else ""


def _not_started_at_boot(own: Iterable[GeneratedUnit], units: Sequence[StackUnit]) -> list[str]:
    """Return a warning for each service that nothing starts when the host boots."""
    by_name = {unit.name: unit for unit in own}
    started = [name for name, unit in by_name.items() if unit.wanted_by]
    reached = set(started)
    while started:
        new = by_name[started.pop()].references(*_PULLED_IN) & by_name.keys() - reached
        reached |= new
        started += new
    return [
        f"{unit.file} has no WantedBy= in an [Install] section: it will not start after a reboot."
        for unit in units
        if unit.kind.is_service and not unit.is_template and unit.unit not in reached
    ]
