"""The mapping of errors to gRPC and back, over a real call."""

import grpc
import pytest
from contract.runtime import echo
from contract.runtime.conftest import Connect, Serve
from leger_runtime import client
from leger_runtime.errors import FieldViolation, Kind, LegerError, RemoteError

LOSSLESS = [kind for kind in Kind if kind is not Kind.USAGE]


def raised(serve: Serve, connect: Connect, error: LegerError) -> LegerError:
    def fails(request: bytes, context: grpc.ServicerContext) -> bytes:
        raise error

    serve(fails)
    with pytest.raises(LegerError) as caught:
        client.call(lambda: echo.call(connect("operator"), "UnaryUnary", b""))
    return caught.value


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("fields", [0, 2])
def test_every_part_comes_back(serve: Serve, connect: Connect, kind: Kind, fields: int) -> None:
    sent = RemoteError(
        "Was geschah: „…“ 🙂",
        why="Why.\nOn two lines.",
        next_step="`leger secrets put x`",
        kind=kind,
        reason="SOME_REASON",
        violations=[FieldViolation(field=f"f[{n}]", description=f"d{n}") for n in range(fields)],
    )
    got = raised(serve, connect, sent)
    for part in ("kind", "reason", "what", "why", "next_step", "violations"):
        assert getattr(got, part) == getattr(sent, part), part


def test_a_usage_error_of_a_server_is_an_invalid_input_to_the_caller(
    serve: Serve, connect: Connect
) -> None:
    sent = RemoteError("a", why="b", next_step="c", kind=Kind.USAGE, reason="X")
    assert raised(serve, connect, sent).kind is Kind.INVALID


def test_a_thousand_violations_come_back(serve: Serve, connect: Connect) -> None:
    """gRPC carries a status in metadata, of which a client takes 8 KiB unless it says more."""
    violations = [
        FieldViolation(field=f"{n}" + "x" * 100, description="Not stored.") for n in range(1000)
    ]
    sent = RemoteError(
        "a", why="b", next_step="c", kind=Kind.NOT_FOUND, reason="X", violations=violations
    )
    assert raised(serve, connect, sent).violations == tuple(violations)
