"""Who makes a request."""

import secrets
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """The maker of one request, as the audit log shows it.

    `principal` is proven: by the socket, the token or systemd. `process` is what the client says it
    is (gRPC's user agent), and proves nothing. `address` is the IP address and port of a client
    that came over HTTP. All entries of one request have its `request_id`.
    """

    principal: str
    request_id: str = ""
    process: str = ""
    address: str = ""


def new_request_id() -> str:
    """Return an id that no other request has: 16 hexadecimal digits."""
    return secrets.token_hex(8)
