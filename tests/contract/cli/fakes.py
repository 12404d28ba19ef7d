"""Services for the command line to talk to: they keep to the contracts and have no host below."""

# ruff: noqa: N802 - gRPC names its methods as the proto does

import threading
from collections.abc import Iterator

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from leger.deployer.v1 import deployer_pb2 as d
from leger.deployer.v1 import deployer_pb2_grpc as d_grpc
from leger.secrets.v1 import secrets_pb2 as s
from leger.secrets.v1 import secrets_pb2_grpc as s_grpc
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


class Secrets(s_grpc.SecretsServiceServicer):
    """An in-memory secrets service; `units` are bound to every secret."""

    def __init__(self) -> None:
        self.values: dict[str, list[bytes]] = {}
        self.active: dict[str, int] = {}
        self.units: list[str] = []
        self.forced: list[bool] = []
        self.fails: LegerError | None = None

    def _known(self, name: str) -> list[bytes]:
        if self.fails:
            raise self.fails
        if name not in self.values:
            raise failure(Kind.NOT_FOUND, "SECRET_NOT_FOUND", f"There is no secret {name}.")
        return self.values[name]

    def _info(self, name: str) -> s.SecretInfo:
        return s.SecretInfo(
            name=name,
            versions=[
                s.SecretVersion(version=n, create_time=LONG_AGO, created_by="operator:root")
                for n, _ in enumerate(self._known(name), 1)
            ],
            active_version=self.active[name],
            revision=7,
            units=self.units,
        )

    def PutSecret(
        self, request: s.PutSecretRequest, context: grpc.ServicerContext
    ) -> s.PutSecretResponse:
        if self.fails:
            raise self.fails
        versions = self.values.setdefault(request.name, [])
        created = not versions or versions[-1] != request.value
        if created:
            versions.append(request.value)
        if request.activate or request.name not in self.active:
            self.active[request.name] = len(versions)
        is_active = self.active[request.name] == len(versions)
        return s.PutSecretResponse(version=len(versions), active=is_active, created=created)

    def GetSecret(
        self, request: s.GetSecretRequest, context: grpc.ServicerContext
    ) -> s.GetSecretResponse:
        versions = self._known(request.name)
        version = request.version or self.active[request.name]
        return s.GetSecretResponse(value=versions[version - 1], version=version)

    def GetSecretInfo(
        self, request: s.GetSecretInfoRequest, context: grpc.ServicerContext
    ) -> s.GetSecretInfoResponse:
        return s.GetSecretInfoResponse(secret=self._info(request.name))

    def ListSecrets(
        self, request: s.ListSecretsRequest, context: grpc.ServicerContext
    ) -> s.ListSecretsResponse:
        return s.ListSecretsResponse(
            secrets=[self._info(name) for name in sorted(self.values)], revision=7
        )

    def ResolveSecrets(
        self, request: s.ResolveSecretsRequest, context: grpc.ServicerContext
    ) -> s.ResolveSecretsResponse:
        raise AssertionError("no command calls it")

    def CreateSecretVersion(
        self, request: s.CreateSecretVersionRequest, context: grpc.ServicerContext
    ) -> s.CreateSecretVersionResponse:
        raise AssertionError("no command calls it")

    def ActivateSecretVersion(
        self, request: s.ActivateSecretVersionRequest, context: grpc.ServicerContext
    ) -> s.ActivateSecretVersionResponse:
        self._known(request.name)
        previous, self.active[request.name] = self.active[request.name], request.version
        return s.ActivateSecretVersionResponse(previous_version=previous)

    def DeleteSecret(
        self, request: s.DeleteSecretRequest, context: grpc.ServicerContext
    ) -> s.DeleteSecretResponse:
        self._known(request.name)
        self.forced.append(request.force)
        del self.values[request.name]
        return s.DeleteSecretResponse()

    def DeleteSecretVersion(
        self, request: s.DeleteSecretVersionRequest, context: grpc.ServicerContext
    ) -> s.DeleteSecretVersionResponse:
        del self._known(request.name)[request.version - 1]
        return s.DeleteSecretVersionResponse()


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
        self.go_on.wait(10)
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

    def StreamLogs(
        self, request: d.StreamLogsRequest, context: grpc.ServicerContext
    ) -> Iterator[d.StreamLogsResponse]:
        self._fail("StreamLogs")
        self.logs.append(request)
        for message in ("ready", "\x1b[2Jcleared \x1b[32mgreen\x1b[0m"):
            yield d.StreamLogsResponse(time=LONG_AGO, source="web", message=message)
            self.go_on.wait(10)
