"""The contract's methods about grants and tokens: unpack, call, pack."""

import grpc
from leger.secrets.v1 import access_pb2 as pb
from leger.secrets.v1 import access_pb2_grpc

from leger_secrets import convert
from leger_secrets.domain.access import Access
from leger_secrets.domain.grants import Grant, Rule
from leger_secrets.domain.tokens import GrantAsked, TokenInfo, Tokens


class AccessServicer(access_pb2_grpc.AccessServiceServicer):
    """leger.secrets.v1.AccessService."""

    def __init__(self, *, access: Access, tokens: Tokens) -> None:
        self._access = access
        self._tokens = tokens

    def CheckAccess(
        self, request: pb.CheckAccessRequest, context: grpc.ServicerContext
    ) -> pb.CheckAccessResponse:
        """Tell whether a principal may do something."""
        verdict = self._access.explain(request.principal, request.action, request.secret)
        return pb.CheckAccessResponse(
            allowed=verdict.allowed,
            rule=None if verdict.rule is None else _rule(verdict.rule),
            explanation=verdict.explanation,
        )

    def GetPolicy(
        self, request: pb.GetPolicyRequest, context: grpc.ServicerContext
    ) -> pb.GetPolicyResponse:
        """Answer the rules in force."""
        policy = self._access.policy()
        return pb.GetPolicyResponse(
            rules=map(_rule, policy.rules),
            path=policy.path,
            load_time=convert.optional_timestamp(policy.load_time),
            problem=policy.problem,
        )

    def CreateToken(
        self, request: pb.CreateTokenRequest, context: grpc.ServicerContext
    ) -> pb.CreateTokenResponse:
        """Make a token."""
        token = self._tokens.create(
            request.name,
            [GrantAsked(grant.actions, grant.secrets) for grant in request.grants],
            expire_time=(
                convert.time_asked(request.expire_time) if request.HasField("expire_time") else None
            ),
            by=convert.caller(context),
        )
        return pb.CreateTokenResponse(token=token.reveal().decode())

    def ListTokens(
        self, request: pb.ListTokensRequest, context: grpc.ServicerContext
    ) -> pb.ListTokensResponse:
        """List the tokens."""
        return pb.ListTokensResponse(tokens=map(_token, self._tokens.list_tokens()))

    def RevokeToken(
        self, request: pb.RevokeTokenRequest, context: grpc.ServicerContext
    ) -> pb.RevokeTokenResponse:
        """Make a token worthless."""
        self._tokens.revoke(request.name, by=convert.caller(context))
        return pb.RevokeTokenResponse()


def _rule(rule: Rule) -> pb.Rule:
    return pb.Rule(
        source=rule.source,
        number=rule.number,
        principals=rule.principals,
        grant=_grant(rule.grant),
    )


def _grant(grant: Grant) -> pb.Grant:
    return pb.Grant(actions=grant.words(), secrets=grant.secrets)


def _token(info: TokenInfo) -> pb.Token:
    token = info.token
    return pb.Token(
        name=token.name,
        grants=map(_grant, token.grants),
        create_time=convert.timestamp(token.created.time),
        created_by=token.created.principal,
        expire_time=convert.optional_timestamp(token.expire_time),
        use_time=convert.optional_timestamp(info.use_time),
    )
