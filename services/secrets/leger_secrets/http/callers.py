"""Who makes a request over HTTP."""

import ipaddress

from leger_secrets.domain.caller import Caller, new_request_id
from leger_secrets.domain.tokens import Tokens
from leger_secrets.domain.value import SecretValue

_SCHEME = "bearer"
_MAX_PROCESS = 200  # characters of a user agent that the audit log shows


class Callers:
    """Tells callers by their bearer tokens (RFC 6750, section 2.1), on this host alone.

    A token that came over a network in the clear is no proof of anything. The headers by which a
    proxy says whom it speaks for are not read: anybody could send them.
    """

    def __init__(self, *, tokens: Tokens) -> None:
        self._tokens = tokens

    def identify(
        self, *, authorization: str, user_agent: str, peer: tuple[str, int] | None
    ) -> Caller | None:
        """Return who calls; None when that cannot be told. Raises StoreUnavailable, StoreSealed.

        `peer` is the client's IP address and port; None when it has hung up already.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != _SCHEME or peer is None or not _is_loopback(peer[0]):
            return None
        principal = self._tokens.principal_of(SecretValue(token.encode()))
        if principal is None:
            return None
        return Caller(
            principal,
            new_request_id(),
            process="".join(filter(str.isprintable, user_agent))[:_MAX_PROCESS],
            address=_shown(peer),
        )


def _is_loopback(host: str) -> bool:
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _shown(peer: tuple[str, int]) -> str:
    host, port = peer
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
