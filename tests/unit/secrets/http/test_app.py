"""What requests come to, where setec has no say or the conformance suite cannot look."""

import json
import logging
from base64 import b64encode

import pytest
from leger_secrets.domain.audit import Action
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Binding
from leger_secrets.domain.tokens import GrantAsked, Tokens
from leger_secrets.domain.value import SecretValue
from leger_secrets.http.app import MAX_BODY
from unit.secrets.fakes import DEPLOYER, ME, AuditEntries
from unit.secrets.http.conftest import Server


def put(server: Server, name: str, value: bytes) -> int:
    body = json.dumps({"Name": name, "Value": b64encode(value).decode()}).encode()
    return server.send(path="/api/put", body=body).status


def test_a_request_is_audited_with_its_token_client_and_address(
    server: Server, audit: AuditEntries
) -> None:
    assert put(server, "prod/db", b"value") == 200
    by = audit.last.by
    assert (audit.last.action, audit.last.secret) == (Action.PUT, "prod/db")
    assert by.principal == "token:admin"
    assert by.address.startswith("127.0.0.1:")


def test_an_unchanged_value_is_audited_too(
    server: Server, audit: AuditEntries, secrets: Secrets
) -> None:
    secrets.put("x", SecretValue(b"value"), activate=True, by=ME)
    body = b'{"Name":"x","Version":1,"UpdateIfChanged":true}'
    answer = server.send(path="/api/get", body=body)
    assert (answer.status, answer.read()) == (304, b"")
    assert (audit.last.outcome, audit.last.version) == ("unchanged", 1)


def test_a_name_of_any_length_fits_into_the_audit_log(server: Server, audit: AuditEntries) -> None:
    assert put(server, "n" * 1_000_000, b"value") == 500
    assert audit.last.outcome == "INVALID_NAME"
    assert len(audit.last.secret) == 256


def test_a_secret_that_a_unit_gets_is_not_deleted(
    server: Server, bindings: Bindings, audit: AuditEntries
) -> None:
    put(server, "db", b"value")
    bindings.bind_stack("notes", [Binding("web.service", "db", "db")], by=DEPLOYER)
    assert server.send(path="/api/delete", body=b'{"Name":"db"}').status == 500
    assert audit.last.outcome == "SECRET_IN_USE"
    assert server.send(path="/api/get", body=b'{"Name":"db"}').status == 200


def test_the_largest_value_fits_into_a_body_and_a_larger_body_is_refused(server: Server) -> None:
    assert put(server, "x", b"v" * 1_000_000) == 200
    assert put(server, "x", b"v" * 1_000_001) == 500
    answer = server.send(path="/api/put", body=b" " * (MAX_BODY + 1))
    assert (answer.status, answer.read()) == (413, b"request body too large\n")


def test_an_announced_body_that_is_too_large_is_not_waited_for(server: Server) -> None:
    with server.connect() as client:
        client.sendall(
            b"POST /api/put HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Sec-X-Tailscale-No-Browsers: setec\r\nContent-Length: 9999999999\r\n"
            b"Authorization: Bearer " + server.token.encode() + b"\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_nothing_that_is_answered_may_be_kept(server: Server) -> None:
    put(server, "x", b"value")
    for path, method in (("/api/get", "POST"), ("/api/none", "POST"), ("/", "GET")):
        answer = server.send(method, path, b'{"Name":"x"}')
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("Server") is None


def test_headers_of_a_proxy_are_not_believed(server: Server, audit: AuditEntries) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    assert server.send(headers=forwarded).status == 200
    assert audit.last.by.address.startswith("127.0.0.1:")


def test_requests_that_are_no_http_are_a_bad_request_and_not_in_the_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    for sent in (
        b"\x16\x03\x01\x00\xa5\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET  HTTP/9\r\n\r\n",
    ):
        with server.connect() as client:
            client.sendall(sent)
            assert client.recv(100).startswith(b"HTTP/1.1 400 ")
    assert caplog.records == []


def test_a_wish_for_another_protocol_is_ignored(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert server.send(headers=upgrade).status == 200
    assert caplog.records == []


def test_the_journal_is_told_why_once(
    server: Server, audit: AuditEntries, caplog: pytest.LogCaptureFixture
) -> None:
    audit.full = True
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            answer = server.send(path="/api/get", body=b'{"Name":"x"}')
            assert (answer.status, answer.read()) == (500, b"internal error\n")
            assert server.send(headers={"Authorization": "Bearer x"}).status == 500
    assert [record.getMessage() for record in caplog.records] == [
        "A request over HTTP failed: AUDIT_UNAVAILABLE.",
        "A request over HTTP had no token, or none that is valid here.",
    ]


def test_a_defect_is_an_internal_error_and_its_text_is_in_no_log(
    server: Server,
    tokens: Tokens,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: str) -> None:
        raise ZeroDivisionError("the value was hunter2")

    monkeypatch.setattr(tokens, "principal_of", fail)
    answer = server.send()
    assert (answer.status, answer.read()) == (500, b"internal error\n")
    (record,) = caplog.records
    assert "ZeroDivisionError" in record.getMessage()
    assert "hunter2" not in caplog.text


def test_a_revoked_token_is_worthless_at_once(server: Server, tokens: Tokens) -> None:
    assert server.send().status == 200
    tokens.revoke("admin", by=ME)
    answer = server.send()
    assert (answer.status, answer.read()) == (500, b"unable to identify caller\n")


def test_static_files_are_the_style_sheet_alone(server: Server) -> None:
    assert server.send("GET", "/static/style.css").status == 200
    answer = server.send("GET", "/static/other")
    assert (answer.status, answer.read()) == (404, b"404 page not found\n")


@pytest.mark.parametrize("name", ["absent", "_internal/x", "a//b", "n" * 300])
def test_who_may_do_nothing_is_told_nothing_about_names(
    server: Server, tokens: Tokens, audit: AuditEntries, name: str
) -> None:
    other = tokens.create("other", [GrantAsked(["info"], ["elsewhere"])], by=ME).reveal().decode()
    body = json.dumps({"Name": name, "Version": 1, "Value": "eA=="}).encode()
    for method in ("get", "info", "put", "create-version", "activate", "delete", "delete-version"):
        answer = server.send(
            path=f"/api/{method}", body=body, headers={"Authorization": f"Bearer {other}"}
        )
        assert (answer.status, answer.read()) == (403, b"access denied\n")
        assert audit.last.outcome == "NOT_PERMITTED"
