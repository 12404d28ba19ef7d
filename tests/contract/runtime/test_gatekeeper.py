import logging
import threading
from collections.abc import Iterator

import grpc
import pytest
from contract.runtime import echo
from contract.runtime.conftest import Connect, Serve
from leger_runtime import client, principals
from leger_runtime.errors import FieldViolation, Kind, LegerError
from leger_runtime.principals import Principal


class StackExists(LegerError):
    kind, reason = Kind.CONFLICT, "STACK_EXISTS"


def fails(request: bytes, context: grpc.ServicerContext) -> bytes:
    raise StackExists(
        "It exists.",
        why="It was made before.",
        next_step="Remove it.",
        violations=[FieldViolation(field="stack", description="taken")],
    )


def broken(request: bytes, context: grpc.ServicerContext) -> bytes:
    raise ValueError("a value of correct-horse-battery-staple")


def call(channel: grpc.Channel, kind: str, *requests: bytes) -> list[bytes]:
    return client.call(lambda: echo.call(channel, kind, *requests))


@pytest.mark.parametrize("kind", echo.KINDS)
def test_a_call_knows_its_principal(serve: Serve, connect: Connect, kind: str) -> None:
    serve()
    assert call(connect("operator"), kind, b"hello")[-1] == b"hello by operator:alice"


@pytest.mark.parametrize("kind", [*echo.KINDS, "Unlisted"])
def test_a_call_that_the_policy_does_not_name_is_refused(
    serve: Serve, connect: Connect, kind: str
) -> None:
    reached: list[bytes] = []

    def reach(request: bytes, context: grpc.ServicerContext) -> bytes:
        reached.append(request)
        return request

    serve(reach)
    principal = "operator" if kind == "Unlisted" else "deployer"
    with pytest.raises(LegerError) as caught:
        call(connect(principal), kind, b"hello")
    error = caught.value
    assert (error.kind, error.reason) == (Kind.NOT_PERMITTED, "NOT_PERMITTED")
    assert error.why
    assert error.next_step
    assert reached == []


@pytest.mark.parametrize("kind", echo.KINDS)
def test_an_error_arrives_as_it_was_raised(serve: Serve, connect: Connect, kind: str) -> None:
    serve(fails)
    with pytest.raises(LegerError) as caught:
        call(connect("operator"), kind, b"hello")
    error = caught.value
    assert (error.kind, error.reason) == (Kind.CONFLICT, "STACK_EXISTS")
    assert (error.what, error.why, error.next_step) == (
        "It exists.",
        "It was made before.",
        "Remove it.",
    )
    assert error.violations == (FieldViolation(field="stack", description="taken"),)


@pytest.mark.parametrize("kind", echo.KINDS)
def test_a_defect_is_told_by_its_type_and_place_alone(
    serve: Serve, connect: Connect, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    serve(broken)
    with caplog.at_level(logging.DEBUG), pytest.raises(LegerError) as caught:
        call(connect("operator"), kind, b"hello")
    error = caught.value
    assert (error.kind, error.reason) == (Kind.INTERNAL, "INTERNAL")
    assert "ValueError" in error.why
    assert f"/{echo.SERVICE}/{kind} failed with ValueError at {__file__}" in caplog.text
    for text in (caplog.text, str(error), error.next_step):
        assert "correct-horse" not in text


@pytest.mark.parametrize("kind", ["UnaryStream", "StreamStream"])
def test_what_was_streamed_before_an_error_arrives(
    serve: Serve, connect: Connect, kind: str
) -> None:
    def second_fails(request: bytes, context: grpc.ServicerContext) -> bytes:
        return fails(request, context) if request == b"bad" else b"first"

    serve(second_fails)
    rpc = echo.method(connect("operator"), kind)
    request = b"bad" if kind == "UnaryStream" else iter([b"good", b"bad"])
    answers: Iterator[bytes] = client.stream(lambda: rpc(request))
    assert next(answers) == b"first"
    with pytest.raises(LegerError) as caught:
        next(answers)
    assert caught.value.reason == "STACK_EXISTS"


def test_a_stream_that_the_caller_cancels_is_ended_without_a_complaint(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    ended = threading.Event()

    def waits(request: bytes, context: grpc.ServicerContext) -> bytes:
        context.add_callback(ended.set)
        return b"first"

    serve(waits)
    go_on = threading.Event()

    def endless() -> Iterator[bytes]:
        yield b"one"
        go_on.wait(20)

    rpc = echo.method(connect("operator"), "StreamStream")(endless())
    assert next(rpc) == b"first"
    rpc.cancel()
    go_on.set()
    assert ended.wait(20)
    assert "failed with" not in caplog.text


def test_a_method_that_does_not_exist_stays_unimplemented(serve: Serve, connect: Connect) -> None:
    serve()
    with pytest.raises(LegerError) as caught:
        call(connect("operator"), "Nonsense", b"")
    assert caught.value.reason == "UNIMPLEMENTED"


@pytest.mark.parametrize("kind", echo.KINDS)
def test_a_request_that_cannot_be_read_is_the_callers_mistake(
    serve: Serve, connect: Connect, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    serve()
    with pytest.raises(LegerError) as caught:
        call(connect("operator"), kind, *([b"hello"] * kind.startswith("Stream")), echo.GARBLED)
    error = caught.value
    assert (error.kind, error.reason) == (Kind.INVALID, "REQUEST_UNREADABLE")
    assert error.why
    assert error.next_step
    assert caplog.records == []


def test_a_refusal_is_told_with_its_request_before_the_caller_is(
    serve: Serve, connect: Connect
) -> None:
    told: list[tuple[Principal, str, object]] = []
    serve(on_refusal=lambda *refused: told.append((principals.current(), *refused[:2])))
    with pytest.raises(LegerError):
        call(connect("deployer"), "UnaryUnary", b"hello")
    assert told == [(echo.DEPLOYER, f"/{echo.SERVICE}/UnaryUnary", b"hello")]
    assert call(connect("operator"), "UnaryUnary", b"hello")
    assert len(told) == 1


@pytest.mark.parametrize("kind", echo.KINDS)
def test_a_refusal_that_cannot_be_noted_is_answered_so(
    serve: Serve, connect: Connect, kind: str
) -> None:
    def note(*_: object) -> None:
        fails(b"", None)  # type: ignore[arg-type]

    serve(on_refusal=note)
    with pytest.raises(LegerError) as caught:
        call(connect("deployer"), kind, b"hello")
    assert caught.value.reason == "STACK_EXISTS"
