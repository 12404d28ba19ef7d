"""What a client sees of the deployer, call by call."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from leger.deployer.v1 import deployer_pb2 as pb
from leger.deployer.v1 import deployer_pb2_grpc as pb_grpc
from leger_deployer import wiring
from leger_deployer.config import Config
from leger_deployer.domain.errors import SystemdUnavailable
from leger_runtime import client
from leger_runtime.errors import Kind, LegerError
from unit.deployer.fakes import SHOP, FakeHost, Killed, Versions

Stub = pb_grpc.DeployerServiceStub
Stream = Callable[[], Any]


def upload(
    stack: str = "shop", source: Path = SHOP, *, more: Iterable[tuple[str, bytes]] = ()
) -> Iterator[pb.StageStackRequest]:
    yield pb.StageStackRequest(header=pb.StageStackRequest.Header(stack=stack))
    files = [(str(p.relative_to(source)), p.read_bytes()) for p in source.rglob("*") if p.is_file()]
    for path, content in [*files, *more]:
        chunk = pb.StageStackRequest.Chunk(path=path, mode=0o644, content=content)
        yield pb.StageStackRequest(chunk=chunk)


def plan(operator: Stub, stack: str = "shop") -> pb.Plan:
    staged = operator.StageStack(upload(stack))
    *_, last = operator.PlanStack(pb.PlanStackRequest(staged_id=staged.staged_id))
    assert last.WhichOneof("event") == "plan"
    return last.plan


def install(operator: Stub) -> pb.ApplyResult:
    request = pb.ApplyPlanRequest(plan_id=plan(operator).plan_id)
    return events(lambda: operator.ApplyPlan(request))[-1].result  # type: ignore[no-any-return]


def events(rpc: Stream) -> list[Any]:
    return list(client.stream(rpc))


def failure(rpc: Stream) -> LegerError:
    with pytest.raises(LegerError) as raised:
        events(rpc)
    return raised.value


def test_a_stack_lives_from_its_upload_to_its_removal(operator: Stub, host: FakeHost) -> None:
    staged = operator.StageStack(upload())
    assert staged.quadlets == sorted(staged.quadlets)
    assert list(staged.assets) == ["conf/app.yaml", "web.container.d/10-label.conf"]

    *progress, last = operator.PlanStack(pb.PlanStackRequest(staged_id=staged.staged_id))
    steps = [event.progress.step for event in progress]
    assert steps == sorted(steps)
    found = last.plan
    assert [unit.unit for unit in found.units][-1] == "web.service"

    result = events(lambda: operator.ApplyPlan(pb.ApplyPlanRequest(plan_id=found.plan_id)))[
        -1
    ].result
    assert (result.stack, result.generation) == ("shop", 1)
    assert {s.service: s.state for s in result.services} == {
        "cache": pb.SERVICE_STATE_RUNNING,
        "db": pb.SERVICE_STATE_RUNNING,
        "web": pb.SERVICE_STATE_RUNNING,
    }

    (listed,) = operator.ListStacks(pb.ListStacksRequest()).stacks
    assert (listed.name, listed.generation) == ("shop", 1)
    assert list(listed.volumes) == ["scratch", "shop-db-data"]
    assert list(listed.units) == sorted(listed.units)
    assert listed.apply_time.seconds > 0

    *_, gone = operator.RemoveStack(pb.RemoveStackRequest(stack="shop"))
    assert gone.result.stack == "shop"
    assert list(gone.result.kept_volumes) == ["scratch", "shop-db-data"]
    assert not operator.ListStacks(pb.ListStacksRequest()).stacks


def test_a_plan_tells_all_that_a_person_decides_by(operator: Stub, host: FakeHost) -> None:
    host.stored_secrets = {"api_key"}
    host.images.discard("localhost/shop/db:1")
    found = plan(operator)
    web = next(unit for unit in found.units if unit.unit == "web.service")
    assert (web.file, web.kind) == ("web.container", pb.UNIT_KIND_CONTAINER)
    assert (web.image, web.image_present) == ("localhost/shop/web:1", True)
    assert web.waits_for_health
    assert list(web.requires) == ["db.service", "shop-network.service"]
    assert [(p.host_address, p.host_port, p.container_port, p.protocol) for p in web.ports] == [
        ("127.0.0.1", 8080, 8080, "tcp"),
        ("", 443, 443, "tcp"),
        ("", 443, 443, "udp"),
    ]
    assert {(s.unit, s.secret, s.type, s.target, s.stored) for s in found.secrets} == {
        ("web.service", "api_key", "env", "API_KEY", True),
        ("web.service", "db/password", "mount", "/run/secrets/db/password", False),
        ("web.service", "db/password", "mount", "/etc/db", False),
        ("db.service", "db/password", "env", "PASSWORD", False),
    }
    database = next(unit for unit in found.units if unit.unit == "db.service")
    assert not database.image_present


def test_an_upload_that_is_not_one_is_refused(operator: Stub, host: FakeHost) -> None:
    def stage(requests: Iterator[pb.StageStackRequest]) -> LegerError:
        with pytest.raises(LegerError) as raised:
            client.call(lambda: operator.StageStack(requests))
        assert list((host.data / "staged").iterdir()) == []
        return raised.value

    assert stage(iter([])).reason == "INVALID_NAME"
    assert stage(upload("No")).reason == "INVALID_NAME"
    unsafe = stage(upload(more=[("../x", b"")]))
    assert (unsafe.reason, unsafe.kind) == ("UNSAFE_PATH", Kind.INVALID)
    assert stage(upload(more=[("big", bytes(2 << 20))])).reason == "STACK_TOO_LARGE"
    assert stage(upload(source=SHOP / "conf")).reason == "STACK_EMPTY"


def test_findings_arrive_as_violations_of_their_fields(operator: Stub, host: FakeHost) -> None:
    host.generator_messages = (
        "quadlet-generator[1]: converting \"db.container\": unsupported key 'X' in group"
        " 'Container' in {DIR}/db.container\n"
    )
    staged = operator.StageStack(upload())
    error = failure(lambda: operator.PlanStack(pb.PlanStackRequest(staged_id=staged.staged_id)))
    assert (error.reason, error.kind) == ("QUADLET_INVALID", Kind.INVALID)
    assert [v.field for v in error.violations] == ["db.container"]
    assert error.next_step


@pytest.mark.parametrize(
    ("trouble", "reason", "kind"),
    [
        ({"podman_version": ""}, "PODMAN_MISSING", Kind.UNAVAILABLE),
        ({"podman_version": "podman version 5.3.2"}, "PODMAN_TOO_OLD", Kind.CONFLICT),
        ({"secrets_up": False}, "SECRETS_UNAVAILABLE", Kind.UNAVAILABLE),
        ({"container_names": {"shop-web"}}, "RESOURCE_CONFLICT", Kind.CONFLICT),
    ],
)
def test_a_host_that_will_not_do_fails_the_plan(
    operator: Stub, host: FakeHost, trouble: dict[str, object], reason: str, kind: Kind
) -> None:
    for name, value in trouble.items():
        setattr(host, name, value)
    staged = operator.StageStack(upload())
    error = failure(lambda: operator.PlanStack(pb.PlanStackRequest(staged_id=staged.staged_id)))
    assert (error.reason, error.kind) == (reason, kind)
    assert error.what
    assert error.why
    assert error.next_step


def test_unknown_ids_and_names_are_not_found(operator: Stub) -> None:
    for rpc, reason in [
        (lambda: operator.PlanStack(pb.PlanStackRequest(staged_id="x")), "STAGED_NOT_FOUND"),
        (lambda: operator.ApplyPlan(pb.ApplyPlanRequest(plan_id="x")), "PLAN_NOT_FOUND"),
        (lambda: operator.RemoveStack(pb.RemoveStackRequest(stack="x")), "STACK_NOT_FOUND"),
        (lambda: operator.StreamLogs(pb.StreamLogsRequest(service="x")), "SERVICE_NOT_FOUND"),
    ]:
        error = failure(rpc)
        assert (error.reason, error.kind) == (reason, Kind.NOT_FOUND)
    with pytest.raises(LegerError, match="not installed"):
        client.call(lambda: operator.GetStatus(pb.GetStatusRequest(stack="x")))


def test_a_failed_apply_reports_its_undoing_and_then_the_reason(
    operator: Stub, host: FakeHost
) -> None:
    host.starts["web.service"] = "failed"
    request = pb.ApplyPlanRequest(plan_id=plan(operator).plan_id)
    before = host.picture()
    seen: list[Any] = []
    with pytest.raises(LegerError) as raised:
        seen.extend(client.stream(lambda: cast("Iterator[Any]", operator.ApplyPlan(request))))
    assert raised.value.reason == "UNIT_FAILED"
    assert seen[-1].progress.step == pb.STEP_ROLL_BACK
    assert host.picture() == before


def test_an_apply_goes_on_to_its_end_when_its_client_has_gone(
    operator: Stub, host: FakeHost
) -> None:
    reached, goes_on = threading.Event(), threading.Event()
    started = host._start

    def slow(unit: str) -> str | None:
        reached.set()
        assert goes_on.wait(30)
        return started(unit)

    host._start = slow  # type: ignore[method-assign]
    call: Any = operator.ApplyPlan(pb.ApplyPlanRequest(plan_id=plan(operator).plan_id))
    assert reached.wait(30)
    call.cancel()
    goes_on.set()
    # The next change waits for the one that is under way.
    *_, last = operator.RemoveStack(pb.RemoveStackRequest(stack="shop"))
    assert last.result.stack == "shop"


def test_services_are_controlled_and_shown(operator: Stub, host: FakeHost) -> None:
    install(operator)
    stop = pb.ControlServicesRequest(action=pb.SERVICE_ACTION_STOP, services=["web"])
    *_, last = operator.ControlServices(stop)
    (service,) = last.result.services
    assert (service.service, service.state) == ("web", pb.SERVICE_STATE_STOPPED)
    assert service.why
    status = operator.GetStatus(pb.GetStatusRequest())
    assert [s.service for s in status.services] == ["cache", "db", "web"]
    assert list(status.services[2].requires) == ["db"]
    assert status.secrets_available
    start = pb.ControlServicesRequest(action=pb.SERVICE_ACTION_START, services=["shop"])
    *_, last = operator.ControlServices(start)
    assert {s.state for s in last.result.services} == {pb.SERVICE_STATE_RUNNING}


def test_a_request_without_an_action_is_invalid(operator: Stub) -> None:
    request = pb.ControlServicesRequest(services=["web"])
    assert failure(lambda: operator.ControlServices(request)).kind is Kind.INVALID


def test_logs_are_streamed_entry_by_entry(operator: Stub, host: FakeHost) -> None:
    install(operator)
    host.journal = [
        '{"__REALTIME_TIMESTAMP": "1000000", "CONTAINER_NAME": "shop-web", "MESSAGE": "hello"}'
    ]
    (line,) = operator.StreamLogs(pb.StreamLogsRequest(service="web", tail=10))
    assert (line.source, line.message, line.time.seconds) == ("shop-web", "hello", 1)


def test_the_socket_is_its_owners_alone(operator: Stub, config: Config) -> None:
    operator.ListStacks(pb.ListStacksRequest())
    socket = config.runtime_dir / "operator/grpc.sock"
    assert socket.stat().st_mode & 0o777 == 0o600
    assert socket.parent.stat().st_mode & 0o777 == 0o700


def test_a_stack_that_is_installed_is_said_to_be_though_nobody_can_tell_how_it_is(
    operator: Stub, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = pb.ApplyPlanRequest(plan_id=plan(operator).plan_id)
    clear = host.files.clear_intent

    def unreachable(_units: object) -> Any:
        raise SystemdUnavailable("It does not answer.", why="It is gone.", next_step="None.")

    def clear_and_lose_systemd(stack: str) -> None:
        clear(stack)
        monkeypatch.setattr(host, "states_of", unreachable)

    monkeypatch.setattr(host.files, "clear_intent", clear_and_lose_systemd)
    result = events(lambda: operator.ApplyPlan(request))[-1].result
    assert (result.stack, result.generation, list(result.services)) == ("shop", 1, [])
    assert host.files.stacks() == ["shop"]


def rollout(operator: Stub, version: int = 2) -> Stream:
    request = pb.RolloutSecretRequest(secret="db/password", version=version)
    return lambda: operator.RolloutSecret(request)


def test_a_secret_is_rolled_out_step_by_step(operator: Stub, host: FakeHost) -> None:
    install(operator)
    host.versions["db/password"] = Versions(stored={1, 2})
    *progress, last = events(rollout(operator))
    done = [
        (event.progress.step, event.progress.subject)
        for event in progress
        if event.progress.state == pb.STEP_STATE_DONE
    ]
    assert done == [
        (pb.STEP_SECRETS, ""),
        (pb.STEP_ACTIVATE, ""),
        (pb.STEP_RESTART, "db.service"),
        (pb.STEP_RESTART, "web.service"),
        (pb.STEP_RESTART, ""),
    ]
    result = last.result
    assert (result.secret, result.version, result.previous_version) == ("db/password", 2, 1)
    assert list(result.restarted) == ["db.service", "web.service"]
    assert list(result.not_running) == []


@pytest.mark.parametrize(
    ("trouble", "version", "reason", "kind"),
    [
        ({}, 7, "VERSION_NOT_FOUND", Kind.NOT_FOUND),
        ({}, 0, "NO_PREVIOUS_VERSION", Kind.CONFLICT),
        ({"stored_secrets": {"api_key"}}, 2, "SECRET_NOT_FOUND", Kind.NOT_FOUND),
        ({"stored_secrets": {"db/password"}}, 2, "SECRET_NOT_FOUND", Kind.NOT_FOUND),
        ({"secrets_up": False}, 2, "SECRETS_UNAVAILABLE", Kind.UNAVAILABLE),
        ({"breaks": {("web.service", "db/password", 2)}}, 2, "UNIT_FAILED", Kind.UNAVAILABLE),
        ({"sickens": {("web.service", "db/password", 2)}}, 2, "UNIT_UNHEALTHY", Kind.UNAVAILABLE),
        (
            {"kept_back": {("web.service", "db/password", 2)}},
            2,
            "VERSION_NOT_SERVED",
            Kind.UNAVAILABLE,
        ),
    ],
)
def test_a_rollout_that_cannot_be_fails_with_its_reason_and_the_former_version_stays(
    operator: Stub,
    host: FakeHost,
    trouble: dict[str, object],
    version: int,
    reason: str,
    kind: Kind,
) -> None:
    install(operator)
    host.versions["db/password"] = Versions(stored={1, 2})
    for name, value in trouble.items():
        setattr(host, name, value)
    error = failure(rollout(operator, version))
    assert (error.reason, error.kind) == (reason, kind)
    assert error.why
    assert error.next_step
    assert host.versions["db/password"].active == 1


def test_a_service_that_starts_goes_back_from_a_rollout_that_was_killed(
    operator: Stub, host: FakeHost, config: Config
) -> None:
    install(operator)
    host.versions["db/password"] = Versions(stored={1, 2})
    host.trouble.changes.clear()
    host.trouble.at, host.trouble.error = 4, Killed()
    with pytest.raises(Killed):
        host.operations().rollouts.roll_out("db/password", 2, lambda _: None)
    assert host.versions["db/password"].active == 2
    next_config = replace(config, runtime_dir=config.runtime_dir.with_name("next"))
    service = wiring.serve(next_config, host.operations())
    service.start()
    try:
        deadline = time.monotonic() + 30
        while host.rollout.read() is not None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        service.stop()
    assert host.versions["db/password"].active == 1
    assert {served.version for served in host.served.values()} == {1}
