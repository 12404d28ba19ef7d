"""Who makes a request."""

import secrets
from itertools import count
from typing import NamedTuple

_ID_BITS = 64
# Counted on from a random number, as asking the system for each would be a system call on the way
# of every request. They need not be hard to guess.
_ids = count(secrets.randbits(_ID_BITS))


class Caller(NamedTuple):
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
    return f"{next(_ids) % 2**_ID_BITS:016x}"
