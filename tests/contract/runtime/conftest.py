from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from contract.runtime import echo
from leger_runtime import client
from leger_runtime.server import Listener, UnixServer

Make = Callable[..., UnixServer]
Serve = Callable[..., UnixServer]
Connect = Callable[[str], grpc.Channel]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a server of the echo service to an operator and a deployer, on sockets of those names.

    It takes UnixServer's options, and is stopped at the end.
    """
    with ExitStack() as running:

        def make(answer: echo.Answer = echo.who, **options: Any) -> UnixServer:
            server = UnixServer(
                listeners=[
                    Listener(principal=echo.OPERATOR, socket=tmp_path / "operator.sock"),
                    Listener(principal=echo.DEPLOYER, socket=tmp_path / "deployer.sock"),
                ],
                register=lambda server: echo.register(server, answer),
                **{"policy": echo.POLICY, "services": (echo.SERVICE,), **options},
            )
            running.callback(server.stop, 0)
            return server

        yield make


@pytest.fixture
def serve(make: Make) -> Serve:
    """Make such a server, and start it."""

    def serve(answer: echo.Answer = echo.who, **options: Any) -> UnixServer:
        server = make(answer, **options)
        server.start()
        return server

    return serve


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    with ExitStack() as channels:

        def connect(principal: str) -> grpc.Channel:
            return channels.enter_context(client.channel(tmp_path / f"{principal}.sock"))

        yield connect
