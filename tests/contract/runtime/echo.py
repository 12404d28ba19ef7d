"""A service with one method of each of gRPC's four kinds, on plain bytes."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
from leger_runtime import principals
from leger_runtime.interceptors import Policy
from leger_runtime.principals import Principal, Role

SERVICE = "leger.test.Echo"
OPERATOR = Principal(Role.OPERATOR, "alice")
DEPLOYER = Principal(Role.DEPLOYER)

KINDS = ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")
POLICY: Policy = {f"/{SERVICE}/{kind}": frozenset({Role.OPERATOR}) for kind in KINDS}

Answer = Callable[[bytes, grpc.ServicerContext], bytes]


def who(request: bytes, context: grpc.ServicerContext) -> bytes:
    """Answer the request and who made it."""
    return request + b" by " + str(principals.current()).encode()


GARBLED = b"garbled"
"""What the service cannot read."""


def read(content: bytes) -> bytes:
    """Stand in for a message's deserializer."""
    if content == GARBLED:
        raise ValueError("it is garbled")
    return content


def register(server: grpc.Server, answer: Answer = who) -> None:
    """Add the service, answering each request with what `answer` makes of it."""

    def unary_stream(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield b"first"
        yield answer(request, context)

    def stream_unary(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        return b",".join(answer(request, context) for request in requests)

    def stream_stream(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        for request in requests:
            yield answer(request, context)

    handlers = {
        "UnaryUnary": grpc.unary_unary_rpc_method_handler(answer, read),
        "UnaryStream": grpc.unary_stream_rpc_method_handler(unary_stream, read),
        "StreamUnary": grpc.stream_unary_rpc_method_handler(stream_unary, read),
        "StreamStream": grpc.stream_stream_rpc_method_handler(stream_stream, read),
        "Unlisted": grpc.unary_unary_rpc_method_handler(answer, read),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])


def method(channel: grpc.Channel, kind: str) -> Any:
    """Return the callable for a method of this kind."""
    make = {
        "UnaryStream": channel.unary_stream,
        "StreamUnary": channel.stream_unary,
        "StreamStream": channel.stream_stream,
    }.get(kind, channel.unary_unary)
    return make(f"/{SERVICE}/{kind}", request_serializer=bytes, response_deserializer=bytes)


def call(channel: grpc.Channel, kind: str, *requests: bytes) -> list[bytes]:
    """Call a method; return all that it answers."""
    rpc = method(channel, kind)
    request = iter(requests) if kind.startswith("Stream") else requests[0]
    return list(rpc(request)) if kind.endswith("Stream") else [rpc(request)]
