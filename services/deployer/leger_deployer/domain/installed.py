"""The stacks that are installed, as their active generations."""

from leger_deployer.domain.errors import StackNotFound
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.ports.unit_manager import UnitManager
from leger_deployer.domain.stack import Generation, StackUnit, check_name


def all_stacks(files: StackFiles) -> list[Generation]:
    """Return the active generation of every stack, sorted by name."""
    found = (files.active(name) for name in files.stacks())
    # One may be removed between the two questions.
    return [generation for generation in found if generation is not None]


def services(files: StackFiles, units: UnitManager) -> dict[str, StackUnit]:
    """Return the services of all stacks by their units, each stack's in the order of their start.

    In the place of a template are its instances, as far as systemd has loaded them.
    """
    found: dict[str, StackUnit] = {}
    for generation in all_stacks(files):
        for unit in generation.units:
            if not unit.kind.is_service:
                continue
            if unit.is_template:
                found |= {name: unit.instance(name) for name in units.instances([unit.unit])}
            else:
                found[unit.unit] = unit
    return found


def one_stack(files: StackFiles, name: str) -> Generation:
    """Return the active generation of a stack. Raises InvalidName or StackNotFound."""
    generation = files.active(check_name(name))
    if generation is None:
        raise StackNotFound(
            f"The stack {name} is not installed.",
            why="No stack of that name is on this host.",
            next_step="`leger deploy list` shows those that are.",
        )
    return generation
