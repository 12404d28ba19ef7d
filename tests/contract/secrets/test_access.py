"""Grants and tokens over the contract."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from contract.secrets.conftest import Client
from google.protobuf.timestamp_pb2 import Timestamp
from leger.secrets.v1 import access_pb2 as pb
from leger.secrets.v1 import audit_pb2
from leger.secrets.v1 import secrets_pb2 as secrets
from leger_runtime import client
from leger_runtime.errors import Kind, LegerError
from leger_secrets.config import Config

GET_PROD = pb.Grant(actions=["get", "info"], secrets=["prod/*"])


def create(
    operator: Client, name: str, *grants: pb.Grant, expire_time: Timestamp | None = None
) -> str:
    request = pb.CreateTokenRequest(name=name, grants=grants, expire_time=expire_time)
    return client.call(lambda: operator.access.CreateToken(request)).token


def listed(operator: Client) -> list[pb.Token]:
    return list(operator.access.ListTokens(pb.ListTokensRequest()).tokens)


def check(operator: Client, principal: str, action: str, secret: str) -> pb.CheckAccessResponse:
    request = pb.CheckAccessRequest(principal=principal, action=action, secret=secret)
    return client.call(lambda: operator.access.CheckAccess(request))


def test_a_token_is_answered_once_and_listed_without_itself(operator: Client) -> None:
    expire_time = Timestamp()
    expire_time.FromDatetime(datetime.now(UTC) + timedelta(days=90))
    token = create(operator, "ci", GET_PROD, expire_time=expire_time)
    assert re.fullmatch(r"leger_[A-Za-z0-9_-]{43}", token)
    (found,) = listed(operator)
    assert (found.name, list(found.grants), found.expire_time) == ("ci", [GET_PROD], expire_time)
    assert found.created_by == "operator:root"
    assert found.HasField("create_time")
    assert not found.HasField("use_time")
    assert token not in str(found)


def test_a_revoked_token_is_not_listed(operator: Client) -> None:
    create(operator, "ci")
    operator.access.RevokeToken(pb.RevokeTokenRequest(name="ci"))
    assert listed(operator) == []
    with pytest.raises(LegerError) as caught:
        client.call(lambda: operator.access.RevokeToken(pb.RevokeTokenRequest(name="ci")))
    assert (caught.value.reason, caught.value.kind) == ("TOKEN_NOT_FOUND", Kind.NOT_FOUND)


@pytest.mark.parametrize("seconds", [0, 1, -(10**12), 10**12, 253402300799 + 1])
def test_a_time_that_is_over_or_in_no_calendar_is_refused(operator: Client, seconds: int) -> None:
    with pytest.raises(LegerError) as caught:
        create(operator, "ci", expire_time=Timestamp(seconds=seconds))
    assert caught.value.reason == "INVALID_EXPIRY"


def test_a_bad_grant_is_named_by_its_field(operator: Client) -> None:
    with pytest.raises(LegerError) as caught:
        create(operator, "ci", GET_PROD, pb.Grant(actions=["get"], secrets=["a/"]))
    assert caught.value.reason == "INVALID_GRANT"
    assert [v.field for v in caught.value.violations] == ["grants[1].secrets"]


def test_who_may_do_what_is_explained(operator: Client, config: Config) -> None:
    create(operator, "ci", GET_PROD)
    config.policy_file.write_text(
        '[[grants]]\nprincipals = ["token:*"]\nactions = ["*"]\nsecrets = ["shared"]\n'
    )
    allowed = check(operator, "token:ci", "get", "prod/db")
    assert allowed.allowed
    assert (allowed.rule.source, allowed.rule.number) == ("token", 1)
    assert allowed.rule.grant == GET_PROD
    shared = check(operator, "token:ci", "delete", "shared")
    assert (shared.rule.source, list(shared.rule.principals)) == (
        str(config.policy_file),
        ["token:*"],
    )
    assert list(shared.rule.grant.actions) == ["*"]
    denied = check(operator, "token:ci", "put", "prod/db")
    assert not denied.allowed
    assert not denied.HasField("rule")
    assert denied.explanation.startswith("token:ci may not put prod/db: ")


@pytest.mark.parametrize(
    ("principal", "action", "secret", "reason"),
    [
        ("ci", "get", "x", "INVALID_PRINCIPAL"),
        ("token:ci", "read", "x", "INVALID_ACTION"),
        ("token:ci", "get", "", "INVALID_NAME"),
    ],
)
def test_a_question_about_nothing_is_refused(
    operator: Client, principal: str, action: str, secret: str, reason: str
) -> None:
    with pytest.raises(LegerError) as caught:
        check(operator, principal, action, secret)
    assert (caught.value.reason, caught.value.kind) == (reason, Kind.INVALID)
    assert caught.value.violations


def test_the_policy_tells_what_is_wrong_with_the_file(operator: Client, config: Config) -> None:
    def policy() -> pb.GetPolicyResponse:
        return operator.access.GetPolicy(pb.GetPolicyRequest())

    assert (policy().path, policy().problem) == (str(config.policy_file), "")
    assert not policy().HasField("load_time")
    config.policy_file.write_text(
        '[[grants]]\nprincipals = ["token:ci"]\nactions = ["get"]\nsecrets = ["x"]\n'
    )
    assert [rule.source for rule in policy().rules][2:] == [str(config.policy_file)]
    assert policy().HasField("load_time")
    config.policy_file.write_text("[[grants]]\nprincipal = 1\n")
    broken = policy()
    assert broken.problem == "Line 2: `principal` is not known; perhaps `principals` is meant."
    assert len(broken.rules) == 3


def test_the_policy_names_no_token_itself(operator: Client) -> None:
    token = create(operator, "ci", GET_PROD)
    rules = operator.access.GetPolicy(pb.GetPolicyRequest()).rules
    assert [list(rule.principals) for rule in rules if rule.source == "token"] == [["token:ci"]]
    assert token not in str(rules)


def test_the_deployer_knows_nothing_of_it(deployer: Client) -> None:
    for call in (
        lambda: deployer.access.ListTokens(pb.ListTokensRequest()),
        lambda: deployer.access.CreateToken(pb.CreateTokenRequest(name="ci")),
        lambda: deployer.access.GetPolicy(pb.GetPolicyRequest()),
        lambda: check(deployer, "token:ci", "get", "x"),
    ):
        with pytest.raises(LegerError) as caught:
            client.call(call)
        assert caught.value.reason == "NOT_PERMITTED"


def test_no_rule_of_the_file_gives_the_deployer_a_value(
    operator: Client, deployer: Client, config: Config
) -> None:
    config.policy_file.write_text(
        '[[grants]]\nprincipals = ["*", "svc:deployer"]\nactions = ["*"]\nsecrets = ["*"]\n'
    )
    operator.secrets.PutSecret(secrets.PutSecretRequest(name="x", value=b"value"))
    with pytest.raises(LegerError) as caught:
        client.call(lambda: deployer.secrets.GetSecret(secrets.GetSecretRequest(name="x")))
    assert caught.value.reason == "NOT_PERMITTED"


def test_tokens_are_audited_by_name(operator: Client) -> None:
    token = create(operator, "ci", GET_PROD)
    operator.access.RevokeToken(pb.RevokeTokenRequest(name="ci"))
    answers = operator.audit.ReadAudit(audit_pb2.ReadAuditRequest())
    entries = [entry for answer in answers for entry in answer.entries]
    assert [(e.action, e.detail, e.outcome) for e in entries[-2:]] == [
        ("create-token", "ci", "allowed"),
        ("revoke-token", "ci", "allowed"),
    ]
    assert token not in str(entries)
