"""Grants and tokens, as `--json` prints them."""

from typing import TypedDict


class Grant(TypedDict):
    """These actions, with the secrets that match."""

    actions: list[str]  # of "get", "info", "put", "create-version", "activate", "delete"; or "*"
    secrets: list[str]  # names, in which `*` stands for any characters


class Rule(Grant):
    """A grant, whom it is for and where it stands."""

    source: str  # "built in", "token", "binding", or the policy file's path
    number: int  # in its source, from 1
    principals: list[str]


class Verdict(TypedDict):
    """Whether a principal may do something. The exit code says it, too: 0 or 4."""

    principal: str
    action: str
    secret: str
    allowed: bool
    explanation: str
    rule: Rule | None  # the first that allows it


class Policy(TypedDict):
    """The rules in force."""

    rules: list[Rule]  # in the order in which they are tried
    path: str  # the policy file's, whether or not it exists
    load_time: str | None  # when its rules in force were read
    problem: str  # what is wrong with it now; the exit code is 7 then


class TokenMade(TypedDict):
    """A new token. It is told this once."""

    name: str
    token: str | None  # not of one that is in the file
    file: str | None
    grants: list[Grant]
    expire_time: str | None


class Token(TypedDict):
    """A token, without itself."""

    name: str
    grants: list[Grant]
    create_time: str | None
    created_by: str
    expire_time: str | None
    use_time: str | None  # since the service started


class TokenList(TypedDict):
    """All tokens."""

    tokens: list[Token]  # by name


class TokenRevoked(TypedDict):
    """What was revoked."""

    name: str
