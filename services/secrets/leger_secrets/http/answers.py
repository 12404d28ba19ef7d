"""What setec's API answers, byte for byte (server/server.go, serveJSON)."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from leger_secrets.domain.stored import SecretInfo

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """The status, the headers that matter and the body of one answer; "" means no such header."""

    status: int
    body: bytes
    content_type: str
    # Tells browsers not to guess another type; Go's http.Error sets it.
    nosniff: bool = False


def refusal(status: int, message: str) -> Answer:
    """Return what Go's http.Error makes of a message."""
    return Answer(status, f"{message}\n".encode(), _TEXT, nosniff=True)


ONLY_POST = refusal(400, "only POST requests allowed")
ONLY_JSON = refusal(400, "request body must be json")
BAD_REQUEST = refusal(400, "bad request")
INVALID_METHOD = refusal(400, "invalid method")
VERSION_INVALID = refusal(400, "invalid version, please specify a version > 0")
DENIED = refusal(403, "access denied")
NOT_FOUND = refusal(404, "not found")
NO_SUCH_FILE = refusal(404, "404 page not found")  # Go's http.NotFound
VERSION_CLAIMED = refusal(412, "version already set")
TOO_LARGE = refusal(413, "request body too large")
INTERNAL_ERROR = refusal(500, "internal error")
UNIDENTIFIED = refusal(500, "unable to identify caller")
UNCHANGED = Answer(304, b"", "")  # net/http takes the type away where there is no body

# encoding/json escapes what HTML would take for its own; names hold nothing else that it would.
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def of_json(value: object) -> Answer:
    """Return a value as json.Marshal writes it: compact, and without a line end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Answer(200, text.translate(_HTML).encode(), _JSON)


def of_value(encoded: bytes, version: int) -> Answer:
    """Return a secret's value, in base64 already, and its version."""
    return Answer(200, b'{"Value":"%b","Version":%d}' % (encoded, version), _JSON)


def of_infos(infos: Sequence[SecretInfo]) -> Answer:
    """Return a list of secrets; a list of none is null, as Go has it."""
    return of_json([_described(info) for info in infos] or None)


def of_info(info: SecretInfo) -> Answer:
    """Return one secret."""
    return of_json(_described(info))


def _described(info: SecretInfo) -> dict[str, object]:
    return {
        "Name": info.name,
        "Versions": [version.number for version in info.versions],
        "ActiveVersion": info.active,
    }
