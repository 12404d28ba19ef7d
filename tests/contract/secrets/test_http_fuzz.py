"""Whatever is sent to setec's API: it is answered, and nothing leaks, neither words nor memory."""

import http.client
import json
import re
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from contract.secrets import usage
from contract.secrets.conftest import Process, wait_until_serving
from contract.secrets.test_http import ALL, SETEC, start_with, token_of
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from leger_secrets.config import Config

METHODS = ("list", "get", "info", "put", "create-version", "activate", "delete", "delete-version")
NAMES = ("a", "b/c", "", "_internal/x", " padded", "n" * 300, "\ud800", "🔑")
STATUSES = {200, 304, 400, 403, 404, 412, 413, 500}
# All that the service may say: 500 has no other reasons than those for which setec has it, too.
LOG = re.compile(
    r"<4>(Memory is not locked|Other processes of this user) .*"
    r"|<6>The store is open\."
    r"|(<4>A request over HTTP ("
    r"failed: (INVALID_NAME|INVALID_VERSION|VALUE_TOO_LARGE|VERSION_ACTIVE)\."
    r"|had no token, or none that is valid here\."
    r")( \(\d+ times more since the last line\))?)"
)


class Sent(NamedTuple):
    """A request as bytes, and whether it says properly where it ends."""

    content: bytes
    is_sound: bool


@dataclass(frozen=True)
class Target:
    """A service of its own, and a token for all that it has."""

    process: Process
    listening: socket.socket
    token: str

    def exchange(self, sent: Sent) -> int:
        """Send a request and return the status of its answer; 0 when there is none."""
        method = sent.content.split(b" ", 1)[0].decode("latin-1")
        with socket.create_connection(self.listening.getsockname(), timeout=60) as client:
            try:
                client.sendall(sent.content)
                if not sent.is_sound:  # else the service would wait for the rest
                    client.shutdown(socket.SHUT_WR)
                answer = http.client.HTTPResponse(client, method=method)
                answer.begin()
                answer.read()
            except TimeoutError:
                raise
            except (http.client.HTTPException, OSError):  # cut off, perhaps before it was all sent
                assert not sent.is_sound, sent.content
                return 0
            return answer.status


@contextmanager
def target(config: Config) -> Iterator[Target]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        process = start_with(config, listening)
        operator = wait_until_serving(config, process)
        token = token_of(operator, "fuzz", ALL)
        try:
            yield Target(process, listening, token)
        finally:
            operator.channel.close()
            process.terminate()
            _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    for line in err.decode().splitlines():
        assert LOG.fullmatch(line), line


def json_of(**fields: object) -> bytes:
    # Lone surrogates are escaped, as every character outside of ASCII.
    return json.dumps(fields).encode()


versions = st.sampled_from([*range(4), *range(4), 2**32 - 1, 2**32, -1, 1.0, "1", None])
values = st.binary(max_size=40).map(lambda value: b64encode(value).decode())
proper_bodies = st.builds(
    json_of,
    Name=st.sampled_from(NAMES),
    Version=versions,
    Value=values,
    UpdateIfChanged=st.booleans(),
)


@st.composite
def mutated(draw: st.DrawFn, of: st.SearchStrategy[bytes]) -> bytes:
    """Draw content with a few places changed, repeated or taken away."""
    content = bytearray(draw(of))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.integers(0, 4))
        content[start:end] = draw(st.binary(max_size=4) | st.just(bytes(content[start:end]) * 2))
    return bytes(content)


bodies = proper_bodies | proper_bodies | mutated(proper_bodies) | st.binary(max_size=60)
paths = st.sampled_from(
    [
        *[f"/api/{method}".encode() for method in METHODS] * 3,
        *(b"/", b"/api/", b"/api/get/", b"//api/get", b"/api/%67et", b"/static/style.css"),
        *(b"*", b"x:1"),
    ]
)
odd_methods = st.sampled_from([b"GET", b"HEAD", b"PUT", b"OPTIONS", b"post", b"CONNECT", b"X"])
other_headers = st.sampled_from(
    [
        *(b"Expect: 100-continue", b"Upgrade: websocket\r\nConnection: upgrade"),
        *(b"Content-Type: text/plain", b"Authorization: Bearer x", b"Host: evil.example"),
        *(b"Origin: null", b"Transfer-Encoding: gzip", b"Cookie: \xff", b"Connection: close"),
        *(b"X: " + b"y" * 9_000, b"X: " + b"y" * 90_000),
    ]
)


@st.composite
def requests(draw: st.DrawFn, token: str) -> Sent:
    """Draw a request that setec's client could make, or one that is more or less like it."""
    oddity = draw(st.sampled_from([None] * 6 + ["method", "extra", "missing", "mutated"]))
    body = draw(bodies)
    framing = b"Content-Length: %d" % len(body)
    if draw(st.booleans()):
        framing = b"Transfer-Encoding: chunked"
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    headers = [f"{name}: {value}".encode() for name, value in SETEC.items()]
    headers += [b"Authorization: Bearer " + token.encode(), b"Host: x", framing]
    if oddity == "missing":
        headers.remove(draw(st.sampled_from(headers)))
    if oddity == "extra":
        headers += draw(st.lists(other_headers, min_size=1, max_size=3))
    method = draw(odd_methods) if oddity == "method" else b"POST"
    content = b"\r\n".join([b"%b %b HTTP/1.1" % (method, draw(paths)), *headers, b"", body])
    if oddity == "mutated":
        content = draw(mutated(st.just(content)))
    return Sent(content, is_sound=oddity in (None, "method"))


def fuzz(config: Config, *, rounds: int, growth: int, seeds: Random) -> None:
    """Send some requests, then `rounds` times 100 more; memory grows at most by `growth` KiB.

    `seeds` decides which ones: the same every time before a change lands, others in a long run.
    """
    with target(config) as service:

        @settings(
            max_examples=100,
            database=None,  # what is found depends on what was sent before
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(requests(service.token))
        def send(sent: Sent) -> None:
            status = service.exchange(sent)
            assert status in STATUSES or not sent.is_sound, sent.content

        for _ in range(3):  # until caches, threads and arenas are all there
            seed(seeds.getrandbits(64))(send)()
        before = usage.of(service.process.pid)
        for _ in range(rounds):
            seed(seeds.getrandbits(64))(send)()
        after = usage.of(service.process.pid)
    after.assert_not_above(before, growth=growth)


def test_no_request_breaks_the_service(config: Config) -> None:
    fuzz(config, rounds=7, growth=6 * 1024, seeds=Random(1))
