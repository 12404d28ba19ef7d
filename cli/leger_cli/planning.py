"""Asking the deployer what a stack's directory would change."""

from typing import TYPE_CHECKING

from leger_cli import progress, stackdir

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import Plan
    from leger.deployer.v1.deployer_pb2_grpc import DeployerServiceStub


def plan(client: "DeployerServiceStub", stack: stackdir.StackDirectory, *, quiet: bool) -> "Plan":
    """Upload the stack and return the deployer's plan for it; nothing on the host changes.

    `quiet` shows no progress. Raises what StageStack and PlanStack fail with.
    """
    from leger.deployer.v1.deployer_pb2 import PlanStackRequest

    staged = client.StageStack(stackdir.upload(stack))
    answers = client.PlanStack(PlanStackRequest(staged_id=staged.staged_id))
    return progress.follow(answers, quiet=quiet, keep=False).plan
