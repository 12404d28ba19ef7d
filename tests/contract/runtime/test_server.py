import os
import stat
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
from contract.runtime import echo
from contract.runtime.conftest import Connect, Make, Serve
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from leger_runtime import client, principals
from leger_runtime.errors import Kind, LegerError
from leger_runtime.principals import Role
from noting import note

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def test_every_socket_is_for_its_owner_alone(serve: Serve, tmp_path: Path) -> None:
    serve()
    for name in ("operator.sock", "deployer.sock"):
        mode = (tmp_path / name).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600


def test_a_stale_socket_is_replaced(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "operator.sock").write_bytes(b"")
    serve()
    assert echo.call(connect("operator"), "UnaryUnary", b"hello")


def test_a_socket_that_cannot_be_bound_is_an_error_of_the_system(
    serve: Serve, tmp_path: Path
) -> None:
    tmp_path.rmdir()
    with pytest.raises(OSError, match=r"cannot be bound: .*operator\.sock"):
        serve()


def test_the_umask_is_another_only_before_anything_is_served(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    note(monkeypatch, os, "umask", events)
    make = grpc.server

    def server(*args: Any, **options: Any) -> grpc.Server:
        made = make(*args, **options)
        note(monkeypatch, made, "start", events)
        return made

    monkeypatch.setattr(grpc, "server", server)
    serve()
    assert events == ["umask"] * 4 + ["start"] * 2


def test_what_is_sent_to_a_socket_that_is_bound_is_answered_after_the_start(
    make: Make, connect: Connect
) -> None:
    server = make()
    server.bind()
    call = echo.method(connect("operator"), "UnaryUnary").future(b"hello", timeout=20)
    server.start()
    assert call.result().startswith(b"hello")


def test_a_server_that_was_bound_and_never_started_ends_without_a_socket(
    make: Make, tmp_path: Path
) -> None:
    server = make()
    server.bind()
    server.stop(grace=0)
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_server_leaves_no_socket_and_says_so_to_callers(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    server = serve()
    channel = connect("operator")
    echo.call(channel, "UnaryUnary", b"hello")
    server.stop()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LegerError) as caught:
        client.call(lambda: echo.call(channel, "UnaryUnary", b"hello"))
    assert caught.value.kind is Kind.UNAVAILABLE


def test_a_call_that_runs_is_finished_when_the_server_stops(serve: Serve, connect: Connect) -> None:
    running, go_on = threading.Event(), threading.Event()

    def slow(request: bytes, context: grpc.ServicerContext) -> bytes:
        running.set()
        go_on.wait(20)
        return b"finished"

    server = serve(slow)
    call = echo.method(connect("operator"), "UnaryUnary").future(b"")
    assert running.wait(20)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    go_on.set()
    assert call.result(timeout=20) == b"finished"
    stopping.join(20)
    assert not stopping.is_alive()


@pytest.mark.parametrize("principal", ["operator", "deployer"])
def test_health_is_answered_for_each_service_and_the_whole(
    serve: Serve, connect: Connect, principal: str
) -> None:
    server = serve()
    health = health_pb2_grpc.HealthStub(connect(principal))
    for service in ("", echo.SERVICE):
        request = health_pb2.HealthCheckRequest(service=service)
        assert health.Check(request).status == SERVING
    server.set_serving(serving=False)
    assert health.Check(health_pb2.HealthCheckRequest()).status == NOT_SERVING
    with pytest.raises(grpc.RpcError) as caught:
        health.Check(health_pb2.HealthCheckRequest(service="unknown"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_one_service_that_cannot_serve_takes_the_whole_with_it_but_no_other(
    make: Make, connect: Connect
) -> None:
    other = "grpc.reflection.v1alpha.ServerReflection"
    server = make(services=(echo.SERVICE, other))
    server.set_serving(serving=False, services=[other])  # known before it starts
    server.start()
    stub = health_pb2_grpc.HealthStub(connect("operator"))

    def health() -> list[int]:
        return [
            stub.Check(health_pb2.HealthCheckRequest(service=service)).status
            for service in ("", echo.SERVICE, other)
        ]

    assert health() == [NOT_SERVING, SERVING, NOT_SERVING]
    server.set_serving(serving=True, services=[other])
    assert health() == [SERVING, SERVING, SERVING]


def test_health_is_streamed_as_it_changes(serve: Serve, connect: Connect) -> None:
    server = serve()
    health = health_pb2_grpc.HealthStub(connect("operator"))
    watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=20)
    assert next(watch).status == SERVING
    server.set_serving(serving=False)
    assert next(watch).status == NOT_SERVING
    watch.cancel()


def test_health_that_is_watched_by_many_takes_no_thread_from_requests(
    serve: Serve, connect: Connect
) -> None:
    serve(threads=1)
    channel = connect("operator")
    stub = health_pb2_grpc.HealthStub(channel)
    watches = [stub.Watch(health_pb2.HealthCheckRequest(), timeout=20) for _ in range(9)]
    assert next(watches[0]).status == SERVING
    assert echo.method(channel, "UnaryUnary")(b"hello", timeout=20)
    for watch in watches:
        watch.cancel()


@pytest.mark.parametrize("kind", ["UnaryStream", "StreamUnary", "StreamStream"])
def test_a_lasting_call_takes_no_thread_from_others(
    serve: Serve, connect: Connect, kind: str
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def waits_if_told(request: bytes, context: grpc.ServicerContext) -> bytes:
        if request == b"wait":
            entered.set()
            go_on.wait(20)
        return b"answered"

    serve(waits_if_told, threads=1, lasting={f"/{echo.SERVICE}/{kind}": 1})
    channel = connect("operator")
    lasting = threading.Thread(target=echo.call, args=(channel, kind, b"wait"))
    lasting.start()
    try:
        assert entered.wait(20)
        assert echo.method(channel, "UnaryUnary")(b"hello", timeout=20) == b"answered"
    finally:
        go_on.set()
        lasting.join(20)


def test_a_principal_that_holds_all_its_threads_takes_none_from_another(
    serve: Serve, connect: Connect
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def waits_for_alice(request: bytes, context: grpc.ServicerContext) -> bytes:
        if principals.current() == echo.OPERATOR:
            entered.set()
            go_on.wait(20)
        return b"answered"

    serve(waits_for_alice, policy={f"/{echo.SERVICE}/UnaryUnary": frozenset(Role)}, threads=1)
    try:
        held = echo.method(connect("operator"), "UnaryUnary").future(b"", timeout=20)
        assert entered.wait(20)
        assert echo.method(connect("deployer"), "UnaryUnary")(b"", timeout=20) == b"answered"
        go_on.set()
        assert held.result() == b"answered"
    finally:
        go_on.set()


def test_reflection_lists_the_services(serve: Serve, connect: Connect) -> None:
    serve()
    for principal in ("operator", "deployer"):
        listed = ProtoReflectionDescriptorDatabase(connect(principal)).get_services()
        assert set(listed) == {
            echo.SERVICE,
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
            "leger.version.v1.VersionService",
        }


def test_a_request_of_megabytes_passes(serve: Serve, connect: Connect) -> None:
    serve(lambda request, context: request)
    message = b"x" * 7_500_000
    assert echo.call(connect("operator"), "UnaryUnary", message) == [message]


def test_an_answer_may_be_longer_than_a_request(serve: Serve, connect: Connect) -> None:
    serve(lambda request, context: bytes(client.MAX_ANSWER - 1_000))
    (answer,) = echo.call(connect("operator"), "UnaryUnary", b"")
    assert len(answer) == client.MAX_ANSWER - 1_000


def test_an_answer_that_is_too_long_is_told_to_be(serve: Serve, connect: Connect) -> None:
    serve(lambda request, context: bytes(client.MAX_ANSWER + 1))
    with pytest.raises(LegerError) as caught:
        client.call(lambda: echo.call(connect("operator"), "UnaryUnary", b""))
    assert caught.value.reason == "RESOURCE_EXHAUSTED"


def test_a_request_that_is_too_long_is_refused(serve: Serve, connect: Connect) -> None:
    serve()
    with pytest.raises(LegerError) as caught:
        client.call(
            lambda: echo.call(connect("operator"), "UnaryUnary", bytes(client.MAX_REQUEST + 1))
        )
    assert caught.value.reason == "RESOURCE_EXHAUSTED"


def test_a_service_that_is_not_there_is_unavailable(connect: Connect) -> None:
    with pytest.raises(LegerError) as caught:
        client.call(lambda: echo.call(connect("operator"), "UnaryUnary", b""))
    error = caught.value
    assert error.kind is Kind.UNAVAILABLE
    assert "UNAVAILABLE" in error.why
    assert "journalctl" in error.next_step
