"""Grants and tokens."""

from typing import TYPE_CHECKING

from leger_cli.convert.moments import optional_time
from leger_cli.shapes import access as shapes

if TYPE_CHECKING:
    from pathlib import Path

    from leger.secrets.v1 import access_pb2 as access


def verdict(
    asked: "access.CheckAccessRequest", answer: "access.CheckAccessResponse"
) -> shapes.Verdict:
    """Return whether a principal may do something, and why."""
    return {
        "principal": asked.principal,
        "action": asked.action,
        "secret": asked.secret,
        "allowed": answer.allowed,
        "explanation": answer.explanation,
        "rule": _rule(answer.rule) if answer.HasField("rule") else None,
    }


def policy(answer: "access.GetPolicyResponse") -> shapes.Policy:
    """Return the rules in force."""
    return {
        "rules": [_rule(rule) for rule in answer.rules],
        "path": answer.path,
        "load_time": optional_time(answer, "load_time"),
        "problem": answer.problem,
    }


def token_made(
    request: "access.CreateTokenRequest", token: str, *, file: "Path | None"
) -> shapes.TokenMade:
    """Return a new token; itself only when it is in no file."""
    return {
        "name": request.name,
        "token": None if file else token,
        "file": str(file) if file else None,
        "grants": [_grant(grant) for grant in request.grants],
        "expire_time": optional_time(request, "expire_time"),
    }


def token(found: "access.Token") -> shapes.Token:
    """Return a token without itself."""
    return {
        "name": found.name,
        "grants": [_grant(grant) for grant in found.grants],
        "create_time": optional_time(found, "create_time"),
        "created_by": found.created_by,
        "expire_time": optional_time(found, "expire_time"),
        "use_time": optional_time(found, "use_time"),
    }


def _rule(rule: "access.Rule") -> shapes.Rule:
    return {
        "source": rule.source,
        "number": rule.number,
        "principals": list(rule.principals),
        **_grant(rule.grant),
    }


def _grant(grant: "access.Grant") -> shapes.Grant:
    return {"actions": list(grant.actions), "secrets": list(grant.secrets)}
