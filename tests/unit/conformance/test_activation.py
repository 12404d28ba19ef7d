"""Servers that are handed their socket as systemd hands it, and restarts of them."""

import http.client
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conformance.activation import ActivatedServer, ServerFailed
from conformance.restarts import DONE, RestartSocket

# Answers with its own number, and with what sd_listen_fds(3) would find.
SERVER = """
import http.server, os, signal, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = f"{os.getpid()} {os.environ['LISTEN_PID']} {os.environ['LISTEN_FDS']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = http.server.HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.serve_forever()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ActivatedServer]:
    started = ActivatedServer([sys.executable, "-c", SERVER], log=tmp_path / "log")
    started.start()
    yield started
    started.close()


def ask(server: ActivatedServer) -> list[str]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection.request("POST", "/")
    answer = connection.getresponse().read().decode().split()
    connection.close()
    return answer


def test_the_server_is_told_of_one_socket_and_that_it_is_meant(server: ActivatedServer) -> None:
    process, listen_pid, listen_fds = ask(server)
    assert listen_pid == process
    assert listen_fds == "1"


def test_a_restart_is_another_process_at_the_same_address(server: ActivatedServer) -> None:
    before = ask(server), server.url
    server.restart()
    after = ask(server), server.url
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_a_server_that_ends_at_once_has_failed_and_its_words_are_told(tmp_path: Path) -> None:
    server = ActivatedServer(
        [sys.executable, "-c", "import sys; sys.exit('no key')"], log=tmp_path / "log"
    )
    with pytest.raises(ServerFailed, match=r"(?s)ended with 1.*no key"):
        server.start()
    server.close()


def test_each_connection_to_the_restart_socket_is_one_restart(tmp_path: Path) -> None:
    restarts: list[int] = []
    listening = RestartSocket(tmp_path / "restarts.sock", lambda: restarts.append(1))
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(tmp_path / "restarts.sock"))
            assert connection.recv(64) == DONE
    listening.close()
    assert len(restarts) == 3
