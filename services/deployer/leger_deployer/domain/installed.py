"""The stacks that are installed, as their active generations."""

from leger_deployer.domain.errors import StackNotFound
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.stack import Generation, check_name


def all_stacks(files: StackFiles) -> list[Generation]:
    """Return the active generation of every stack, sorted by name."""
    found = (files.active(name) for name in files.stacks())
    # One may be removed between the two questions.
    return [generation for generation in found if generation is not None]


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
