"""Random requests, sent to setec's own server and to leger's: both must answer the same.

The Go suite states what its authors thought of; this looks for what they did not. It leaves out
what docs/reference/setec-compatibility.md says to differ.
"""

import base64
import http.client
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from conformance.suite import Target

HEADERS = {"Content-Type": "application/json", "Sec-X-Tailscale-No-Browsers": "setec"}
FIELDS = {
    "list": (),
    "get": ("Name", "Version", "UpdateIfChanged"),
    "info": ("Name",),
    "put": ("Name", "Value"),
    "create-version": ("Name", "Version", "Value"),
    "activate": ("Name", "Version"),
    "delete": ("Name",),
    "delete-version": ("Name", "Version"),
}
READS = ("list", "get", "info")

NAMES = ("", "a", "b/c", "listed/x", "ok/1", "dev/z", "control/foo", "_internal/q")
VERSIONS = (0, 1, 1, 2, 3, 4, 7, 1000)
VALUES = (b"x", b"y", b"zz", b"\xff\x00")

# What JSON libraries read in different ways, put anywhere into a body.
ODDITIES = (
    *(b"null", b"true", b"NaN", b"1e5", b"-0", b"01", b"[1,2,null]", b"{}", b"\\/", b"\\n"),
    *(b"\\u0041", b"\\ud83d", b"\\udd11", b"\\u12", b'"Name":"a",', b'"version":1,', b",", b":"),
    *(b"\xc5\xbf", b"\xe2\x84\xaa", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf"),
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b" ",
        b"\n",
        b"\x00",
        b"\x7f",
        b"\xff",
        b"=",
        b"e",
        b".",
    ),
)


@dataclass(frozen=True)
class Sent:
    """One request, to be sent to both servers alike."""

    principal: str
    method: str
    body: bytes


Answer = tuple[int, str | None, str | None, bytes]


@dataclass(frozen=True)
class Difference:
    """A request that the two servers answered differently."""

    number: int
    sent: Sent
    upstream: Answer
    leger: Answer


def differences(upstream: Target, leger: Target, *, seed: int, count: int) -> Iterator[Difference]:
    """Send `count` random requests to both and yield those that were answered differently.

    What follows a difference may be its consequence.
    """
    ask_upstream, ask_leger = _Connection(upstream), _Connection(leger)
    principals = sorted(upstream.tokens)
    chance = random.Random(seed)
    for number in range(count):
        sent = request(chance, principals)
        theirs, ours = ask_upstream.ask(sent), ask_leger.ask(sent)
        if theirs != ours:
            yield Difference(number, sent, theirs, ours)


class _Connection:
    def __init__(self, target: Target) -> None:
        self._tokens = target.tokens
        self._connection = http.client.HTTPConnection(urlsplit(target.server.url).netloc)

    def ask(self, sent: Sent) -> Answer:
        token = self._tokens[sent.principal]
        self._connection.request(
            "POST",
            f"/api/{sent.method}",
            body=sent.body,
            headers={**HEADERS, "Authorization": f"Bearer {token}"},
        )
        response = self._connection.getresponse()
        return (
            response.status,
            response.getheader("Content-Type"),
            response.getheader("X-Content-Type-Options"),
            response.read(),
        )


def request(chance: random.Random, principals: Sequence[str]) -> Sent:
    """Draw a request: half of them are in order, the others have something odd in their body."""
    method = chance.choice(list(FIELDS))
    principal = chance.choice(principals) if chance.random() < 0.25 else "admin"
    body = _body(chance, method)
    if chance.random() < 0.5:
        body = _disturbed(chance, body)
        if method not in READS:
            # A disturbed write may name a secret that leger does not store, or store no value: it
            # is compared only whether it can be read, by one who may not write.
            principal = "bystander"
    return Sent(principal, method, body)


def _body(chance: random.Random, method: str) -> bytes:
    names = NAMES[:-1] if method == "create-version" else NAMES
    drawn = {
        "Name": chance.choice(names),
        "Version": chance.choice(VERSIONS),
        "UpdateIfChanged": chance.random() < 0.5,
        "Value": base64.b64encode(chance.choice(VALUES)).decode(),
    }
    fields = [(name, drawn[name]) for name in FIELDS[method]]
    chance.shuffle(fields)
    return json.dumps(dict(fields)).encode()


def _disturbed(chance: random.Random, body: bytes) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        begin = chance.randrange(len(body) + 1)
        end = min(len(body), begin + chance.choice((0, 0, 1, 1, 2, 5)))
        put_in = chance.choice((b"", *ODDITIES))
        body = body[:begin] + put_in + body[end:]
    return body
