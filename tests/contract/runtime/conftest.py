from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from contract.runtime import echo
from leger_runtime import client
from leger_runtime.interceptors import OnRefusal
from leger_runtime.server import Listener, UnixServer

Serve = Callable[..., UnixServer]
Connect = Callable[[str], grpc.Channel]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve the echo service to an operator and a deployer on sockets of those names."""
    with ExitStack() as running:

        def serve(
            answer: echo.Answer = echo.who, on_refusal: OnRefusal | None = None
        ) -> UnixServer:
            server = UnixServer(
                listeners=[
                    Listener(principal=echo.OPERATOR, socket=tmp_path / "operator.sock"),
                    Listener(principal=echo.DEPLOYER, socket=tmp_path / "deployer.sock"),
                ],
                policy=echo.POLICY,
                services=(echo.SERVICE,),
                register=lambda server: echo.register(server, answer),
                on_refusal=on_refusal,
            )
            server.start()
            running.callback(server.stop, 0)
            return server

        yield serve


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    with ExitStack() as channels:

        def connect(principal: str) -> grpc.Channel:
            return channels.enter_context(client.channel(tmp_path / f"{principal}.sock"))

        yield connect
