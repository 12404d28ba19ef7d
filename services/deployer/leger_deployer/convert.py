"""Between the messages of leger.deployer.v1 and the domain's own types."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from leger.deployer.v1 import deployer_pb2 as messages

from leger_deployer.domain.errors import InvalidName
from leger_deployer.domain.logs import LogLine
from leger_deployer.domain.plan import Plan
from leger_deployer.domain.ports.unit_manager import UnitAction
from leger_deployer.domain.progress import Progress
from leger_deployer.domain.published_port import PublishedPort
from leger_deployer.domain.rollout import RolloutResult
from leger_deployer.domain.stack import Generation, StackUnit
from leger_deployer.domain.staging import Chunk, Header, Staged
from leger_deployer.domain.status import ServiceStatus, StatusReport
from leger_deployer.domain.teardown import Removed

_ACTIONS = {
    messages.SERVICE_ACTION_START: UnitAction.START,
    messages.SERVICE_ACTION_STOP: UnitAction.STOP,
    messages.SERVICE_ACTION_RESTART: UnitAction.RESTART,
}


def upload(requests: Iterable[messages.StageStackRequest]) -> Iterator[Header | Chunk]:
    """Yield the parts of an upload; a message without one ends it as one without a name."""
    for request in requests:
        if request.HasField("chunk"):
            chunk = request.chunk
            yield Chunk(path=chunk.path, mode=chunk.mode, content=chunk.content)
        else:
            yield Header(stack=request.header.stack)


def action(value: "messages.ServiceAction.ValueType") -> UnitAction:
    """Return what to do with services. Raises InvalidName for none."""
    if value not in _ACTIONS:
        raise InvalidName(
            "The request does not say what to do with the services.",
            why="It names none of the actions start, stop and restart.",
            next_step="Name one of them.",
        )
    return _ACTIONS[value]


def staged(found: Staged) -> messages.StageStackResponse:
    """Return what was taken in."""
    return messages.StageStackResponse(
        staged_id=found.id, quadlets=found.quadlets, assets=found.assets
    )


def progress(event: Progress) -> messages.Progress:
    """Return one event of long work."""
    return messages.Progress(
        step=messages.Step.Value(f"STEP_{event.step.name}"),
        state=messages.StepState.Value(f"STEP_STATE_{event.state.name}"),
        subject=event.subject,
        detail=event.detail,
        current=event.current,
        total=event.total,
    )


def plan(found: Plan) -> messages.Plan:
    """Return a plan."""
    return messages.Plan(
        plan_id=found.plan_id,
        stack=found.staged.stack,
        units=[_unit(unit, found) for unit in found.units],
        secrets=[
            messages.SecretUse(
                unit=use.unit,
                secret=use.secret,
                type=use.type,
                target=use.target,
                stored=use.secret in found.stored,
            )
            for use in found.secrets
        ],
        assets=found.staged.assets,
        warnings=found.warnings,
    )


def _unit(unit: StackUnit, found: Plan) -> messages.PlannedUnit:
    return messages.PlannedUnit(
        file=unit.file,
        unit=unit.unit,
        kind=messages.UnitKind.Value(f"UNIT_KIND_{unit.kind.name}"),
        image=unit.image,
        image_present=unit.image in found.images_present,
        ports=_ports(unit.ports),
        requires=unit.requires,
        waits_for_health=unit.healthy_within > 0,
    )


def applied(generation: Generation, status: StatusReport) -> messages.ApplyResult:
    """Return what an apply brought about."""
    return messages.ApplyResult(
        stack=generation.stack,
        generation=generation.number,
        services=[_service(service) for service in status.services],
    )


def removed(stack: str, result: Removed) -> messages.RemoveResult:
    """Return what a removal did and left."""
    return messages.RemoveResult(
        stack=stack,
        stopped_units=result.stopped_units,
        kept_volumes=sorted(result.kept_volumes),
        deleted_volumes=sorted(result.deleted_volumes),
    )


def stacks(generations: Iterable[Generation]) -> messages.ListStacksResponse:
    """Return the stacks that are installed."""
    return messages.ListStacksResponse(
        stacks=[
            messages.Stack(
                name=generation.stack,
                generation=generation.number,
                apply_time=_time(generation.apply_time),
                units=sorted(unit.unit for unit in generation.units),
                volumes=generation.volumes,
            )
            for generation in generations
        ]
    )


def status(report: StatusReport) -> messages.GetStatusResponse:
    """Return how services are."""
    return messages.GetStatusResponse(
        services=[_service(service) for service in report.services],
        secrets_available=report.secrets_available,
    )


def controlled(report: StatusReport) -> messages.ControlResult:
    """Return how services are that were acted on."""
    return messages.ControlResult(services=[_service(service) for service in report.services])


def rolled_out(result: RolloutResult) -> messages.RolloutResult:
    """Return what became of a rollout."""
    return messages.RolloutResult(
        secret=result.secret,
        version=result.version,
        previous_version=result.previous_version,
        restarted=result.restarted,
        not_running=result.not_running,
    )


def log_line(line: LogLine) -> messages.StreamLogsResponse:
    """Return one entry of a journal."""
    return messages.StreamLogsResponse(
        time=_time(line.time), source=line.source, message=line.message
    )


def _service(found: ServiceStatus) -> messages.ServiceStatus:
    answer = messages.ServiceStatus(
        stack=found.stack,
        service=found.unit.service,
        unit=found.unit.unit,
        state=messages.ServiceState.Value(f"SERVICE_STATE_{found.state.name}"),
        ports=_ports(found.unit.ports),
        requires=sorted(found.requires),
        why=found.why,
        restarts=found.restarts,
        image=found.unit.image,
    )
    if found.since is not None:
        answer.since.CopyFrom(_time(found.since))
    return answer


def _ports(ports: Iterable[PublishedPort]) -> list[messages.PublishedPort]:
    return [
        messages.PublishedPort(
            host_address=port.host_address,
            host_port=port.host_port,
            container_port=port.container_port,
            protocol=port.protocol,
        )
        for port in ports
    ]


def _time(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
