"""Secrets and tokens as the JSON objects of a backup, and back.

Every member must be there, and no other. What is wrong raises Malformed.
"""

from base64 import b64decode, b64encode
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from leger_secrets.domain.grants import Grant, Permission
from leger_secrets.domain.stored import Author, Notes, StoredSecret, StoredVersion, Token, Version
from leger_secrets.domain.value import SecretValue


class Malformed(ValueError):
    """What is wrong with a line, as the end of a sentence. It never repeats what the line holds."""


def of_secret(secret: StoredSecret) -> dict[str, object]:
    """Return a secret with its values, in base64."""
    return {
        "name": secret.name,
        "active": secret.active,
        "latest": secret.latest,
        "previous": secret.previous,
        "notes": {
            "description": secret.notes.description,
            "labels": dict(secret.notes.labels),
            "expires": _of_optional_time(secret.notes.expire_time),
            "rotate_after_days": secret.notes.rotate_after_days,
        },
        "created": _of_author(secret.created),
        "updated": _of_author(secret.updated),
        "activated": of_time(secret.activate_time),
        "versions": [
            {
                "number": version.number,
                "created": _of_author(Author(version.created_by, version.create_time)),
                "value": None if value is None else b64encode(value.reveal()).decode("ascii"),
            }
            for version, value in secret.versions
        ],
    }


def secret(value: Any) -> StoredSecret:
    """Return the secret that `of_secret` was given."""
    numbers, times = ("active", "latest", "previous"), ("created", "updated", "activated")
    found = members(value, "name", *numbers, "notes", *times, "versions")
    return StoredSecret(
        name=text(found, "name"),
        active=number(found, "active"),
        latest=number(found, "latest"),
        previous=number(found, "previous"),
        notes=_notes(found["notes"]),
        created=_author(found["created"]),
        updated=_author(found["updated"]),
        activate_time=time(found, "activated"),
        versions=tuple(_version(version) for version in _list(found, "versions")),
    )


def of_token(token: Token) -> dict[str, object]:
    """Return a token, of which only the digest is known."""
    return {
        "name": token.name,
        "sha256": token.digest.hex(),
        "grants": [
            {"actions": sorted(grant.actions), "secrets": list(grant.secrets)}
            for grant in token.grants
        ],
        "created": _of_author(token.created),
        "expires": _of_optional_time(token.expire_time),
    }


def token(value: Any) -> Token:
    """Return the token that `of_token` was given."""
    found = members(value, "name", "sha256", "grants", "created", "expires")
    encoded = text(found, "sha256")
    try:
        digest = bytes.fromhex(encoded)
    except ValueError:
        raise Malformed('has a "sha256" that is not hexadecimal') from None
    return Token(
        name=text(found, "name"),
        digest=digest,
        grants=tuple(_grant(grant) for grant in _list(found, "grants")),
        created=_author(found["created"]),
        expire_time=_optional_time(found, "expires"),
    )


def of_time(time: datetime) -> str:
    """Return a time as RFC 3339 has it, in UTC, to the microsecond."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def members(value: Any, *names: str) -> dict[str, Any]:
    """Return the value, an object with exactly these members."""
    if not isinstance(value, dict):
        raise Malformed(f"has something else where an object with {', '.join(names)} belongs")
    if missing := [name for name in names if name not in value]:
        raise Malformed(f"lacks {', '.join(missing)}")
    if len(value) > len(names):
        raise Malformed(f"has more members than {', '.join(names)}")
    return value


def text(found: dict[str, Any], name: str) -> str:
    """Return a member that is text."""
    return _text(found[name], name)


def number(found: dict[str, Any], name: str) -> int:
    """Return a member that is a whole number, from 0 on, that every reader of JSON can hold."""
    value = found.get(name)
    if type(value) is not int or not 0 <= value < 1 << 53:  # True is an int too
        raise Malformed(f'has a "{name}" that is not a number')
    return value


def time(found: dict[str, Any], name: str) -> datetime:
    """Return a member that is a time."""
    value = text(found, name)
    try:
        if not value.endswith("Z"):
            raise ValueError
        return datetime.fromisoformat(value)
    except ValueError:
        raise Malformed(f'has a "{name}" that is not a time in UTC') from None


def _of_optional_time(time: datetime | None) -> str | None:
    return None if time is None else of_time(time)


def _optional_time(found: dict[str, Any], name: str) -> datetime | None:
    return None if found[name] is None else time(found, name)


def _of_author(author: Author) -> dict[str, str]:
    return {"by": author.principal, "time": of_time(author.time)}


def _author(value: Any) -> Author:
    found = members(value, "by", "time")
    return Author(text(found, "by"), time(found, "time"))


def _notes(value: Any) -> Notes:
    found = members(value, "description", "labels", "expires", "rotate_after_days")
    labels = found["labels"]
    if not isinstance(labels, dict):
        raise Malformed('has "labels" that are no object')
    return Notes(
        description=text(found, "description"),
        labels={_text(key, "labels"): _text(labels[key], "labels") for key in labels},
        expire_time=_optional_time(found, "expires"),
        rotate_after_days=number(found, "rotate_after_days"),
    )


def _version(value: Any) -> StoredVersion:
    found = members(value, "number", "created", "value")
    created = _author(found["created"])
    version = Version(
        number=number(found, "number"), create_time=created.time, created_by=created.principal
    )
    if found["value"] is None:
        return StoredVersion(version, None)
    encoded = text(found, "value")
    try:
        return StoredVersion(version, SecretValue(b64decode(encoded, validate=True)))
    except ValueError:
        raise Malformed('has a "value" that is not base64') from None


def _grant(value: Any) -> Grant:
    found = members(value, "actions", "secrets")
    try:
        actions = frozenset(map(Permission, _list(found, "actions")))
    except ValueError:
        raise Malformed('has "actions" that there are not') from None
    return Grant(
        actions=actions,
        secrets=tuple(_text(pattern, "secrets") for pattern in _list(found, "secrets")),
    )


def _text(value: Any, name: str) -> str:
    if isinstance(value, str):
        with suppress(UnicodeEncodeError):  # JSON can escape half of a surrogate pair
            value.encode()
            return value
    raise Malformed(f'has a "{name}" that is not text')


def _list(found: dict[str, Any], name: str) -> list[Any]:
    value = found[name]
    if not isinstance(value, list):
        raise Malformed(f'has "{name}" that are no list')
    return value
