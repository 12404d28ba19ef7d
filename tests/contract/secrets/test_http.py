"""setec's API of the whole service. What it answers, byte for byte, is in tests/conformance."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from activation import activated
from contract.secrets.conftest import (
    Client,
    Process,
    connect,
    environment,
    wait_until_serving,
)
from leger.secrets.v1 import access_pb2, audit_pb2, store_pb2
from leger.secrets.v1 import secrets_pb2 as pb
from leger_secrets import wiring
from leger_secrets.config import Config

SETEC = {"Content-Type": "application/json", "Sec-X-Tailscale-No-Browsers": "setec"}

Answer = tuple[int, bytes]
INTERNAL_ERROR: Answer = (500, b"internal error\n")


def connection_to(listening: socket.socket) -> http.client.HTTPConnection:
    host, port = listening.getsockname()
    return http.client.HTTPConnection(host, port, timeout=60)


def token_of(operator: Client, name: str, *grants: access_pb2.Grant) -> str:
    request = access_pb2.CreateTokenRequest(name=name, grants=grants)
    return operator.access.CreateToken(request).token


class Api:
    """setec's API on a port."""

    def __init__(self, listening: socket.socket, token: str = "") -> None:
        self._listening = listening
        self._token = token

    def acting_as(self, operator: Client, name: str, *grants: access_pb2.Grant) -> "Api":
        """Return the API as seen by a new token."""
        return Api(self._listening, token_of(operator, name, *grants))

    def call(self, method: str, **fields: object) -> Answer:
        connection = connection_to(self._listening)
        headers = {**SETEC, "Authorization": f"Bearer {self._token}", "User-Agent": "a-client/1.0"}
        connection.request("POST", f"/api/{method}", json.dumps(fields), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@contextmanager
def serving(config: Config, listening: socket.socket) -> Iterator[Client]:
    """Run the service with its own descriptor of the socket, as systemd keeps another."""
    service = wiring.build(config, http_sockets=[listening.dup()])
    service.start()
    operator = connect(config, "operator")
    try:
        yield operator
    finally:
        operator.channel.close()
        service.stop()


ALL = access_pb2.Grant(actions=["*"], secrets=["*"])


def test_both_ways_in_lead_to_the_same_secrets(config: Config, listening: socket.socket) -> None:
    with serving(config, listening) as operator:
        api = Api(listening).acting_as(operator, "ci", ALL)
        assert api.call("put", Name="a", Value=b64encode(b"one").decode()) == (200, b"1")
        got = operator.secrets.GetSecret(pb.GetSecretRequest(name="a"))
        assert (got.value, got.version) == (b"one", 1)
        operator.secrets.PutSecret(pb.PutSecretRequest(name="a", value=b"two", activate=True))
        status, body = api.call("get", Name="a")
        assert status == 200
        assert b64decode(json.loads(body)["Value"]) == b"two"


def test_a_change_of_the_policy_file_is_in_force_for_the_next_request(
    config: Config, listening: socket.socket
) -> None:
    with serving(config, listening) as operator:
        operator.secrets.PutSecret(pb.PutSecretRequest(name="prod/a", value=b"one"))
        api = Api(listening).acting_as(operator, "ci")
        assert api.call("info", Name="prod/a")[0] == 403
        config.policy_file.write_text(
            '[[grants]]\nprincipals = ["token:ci"]\nactions = ["info"]\nsecrets = ["prod/*"]\n'
        )
        assert api.call("info", Name="prod/a")[0] == 200
        config.policy_file.write_text("a mistake")
        assert api.call("info", Name="prod/a")[0] == 200
        config.policy_file.unlink()
        assert api.call("info", Name="prod/a")[0] == 403


def test_the_audit_log_has_the_token_the_client_and_its_address(
    config: Config, listening: socket.socket
) -> None:
    with serving(config, listening) as operator:
        api = Api(listening).acting_as(operator, "ci")
        assert api.call("get", Name="a") == (403, b"access denied\n")
        answers = operator.audit.ReadAudit(audit_pb2.ReadAuditRequest(limit=1))
        (entry,) = (entry for answer in answers for entry in answer.entries)
        assert (entry.principal, entry.action, entry.secret) == ("token:ci", "get", "a")
        assert (entry.outcome, entry.process) == ("NOT_PERMITTED", "a-client/1.0")
        assert entry.address.startswith("127.0.0.1:")
        assert entry.request_id


def test_a_sealed_store_is_an_internal_error_until_it_is_opened(
    config: Config, listening: socket.socket
) -> None:
    with serving(config, listening) as operator:
        api = Api(listening).acting_as(operator, "ci", ALL)
        assert api.call("list") == (200, b"null")
        operator.store.SealStore(store_pb2.SealStoreRequest())
        assert api.call("list") == INTERNAL_ERROR
        operator.store.UnsealStore(store_pb2.UnsealStoreRequest())
        assert api.call("list") == (200, b"null")


def test_a_revoked_token_opens_nothing(config: Config, listening: socket.socket) -> None:
    with serving(config, listening) as operator:
        api = Api(listening).acting_as(operator, "ci", ALL)
        assert api.call("list") == (200, b"null")
        operator.access.RevokeToken(access_pb2.RevokeTokenRequest(name="ci"))
        assert api.call("list") == (500, b"unable to identify caller\n")


def test_tokens_outlive_the_service(config: Config, listening: socket.socket) -> None:
    with serving(config, listening) as operator:
        api = Api(listening).acting_as(operator, "ci", ALL)
    with serving(config, listening):
        assert api.call("list") == (200, b"null")


def start_with(config: Config, listening: socket.socket) -> Process:
    """Start the process as systemd does when it has a socket for it."""
    return subprocess.Popen(
        activated([sys.executable, "-m", "leger_secrets"], [listening.fileno()]),
        env={**environment(config), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "setec"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[listening.fileno()],
    )


def test_requests_made_while_it_restarts_wait_for_it(
    config: Config, listening: socket.socket
) -> None:
    process = start_with(config, listening)
    operator = wait_until_serving(config, process)
    api = Api(listening).acting_as(operator, "ci", ALL)
    assert api.call("put", Name="a", Value="b25l") == (200, b"1")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"")
    assert b"Traceback" not in err
    waiting = connection_to(listening)
    waiting.request("GET", "/static/style.css")  # nobody accepts it yet
    process = start_with(config, listening)
    assert waiting.getresponse().status == 200
    assert api.call("get", Name="a") == (200, b'{"Value":"b25l","Version":1}')
    process.terminate()
    assert process.wait(timeout=60) == 0


def test_a_service_without_a_socket_pays_nothing_for_http(config: Config) -> None:
    script = (
        "import os, sys, leger_secrets.__main__\n"
        "from leger_secrets import config, wiring\n"
        "wiring.build(config.read(os.environ))\n"
        "print(sorted({'h11', 'starlette', 'uvicorn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(config), capture_output=True, check=True
    )
    assert done.stdout == b"[]\n"


def test_a_socket_that_is_none_for_http_ends_the_start_with_a_reason(config: Config) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        process = start_with(config, datagrams)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"<2>It does not listen on a TCP port." in err
