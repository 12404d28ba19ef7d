"""The credential provider, asked as systemd asks."""

import os
import socket
import stat
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from contract.secrets.conftest import Ask, Client, serving
from leger.secrets.v1 import secrets_pb2 as pb
from leger_runtime.server import UnixServer
from leger_secrets.adapters.credential_socket import CredentialSocket
from leger_secrets.config import Config
from leger_secrets.domain.errors import NotBound
from leger_secrets.domain.value import SecretValue
from noting import note

SYSTEMDS_LIMIT = 1024 * 1024


def bind(deployer: Client, stack: str, *bindings: tuple[str, str, str]) -> None:
    packed = [pb.Binding(unit=u, credential=c, secret=s) for u, c, s in bindings]
    deployer.bindings.BindStack(pb.BindStackRequest(stack=stack, bindings=packed))


@pytest.fixture
def bound(operator: Client, deployer: Client) -> None:
    for name, value in [("api/token", b"\0token\n"), ("db/password", b"password")]:
        operator.secrets.PutSecret(pb.PutSecretRequest(name=name, value=value))
    bind(deployer, "notes", ("web.service", "token", "api/token"))
    bind(deployer, "blog", ("blog@.service", "password", "db/password"))


def test_a_unit_gets_the_bytes_of_its_secret(bound: None, ask: Ask) -> None:
    assert ask("web.service", "token") == b"\0token\n"
    assert ask("blog@x.service", "password") == b"password"


def test_a_value_of_a_million_bytes_arrives_whole(bound: None, operator: Client, ask: Ask) -> None:
    value = os.urandom(1_000_000)
    operator.secrets.PutSecret(pb.PutSecretRequest(name="api/token", value=value, activate=True))
    assert ask("web.service", "token") == value


@pytest.mark.parametrize(
    ("unit", "credential"),
    [
        ("web.service", "password"),
        ("web.service", "db/password"),
        ("other.service", "token"),
        ("blog.service", "password"),
        ("web", "token"),
        ("web.service", "to ken"),
        ("web.service", "t\u00f6ken"),
    ],
)
def test_everything_else_is_more_than_systemd_takes(
    bound: None, ask: Ask, unit: str, credential: str
) -> None:
    answer = ask(unit, credential)
    assert len(answer) > SYSTEMDS_LIMIT
    assert set(answer) == {0}


def test_a_refusal_is_in_the_journal_and_in_the_list(
    bound: None, operator: Client, ask: Ask, journald: socket.socket
) -> None:
    ask("web.service", "password")
    lines = journald.recv(65536).decode().splitlines()
    assert "OBJECT_SYSTEMD_UNIT=web.service" in lines
    assert lines[0].startswith("MESSAGE=leger refuses the credential password:")
    [refusal] = operator.bindings.ListRefusals(pb.ListRefusalsRequest()).refusals
    assert (refusal.unit, refusal.credential, refusal.reason) == (
        "web.service",
        "password",
        "NOT_BOUND",
    )
    assert refusal.message
    assert refusal.time.seconds > 0


def test_a_unit_is_refused_until_its_secret_is_stored(
    operator: Client, deployer: Client, ask: Ask
) -> None:
    bind(deployer, "notes", ("web.service", "token", "api/token"))
    assert len(ask("web.service", "token")) > SYSTEMDS_LIMIT
    [refusal] = operator.bindings.ListRefusals(pb.ListRefusalsRequest()).refusals
    assert refusal.reason == "SECRET_NOT_FOUND"
    operator.secrets.PutSecret(pb.PutSecretRequest(name="api/token", value=b"x"))
    assert ask("web.service", "token") == b"x"
    assert not operator.bindings.ListRefusals(pb.ListRefusalsRequest()).refusals


def test_an_address_that_names_no_unit_is_refused(
    bound: None, config: Config, operator: Client
) -> None:
    for address in ("", "\0", "\0abc", "\0abc/unit/web.service", "\0x/unit/a/b/token"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(30)
            if address:
                sock.bind(address + (os.urandom(4).hex() if address == "\0abc" else ""))
            sock.connect(str(config.runtime_dir / "credentials.sock"))
            assert len(sock.makefile("rb").read()) > SYSTEMDS_LIMIT
    # Nothing was asked for, so no unit is remembered.
    assert not operator.bindings.ListRefusals(pb.ListRefusalsRequest()).refusals


def test_a_client_that_hangs_up_at_once_harms_nobody(bound: None, config: Config, ask: Ask) -> None:
    for _ in range(50):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.bind(f"\0{os.urandom(8).hex()}/unit/web.service/token")
            sock.connect(str(config.runtime_dir / "credentials.sock"))
    assert ask("web.service", "token") == b"\0token\n"


class OneSecret:
    """Credentials that know one unit."""

    def hand_out(self, unit: str, credential: str) -> SecretValue:
        if unit == "broken.service":
            raise ZeroDivisionError
        if unit != "web.service":
            raise NotBound(unit, credential)
        return SecretValue(b"x" * 1_000_000)


def connected(path: Path, unit: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(30)
    sock.bind(f"\0{os.urandom(8).hex()}/unit/{unit}/token")
    sock.connect(str(path))
    return sock


def test_clients_that_do_not_read_cannot_keep_the_others_waiting(tmp_path: Path) -> None:
    path = tmp_path / "credentials.sock"
    provider = CredentialSocket(path=path, credentials=OneSecret(), timeout=1.5)  # type: ignore[arg-type]
    provider.start()
    idle = [connected(path, "web.service") for _ in range(8)]
    with connected(path, "web.service") as sock:
        assert len(sock.makefile("rb").read()) == 1_000_000
    for sock in idle:
        sock.close()
    provider.stop()


NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
ASK_AS_SOMEBODY_ELSE = """
import socket, sys
sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
sock.bind("\\0abcdef/unit/web.service/token")
sock.connect(sys.argv[1])
print(len(sock.makefile("rb").read()))
"""


def test_another_user_is_refused_even_where_it_can_connect() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        path = Path(directory, "credentials.sock")
        provider = CredentialSocket(path=path, credentials=OneSecret())  # type: ignore[arg-type]
        provider.start()
        path.chmod(0o666)
        asked = subprocess.run(
            [*NOBODY, "/usr/bin/python3", "-c", ASK_AS_SOMEBODY_ELSE, path],
            capture_output=True,
            check=True,
        )
        provider.stop()
    assert int(asked.stdout) > SYSTEMDS_LIMIT


def test_a_defect_in_one_request_does_not_end_the_others(tmp_path: Path) -> None:
    path = tmp_path / "credentials.sock"
    provider = CredentialSocket(path=path, credentials=OneSecret())  # type: ignore[arg-type]
    provider.start()
    with connected(path, "broken.service") as sock:
        assert len(sock.makefile("rb").read()) > SYSTEMDS_LIMIT
    with connected(path, "web.service") as sock:
        assert len(sock.makefile("rb").read()) == 1_000_000
    provider.stop()


def test_a_stopped_provider_leaves_no_socket_and_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "credentials.sock"
    provider = CredentialSocket(path=path, credentials=OneSecret())  # type: ignore[arg-type]
    provider.start()
    provider.stop()
    assert not path.exists()
    assert not [t for t in threading.enumerate() if t.name.startswith("credential")]


def test_who_asks_a_socket_that_is_bound_gets_its_answer_after_the_start(tmp_path: Path) -> None:
    path = tmp_path / "credentials.sock"
    provider = CredentialSocket(path=path, credentials=OneSecret())  # type: ignore[arg-type]
    provider.bind()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with connected(path, "web.service") as sock:
        provider.start()
        assert len(sock.makefile("rb").read()) == 1_000_000
    provider.stop()


def test_every_socket_is_bound_before_any_is_served(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    # While one is bound the umask is another, for each file that a request makes, too.
    events: list[str] = []
    note(monkeypatch, os, "umask", events)
    note(monkeypatch, UnixServer, "start", events)
    note(monkeypatch, CredentialSocket, "start", events)
    with serving(config):
        assert events == ["umask"] * 6 + ["start"] * 2
