"""Calling a leger service: a channel to a Unix socket whose failures are LegerErrors."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import grpc

from leger_runtime.errors import LegerError

Answer = TypeVar("Answer")

MAX_REQUEST = 8 * 1024 * 1024
"""In bytes, of each message that a service is sent."""

MAX_ANSWER = 64 * 1024 * 1024
"""In bytes, of each message that it answers: a list of thousands may be long."""

# A failure that names a thousand fields travels in metadata, of which gRPC takes 8 KiB by default.
MAX_STATUS = 1024 * 1024


def channel(socket: Path, agent: str = "") -> grpc.Channel:
    """Return a channel to the socket. Nothing is connected until the first call.

    `agent` is what the service is told about the calling process, as HTTP's User-Agent is written
    (RFC 9110, section 10.1.5): ASCII, and nothing secret, as services log it.
    """
    return grpc.insecure_channel(
        f"unix:{socket}",
        options=[
            ("grpc.max_receive_message_length", MAX_ANSWER),
            ("grpc.max_send_message_length", MAX_REQUEST),
            ("grpc.max_metadata_size", MAX_STATUS),
            ("grpc.absolute_max_metadata_size", MAX_STATUS),
            ("grpc.primary_user_agent", agent),
            # A local service that is down should be said to be down at once, not retried.
            ("grpc.enable_retries", 0),
        ],
    )


def call(rpc: Callable[[], Answer]) -> Answer:
    """Return what `rpc` answers; its failure is raised as the LegerError the server sent."""
    try:
        return rpc()
    except grpc.RpcError as error:
        raise _translated(error) from None


def stream(rpc: Callable[[], Iterator[Answer]]) -> Iterator[Answer]:
    """Yield what the streaming `rpc` answers; failures as in `call`."""
    try:
        yield from rpc()
    except grpc.RpcError as error:
        raise _translated(error) from None


def _translated(error: grpc.RpcError) -> LegerError:
    from leger_runtime import status  # 20 ms of protobuf that only a failure needs

    return status.from_grpc(error)
