"""leger.deployer.v1.DeployerService: unpacks, calls the domain, packs."""

from collections.abc import Iterator

import grpc
from leger.deployer.v1 import deployer_pb2 as messages
from leger.deployer.v1 import deployer_pb2_grpc

from leger_deployer import convert
from leger_deployer.domain import installed
from leger_deployer.domain.apply import Applier
from leger_deployer.domain.control import Controller
from leger_deployer.domain.logs import LogReader
from leger_deployer.domain.plan import Planner
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.progress import Progress
from leger_deployer.domain.remove import Remover
from leger_deployer.domain.rollout import Rollouts
from leger_deployer.domain.staging import Staging
from leger_deployer.domain.status import StatusReader
from leger_deployer.streaming import events


class DeployerServicer(deployer_pb2_grpc.DeployerServiceServicer):
    """The methods of the contract; each does one thing of the domain."""

    def __init__(
        self,
        *,
        staging: Staging,
        planner: Planner,
        applier: Applier,
        remover: Remover,
        controller: Controller,
        rollouts: Rollouts,
        status: StatusReader,
        logs: LogReader,
        files: StackFiles,
    ) -> None:
        self._staging = staging
        self._planner = planner
        self._applier = applier
        self._remover = remover
        self._controller = controller
        self._rollouts = rollouts
        self._status = status
        self._logs = logs
        self._files = files

    def StageStack(
        self,
        request_iterator: Iterator[messages.StageStackRequest],
        context: grpc.ServicerContext,
    ) -> messages.StageStackResponse:
        """Take in a directory."""
        return convert.staged(self._staging.stage(convert.upload(request_iterator)))

    def PlanStack(
        self, request: messages.PlanStackRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.PlanStackResponse]:
        """Check what is staged and say what would change."""
        for event in events(lambda report: self._planner.plan(request.staged_id, report)):
            if isinstance(event, Progress):
                yield messages.PlanStackResponse(progress=convert.progress(event))
            else:
                yield messages.PlanStackResponse(plan=convert.plan(event))

    def ApplyPlan(
        self, request: messages.ApplyPlanRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.ApplyPlanResponse]:
        """Carry out a plan."""
        for event in events(lambda report: self._applier.apply(request.plan_id, report)):
            if isinstance(event, Progress):
                yield messages.ApplyPlanResponse(progress=convert.progress(event))
            else:
                status = self._status.of_applied(event)
                yield messages.ApplyPlanResponse(result=convert.applied(event, status))

    def RemoveStack(
        self, request: messages.RemoveStackRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.RemoveStackResponse]:
        """Take a stack off the host."""
        for event in events(
            lambda report: self._remover.remove(
                request.stack, delete_volumes=request.delete_volumes, report=report
            )
        ):
            if isinstance(event, Progress):
                yield messages.RemoveStackResponse(progress=convert.progress(event))
            else:
                yield messages.RemoveStackResponse(result=convert.removed(request.stack, event))

    def ListStacks(
        self, request: messages.ListStacksRequest, context: grpc.ServicerContext
    ) -> messages.ListStacksResponse:
        """List the stacks that are installed."""
        return convert.stacks(installed.all_stacks(self._files))

    def GetStatus(
        self, request: messages.GetStatusRequest, context: grpc.ServicerContext
    ) -> messages.GetStatusResponse:
        """Say how services are."""
        return convert.status(self._status.report(request.stack))

    def ControlServices(
        self, request: messages.ControlServicesRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.ControlServicesResponse]:
        """Start, stop or restart services."""
        action = convert.action(request.action)
        for event in events(
            lambda report: self._controller.control(action, list(request.services), report)
        ):
            if isinstance(event, Progress):
                yield messages.ControlServicesResponse(progress=convert.progress(event))
            else:
                result = convert.controlled(self._status.of_units(event))
                yield messages.ControlServicesResponse(result=result)

    def RolloutSecret(
        self, request: messages.RolloutSecretRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.RolloutSecretResponse]:
        """Roll a version of a secret out."""
        for event in events(
            lambda report: self._rollouts.roll_out(request.secret, request.version, report)
        ):
            if isinstance(event, Progress):
                yield messages.RolloutSecretResponse(progress=convert.progress(event))
            else:
                yield messages.RolloutSecretResponse(result=convert.rolled_out(event))

    def StreamLogs(
        self, request: messages.StreamLogsRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.StreamLogsResponse]:
        """Answer a service's journal."""
        unit = self._controller.service(request.service)
        for line in self._logs.lines(unit, tail=request.tail, follow=request.follow):
            if not context.is_active():
                return  # nobody listens any more
            if line is not None:
                yield convert.log_line(line)
