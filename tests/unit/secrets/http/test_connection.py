"""Clients that take their time, and too many of them."""

import select
import socket

import pytest
from leger_secrets.http import connection
from leger_secrets.http.connection import Connection, Phase
from unit.secrets.http.conftest import SETEC, Server

LONG = 60.0
AT_ONCE = 0.05


def limit(monkeypatch: pytest.MonkeyPatch, phase: Phase, to: float = AT_ONCE) -> None:
    """Let this phase end so soon, where it begins from now on, and no other."""
    seconds = dict.fromkeys(Phase, LONG)
    monkeypatch.setattr(Connection, "seconds", {**seconds, phase: to})


def is_cut_off(client: socket.socket) -> bool:
    """Wait until the server ends the connection; anything that it says is an answer."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def is_cut_off_while_it_sends(client: socket.socket) -> bool:
    """Send a byte every 10 ms until the server ends the connection, for some time."""
    for _ in range(2_000):
        try:
            client.sendall(b"y")
        except (BrokenPipeError, ConnectionResetError):
            return True
        if select.select([client], [], [], 0.01)[0]:
            return is_cut_off(client)
    return False


def head(server: Server, length: int) -> bytes:
    headers = {**SETEC, "Authorization": f"Bearer {server.token}", "Content-Length": str(length)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /api/list HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()


def receive_until(client: socket.socket, end: bytes, times: int = 1) -> bytes:
    """Read until that has come so often."""
    received = b""
    while received.count(end) < times:
        piece = client.recv(1000)
        assert piece, f"the connection has ended after {received!r}"
        received += piece
    return received


def answer(client: socket.socket) -> bytes:
    """Read the answer to a list of nothing."""
    return receive_until(client, b"null")


def test_a_client_that_says_nothing_is_cut_off(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, Phase.IDLE)
    with server.connect() as client:
        assert is_cut_off(client)


def test_a_client_that_stays_in_the_head_is_cut_off_however_busy(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, Phase.HEAD)
    with server.connect() as client:
        client.sendall(b"POST /api/list HTTP/1.1\r\nX: ")
        assert is_cut_off_while_it_sends(client)


def test_a_client_that_keeps_its_body_back_is_cut_off(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, Phase.REQUEST)
    with server.connect() as client:
        client.sendall(head(server, 2) + b"{")
        assert is_cut_off(client)


def test_a_body_that_nobody_needs_may_not_take_for_ever(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The answer itself has to come in this time.
    limit(monkeypatch, Phase.REQUEST, to=1.5)
    with server.connect() as client:
        client.sendall(b"PUT /api/list HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        client.sendall(b"123")
        receive_until(client, b"only POST requests allowed\n")
        assert is_cut_off(client)


def test_a_body_that_breaks_off_after_the_answer_ends_the_connection(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with server.connect() as client:
        client.sendall(b"PUT /api/list HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        receive_until(client, b"only POST requests allowed\n")
        client.sendall(b"no length\r\n")
        assert is_cut_off(client)
    assert caplog.records == []


def test_an_idle_connection_is_kept_for_the_next_request_and_then_cut_off(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.connect() as client:
        client.sendall(head(server, 2) + b"{}")
        assert answer(client).startswith(b"HTTP/1.1 200 ")
        # The second answer leaves a request begun: it is not idle until the limit is set.
        client.sendall(head(server, 2) + b"{}" + head(server, 2) + b"{")
        assert answer(client).startswith(b"HTTP/1.1 200 ")
        limit(monkeypatch, Phase.IDLE)
        client.sendall(b"}")
        assert answer(client).startswith(b"HTTP/1.1 200 ")
        assert is_cut_off(client)


def test_requests_on_one_connection_have_their_time_each(server: Server) -> None:
    with server.connect() as client:
        for _ in range(3):
            client.sendall(head(server, 2))
            client.sendall(b"{}")
            assert answer(client).startswith(b"HTTP/1.1 200 ")
        client.sendall((head(server, 2) + b"{}") * 3)  # all at once
        received = receive_until(client, b"null", times=3)
        assert received.count(b"HTTP/1.1 200 ") == 3


def test_a_client_too_many_is_cut_off_and_may_come_back(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 2)
    with server.connect() as first, server.connect() as second:
        for client in (first, second):
            client.sendall(head(server, 2) + b"{}")
            answer(client)
        with server.connect() as third:
            assert is_cut_off(third)
        first.shutdown(socket.SHUT_RDWR)
        assert is_cut_off(first)
        second.sendall(head(server, 2) + b"{}")  # served after the end of the first was seen
        answer(second)
        with server.connect() as fourth:
            fourth.sendall(head(server, 2) + b"{}")
            assert answer(fourth).startswith(b"HTTP/1.1 200 ")
