"""Services for the command line to talk to: they keep to the contracts and have no host below."""

# ruff: noqa: N802 - gRPC names its methods as the proto does

import threading
from collections.abc import Iterator

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from leger.deployer.v1 import deployer_pb2 as d
from leger.deployer.v1 import deployer_pb2_grpc as d_grpc
from leger.secrets.v1 import secrets_pb2 as s
from leger_runtime.errors import FieldViolation, Kind, LegerError, RemoteError

LONG_AGO = Timestamp(seconds=1_700_000_000)


def failure(
    kind: Kind, reason: str, what: str = "It went wrong.", fields: tuple[FieldViolation, ...] = ()
) -> LegerError:
    """Return an error as a service raises it."""
    return RemoteError(
        what,
        why="This is why.",
        next_step="Do this next.",
        kind=kind,
        reason=reason,
        violations=fields,
    )


class Refusing:
    """A secrets service that fails at everything it is asked."""

    def __init__(self) -> None:
        self.error = failure(Kind.INTERNAL, "SOME_REASON")
        for method in s.DESCRIPTOR.services_by_name["SecretsService"].methods:
            setattr(self, method.name, self._refuse)

    def _refuse(self, request: object, context: grpc.ServicerContext) -> None:
        raise self.error


PORT = d.PublishedPort(host_address="127.0.0.1", host_port=8080, container_port=80, protocol="tcp")


def service(name: str, **fields: object) -> d.ServiceStatus:
    """Return a running service of the stack notes, except for `fields`."""
    status = {
        "stack": "notes",
        "service": name,
        "unit": f"{name}.service",
        "state": d.SERVICE_STATE_RUNNING,
        "image": f"localhost/{name}:1",
    }
    return d.ServiceStatus(**{**status, **fields})  # type: ignore[arg-type]


def plan(*, stored: bool = True) -> d.Plan:
    """Return a plan of two units, whose secret may still have to be stored."""
    return d.Plan(
        plan_id="p1",
        stack="notes",
        units=[
            d.PlannedUnit(
                file="db.container",
                unit="db.service",
                kind=d.UNIT_KIND_CONTAINER,
                image="localhost/db:1",
                image_present=True,
                waits_for_health=True,
            ),
            d.PlannedUnit(
                file="web.container",
                unit="web.service",
                kind=d.UNIT_KIND_CONTAINER,
                image="registry.test/web:1",
                ports=[PORT],
                requires=["db.service"],
            ),
        ],
        secrets=[
            d.SecretUse(
                unit="web.service",
                secret="api_key",
                type="env",
                target="API_KEY",
                stored=stored,
            )
        ],
        assets=["nginx.conf"],
        warnings=["web.container names an image without a digest."],
    )


def progress(
    step: int, state: int, subject: str = "", detail: str = "", current: int = 0, total: int = 0
) -> d.Progress:
    """Return one event of long work."""
    return d.Progress(
        step=step,  # type: ignore[arg-type]
        state=state,  # type: ignore[arg-type]
        subject=subject,
        detail=detail,
        current=current,
        total=total,
    )


class Deployer(d_grpc.DeployerServiceServicer):
    """A deployer that notes what it is asked and answers with what it was given."""

    def __init__(self) -> None:
        self.staged: dict[str, bytes] = {}
        self.modes: dict[str, int] = {}
        self.stack = ""
        self.plan = plan()
        self.applied: list[str] = []
        self.removals: list[d.RemoveStackRequest] = []
        self.controls: list[d.ControlServicesRequest] = []
        self.logs: list[d.StreamLogsRequest] = []
        self.rollouts: list[d.RolloutSecretRequest] = []
        self.fails: dict[str, LegerError] = {}
        self.stacks = [
            d.Stack(
                name="notes",
                generation=3,
                apply_time=LONG_AGO,
                units=["db.service", "web.service"],
                volumes=["systemd-db-data"],
            )
        ]
        self.services = [
            service("db", since=LONG_AGO),
            service("web", ports=[PORT], requires=["db"], since=LONG_AGO),
        ]
        self.secrets_available = True
        # Long work goes on after its first event when this is set.
        self.go_on = threading.Event()
        self.go_on.set()

    def _fail(self, method: str) -> None:
        if method in self.fails:
            raise self.fails[method]

    def StageStack(
        self, request_iterator: Iterator[d.StageStackRequest], context: grpc.ServicerContext
    ) -> d.StageStackResponse:
        self._fail("StageStack")
        self.staged.clear()
        for request in request_iterator:
            if request.HasField("header"):
                self.stack = request.header.stack
                continue
            chunk = request.chunk
            self.staged[chunk.path] = self.staged.get(chunk.path, b"") + chunk.content
            self.modes[chunk.path] = chunk.mode
        return d.StageStackResponse(staged_id="s1")

    def PlanStack(
        self, request: d.PlanStackRequest, context: grpc.ServicerContext
    ) -> Iterator[d.PlanStackResponse]:
        yield d.PlanStackResponse(progress=progress(d.STEP_CHECK, d.STEP_STATE_STARTED))
        self._fail("PlanStack")
        yield d.PlanStackResponse(progress=progress(d.STEP_CHECK, d.STEP_STATE_DONE))
        self.plan.stack = self.stack
        yield d.PlanStackResponse(plan=self.plan)

    def ApplyPlan(
        self, request: d.ApplyPlanRequest, context: grpc.ServicerContext
    ) -> Iterator[d.ApplyPlanResponse]:
        start, started, done = d.STEP_START, d.STEP_STATE_STARTED, d.STEP_STATE_DONE
        yield d.ApplyPlanResponse(progress=progress(start, started))
        self.go_on.wait(30)
        yield d.ApplyPlanResponse(progress=progress(start, started, "web.service", "", 0, 1))
        self._fail("ApplyPlan")
        yield d.ApplyPlanResponse(progress=progress(start, done, "web.service", "healthy", 1, 1))
        yield d.ApplyPlanResponse(progress=progress(start, done))
        self.applied.append(request.plan_id)
        yield d.ApplyPlanResponse(
            result=d.ApplyResult(stack=self.stack, generation=1, services=self.services)
        )

    def RemoveStack(
        self, request: d.RemoveStackRequest, context: grpc.ServicerContext
    ) -> Iterator[d.RemoveStackResponse]:
        self._fail("RemoveStack")
        self.removals.append(request)
        volumes = ["systemd-db-data"]
        yield d.RemoveStackResponse(progress=progress(d.STEP_STOP, d.STEP_STATE_DONE))
        yield d.RemoveStackResponse(
            result=d.RemoveResult(
                stack=request.stack,
                stopped_units=["web.service", "db.service"],
                kept_volumes=[] if request.delete_volumes else volumes,
                deleted_volumes=volumes if request.delete_volumes else [],
            )
        )

    def ListStacks(
        self, request: d.ListStacksRequest, context: grpc.ServicerContext
    ) -> d.ListStacksResponse:
        return d.ListStacksResponse(stacks=self.stacks)

    def GetStatus(
        self, request: d.GetStatusRequest, context: grpc.ServicerContext
    ) -> d.GetStatusResponse:
        self._fail("GetStatus")
        chosen = [x for x in self.services if request.stack in ("", x.stack)]
        return d.GetStatusResponse(services=chosen, secrets_available=self.secrets_available)

    def ControlServices(
        self, request: d.ControlServicesRequest, context: grpc.ServicerContext
    ) -> Iterator[d.ControlServicesResponse]:
        self._fail("ControlServices")
        self.controls.append(request)
        yield d.ControlServicesResponse(progress=progress(d.STEP_START, d.STEP_STATE_DONE))
        yield d.ControlServicesResponse(result=d.ControlResult(services=self.services))

    def RolloutSecret(
        self, request: d.RolloutSecretRequest, context: grpc.ServicerContext
    ) -> Iterator[d.RolloutSecretResponse]:
        started, done = d.STEP_STATE_STARTED, d.STEP_STATE_DONE
        yield d.RolloutSecretResponse(progress=progress(d.STEP_ACTIVATE, started))
        self._fail("RolloutSecret")
        self.rollouts.append(request)
        yield d.RolloutSecretResponse(progress=progress(d.STEP_ACTIVATE, done))
        yield d.RolloutSecretResponse(progress=progress(d.STEP_RESTART, done, "web.service"))
        yield d.RolloutSecretResponse(
            result=d.RolloutResult(
                secret=request.secret,
                version=request.version or 1,
                previous_version=2,
                restarted=["web.service"],
                not_running=["worker.service"],
            )
        )

    def StreamLogs(
        self, request: d.StreamLogsRequest, context: grpc.ServicerContext
    ) -> Iterator[d.StreamLogsResponse]:
        self._fail("StreamLogs")
        self.logs.append(request)
        for message in ("ready", "\x1b[2Jcleared \x1b[32mgreen\x1b[0m"):
            yield d.StreamLogsResponse(time=LONG_AGO, source="web", message=message)
            self.go_on.wait(30)
