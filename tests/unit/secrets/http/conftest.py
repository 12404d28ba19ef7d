"""setec's API on the real store, served on a real port."""

import http.client
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from leger_secrets import wiring
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.grants import Authorizer
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.tokens import GrantAsked, Tokens
from unit.secrets.fakes import ME, AuditEntries, Clock

# What setec's own client sends.
SETEC = {"Content-Type": "application/json", "Sec-X-Tailscale-No-Browsers": "setec"}


@dataclass(frozen=True)
class Server:
    """A server, and a token that may do everything."""

    port: int
    token: str

    def connect(self) -> socket.socket:
        """Return a bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def send(
        self,
        method: str = "POST",
        path: str = "/api/list",
        body: bytes = b"{}",
        headers: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        """Send one request, like setec's client but for what is given, and return the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        authorization = {"Authorization": f"Bearer {self.token}"}
        connection.request(method, path, body, {**SETEC, **authorization, **(headers or {})})
        return connection.getresponse()


@pytest.fixture
def tokens(store: SqlcipherSecretStore, audit: AuditEntries, clock: Clock) -> Tokens:
    return Tokens(store=store, audit=audit, clock=clock)


@pytest.fixture
def secrets(
    store: SqlcipherSecretStore, audit: AuditEntries, clock: Clock, tokens: Tokens
) -> Secrets:
    return Secrets(store=store, audit=audit, grants=Authorizer(tokens), clock=clock)


@pytest.fixture
def token(tokens: Tokens) -> str:
    return tokens.create("admin", [GrantAsked(["*"], ["*"])], by=ME).reveal().decode()


@pytest.fixture
def server(secrets: Secrets, tokens: Tokens, token: str) -> Iterator[Server]:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    serving = wiring.http_server([listening], secrets=secrets, tokens=tokens)
    assert serving
    serving.start()
    yield Server(port, token)
    serving.stop()
