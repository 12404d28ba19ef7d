"""Stacks at a terminal of 80 columns."""

from leger.deployer.v1 import deployer_pb2 as d
from leger_cli.views import stacks as view
from unit.cli.conftest import Written


def test_a_removal_names_the_volumes_it_left(terminal: Written) -> None:
    view.removed(
        d.RemoveResult(stack="notes", stopped_units=["web.service"], kept_volumes=["data"])
    )
    assert (
        terminal()
        == """\
notes: removed, 1 unit stopped
  kept volumes, for when the stack is installed again: data
"""
    )
