"""Stacks as they are installed and removed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leger_cli import output
from leger_cli.output import Tone
from leger_cli.views import words

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import RemoveResult, Stack


def table(stacks: "Sequence[Stack]") -> None:
    """Write one row a stack."""
    if not stacks:
        output.remark("No stack is installed.\n→ leger deploy install DIR")
        return
    output.table(
        ("STACK", "GENERATION", "APPLIED", "UNITS", "VOLUMES"),
        [
            (
                stack.name,
                str(stack.generation),
                words.moment(stack.apply_time) if stack.HasField("apply_time") else "-",
                str(len(stack.units)),
                ", ".join(stack.volumes) or ("-", Tone.FAINT),
            )
            for stack in stacks
        ],
    )


def removed(result: "RemoveResult") -> None:
    """Write what a removal did, and what it left and how that goes too."""
    stopped = words.counted(len(result.stopped_units), "unit")
    output.line(f"{result.stack}: removed, {stopped} stopped")
    if result.deleted_volumes:
        output.line(f"  deleted volumes: {', '.join(result.deleted_volumes)}")
    if result.kept_volumes:
        kept = ", ".join(result.kept_volumes)
        output.line(f"  kept volumes, for when the stack is installed again: {kept}")
