"""Who the suite acts as: names and grants from principals.json, tokens from the server."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

PRINCIPALS = Path(__file__).with_name("setec") / "principals.json"


class Rule(TypedDict):
    """A grant as setec writes it (acl/acl.go, Rule): actions, and patterns of secrets' names."""

    action: list[str]
    secret: list[str]


def rules_by_principal() -> dict[str, list[Rule]]:
    """Return what each principal of the suite may do."""
    described: dict[str, list[Rule]] = json.loads(PRINCIPALS.read_text())
    return described


def invented_token() -> str:
    """Return a token that nobody else has."""
    return secrets.token_urlsafe(32)


def write_private(path: Path, content: Mapping[str, object]) -> None:
    """Write `content` as JSON into a new file that only the caller's account can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)
