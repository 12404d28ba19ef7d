"""Who makes a request over HTTP."""

import pytest
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.tokens import Tokens
from leger_secrets.http.callers import Callers


def identify(
    tokens: Tokens,
    authorization: str,
    *,
    peer: tuple[str, int] | None = ("127.0.0.1", 4711),
    user_agent: str = "",
) -> Caller | None:
    return Callers(tokens=tokens).identify(
        authorization=authorization, user_agent=user_agent, peer=peer
    )


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_is_its_principal(tokens: Tokens, token: str, scheme: str) -> None:
    caller = identify(tokens, f"{scheme} {token}", user_agent="setec-demo/1.0")
    assert caller is not None
    assert caller.principal == "token:admin"
    assert (caller.process, caller.address) == ("setec-demo/1.0", "127.0.0.1:4711")
    assert caller.request_id


def test_every_request_has_an_id_of_its_own(tokens: Tokens, token: str) -> None:
    first, second = identify(tokens, f"Bearer {token}"), identify(tokens, f"Bearer {token}")
    assert first is not None
    assert second is not None
    assert first.request_id != second.request_id


@pytest.mark.parametrize(
    "form", ["", "Bearer", "Bearer ", "{}", "Basic {}", "Bearer  {}", "Bearer {}x"]
)
def test_anything_else_is_nobody(tokens: Tokens, token: str, form: str) -> None:
    assert identify(tokens, form.format(token)) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_this_host_is_identified(tokens: Tokens, token: str, host: str) -> None:
    caller = identify(tokens, f"Bearer {token}", peer=(host, 1))
    assert caller is not None
    assert caller.address == (f"[{host}]:1" if ":" in host else f"{host}:1")


@pytest.mark.parametrize("host", ["192.0.2.1", "100.64.0.1", "2001:db8::1", "::ffff:192.0.2.1"])
def test_a_token_that_came_over_a_network_proves_nothing(
    tokens: Tokens, token: str, host: str
) -> None:
    assert identify(tokens, f"Bearer {token}", peer=(host, 1)) is None


def test_a_client_that_has_hung_up_is_nobody(tokens: Tokens, token: str) -> None:
    assert identify(tokens, f"Bearer {token}", peer=None) is None


def test_a_user_agent_fits_into_a_line(tokens: Tokens, token: str) -> None:
    caller = identify(tokens, f"Bearer {token}", user_agent="a\x1b[31m\x85b" + "c" * 1000)
    assert caller is not None
    assert caller.process == "a[31mb" + "c" * 194
