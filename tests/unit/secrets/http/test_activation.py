"""Sockets that were passed as systemd passes them, in a process of their own."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from activation import activated

# Takes over what was passed, and says what it got and what is left of it for others.
SCRIPT = """
import fcntl, os
from leger_runtime.errors import LegerError
from leger_secrets.http import activation
try:
    for passed in activation.inherited(os.environ):
        closes = bool(fcntl.fcntl(passed.fileno(), fcntl.F_GETFD) & fcntl.FD_CLOEXEC)
        print(passed.getsockname(), passed.fileno(), closes)
except LegerError as error:
    print(error.reason, error)
print(sorted(name for name in os.environ if name.startswith("LISTEN_")))
"""


def run(*passed: socket.socket, pid: str = "", count: str | None = None) -> list[str]:
    """Run the script with these sockets as its descriptors 3, 4, …"""
    descriptors = [sock.fileno() for sock in passed]
    done = subprocess.run(
        activated([sys.executable, "-c", SCRIPT], descriptors, pid),
        env={
            "PYTHONPATH": os.pathsep.join(sys.path),
            "LISTEN_FDS": str(len(passed)) if count is None else count,
            "LISTEN_FDNAMES": ":".join(["setec"] * len(passed)),
        },
        pass_fds=descriptors,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_passed_sockets_are_taken_over_and_kept_from_others() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        assert run(one, two) == [
            f"{one.getsockname()} 3 True",
            f"{two.getsockname()} 4 True",
            "[]",
        ]


def test_sockets_of_another_process_are_not_taken() -> None:
    with listening() as passed:
        assert run(passed, pid="1") == ["[]"]
        assert run(passed, count="") == ["[]"]
        assert run(passed, count="two") == ["[]"]


def test_a_process_that_was_passed_nothing_has_none() -> None:
    assert run() == ["[]"]


def test_what_listens_on_no_port_is_refused(tmp_path: Path) -> None:
    with socket.socket() as idle:
        assert run(idle)[0].startswith("SOCKET_UNUSABLE")
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        assert run(datagrams)[0].startswith("SOCKET_UNUSABLE")
    with socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "socket"))
        local.listen()
        assert run(local)[0].startswith("SOCKET_UNUSABLE")


def test_a_descriptor_that_is_not_there_is_refused() -> None:
    with listening() as passed:
        assert "SOCKET_UNUSABLE" in run(passed, count="9")[0]
