"""Grants and tokens: who may do what."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from leger_cli import output
from leger_cli.output import Cell, Tone
from leger_cli.views import words

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from leger.secrets.v1.access_pb2 import (
        CheckAccessResponse,
        Grant,
        Rule,
        Token,
    )


def verdict(answer: "CheckAccessResponse") -> None:
    """Write yes or no, what decided, and the rule itself."""
    mark, tone = ("yes", Tone.GOOD) if answer.allowed else ("no", Tone.BAD)
    output.paragraph(answer.explanation, mark=f"{mark}:", tone=tone)
    if answer.allowed:
        principals = ", ".join(answer.rule.principals)
        output.line(f"  {output.paint(f'{principals}: {grant(answer.rule.grant)}', Tone.FAINT)}")


def rules(found: "Iterable[Rule]") -> None:
    """Write rules in the order in which they are tried."""
    output.table(
        ("PRINCIPALS", "MAY", "ON", "BY RULE"),
        [
            (
                ", ".join(rule.principals),
                actions(rule.grant),
                ", ".join(rule.grant.secrets),
                (f"{rule.number} {_source(rule)}", Tone.FAINT),
            )
            for rule in found
        ],
    )


def made(name: str, grants: "Sequence[Grant]", *, expires: bool) -> None:
    """Write, besides the token, what it is."""
    until = "it expires" if expires else "it is revoked"
    output.remark(f"It is not shown again. Whoever shows it is token:{name}, until {until}.")
    for each in grants:
        output.remark(f"It is granted {grant(each)}.")
    if not grants:
        output.remark(
            f"It may do what the policy file grants to token:{name}.\n→ leger secrets policy"
        )


def tokens(found: "Sequence[Token]") -> None:
    """Write tokens as a table."""
    if not found:
        output.remark("There is no token.\n→ leger auth token create --help")
        return
    output.table(
        ("NAME", "MAY", "EXPIRES", "LAST USED", "MADE", "BY"),
        [
            (
                token.name,
                "\n".join(map(grant, token.grants)) or ("what the policy file says", Tone.FAINT),
                _expiry(token),
                _ago(token.use_time) if token.HasField("use_time") else ("-", Tone.FAINT),
                words.moment(token.create_time),
                token.created_by,
            )
            for token in found
        ],
    )


def grant(granted: "Grant") -> str:
    """Return a grant in words, such as "get, info on prod/*"."""
    return f"{actions(granted)} on {', '.join(granted.secrets)}"


def actions(granted: "Grant") -> str:
    """Return a grant's actions in words."""
    return "everything" if list(granted.actions) == ["*"] else ", ".join(granted.actions)


def _expiry(token: "Token") -> Cell:
    if not token.HasField("expire_time"):
        return ("never", Tone.FAINT)
    shown = words.moment(token.expire_time)
    return (f"expired {shown}", Tone.BAD) if token.expire_time.seconds < time.time() else shown


def _ago(moment: "Timestamp") -> str:
    return f"{words.age(time.time() - moment.seconds)} ago"


def _source(rule: "Rule") -> str:
    return f"of {'the token' if rule.source == 'token' else rule.source}"
