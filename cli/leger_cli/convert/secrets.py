"""Secrets."""

from typing import TYPE_CHECKING

from leger_cli.convert.moments import optional_time
from leger_cli.shapes import secrets as shapes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from leger.secrets.v1 import secrets_pb2 as secrets


def secret_value(
    name: str, answer: "secrets.GetSecretResponse | secrets.ResolveSecretsResponse.Resolved"
) -> shapes.SecretValue:
    """Return a value as text where it is UTF-8, else as base64."""
    from base64 import b64encode

    try:
        return {"name": name, "version": answer.version, "value": answer.value.decode()}
    except UnicodeDecodeError:
        encoded = b64encode(answer.value).decode("ascii")
        return {"name": name, "version": answer.version, "value_base64": encoded}


def secret(info: "secrets.SecretInfo") -> shapes.Secret:
    """Return a secret without any value."""
    return {
        "name": info.name,
        "active_version": info.active_version,
        "previous_version": info.previous_version or None,
        "versions": [
            {
                "version": version.version,
                "create_time": optional_time(version, "create_time"),
                "created_by": version.created_by,
            }
            for version in info.versions
        ],
        "units": list(info.units),
        "revision": info.revision,
        "description": info.notes.description,
        "labels": dict(info.notes.labels),
        "expire_time": optional_time(info.notes, "expire_time"),
        "rotate_after_days": info.notes.rotate_after_days or None,
        "rotate_due_time": optional_time(info, "rotate_due_time"),
        "create_time": optional_time(info, "create_time"),
        "created_by": info.created_by,
        "update_time": optional_time(info, "update_time"),
        "updated_by": info.updated_by,
        "activate_time": optional_time(info, "activate_time"),
    }


def handed_out(
    bound: "Iterable[secrets.ListBindingsResponse.StackBinding]",
    info: "secrets.SecretInfo",
    not_running: "Collection[str]",
) -> list[shapes.UnitWithSecret]:
    """Return what each unit has of a secret; one that does not run has nothing old."""
    found: list[shapes.UnitWithSecret] = []
    for binding in bound:
        found += [
            {
                "unit": served.unit,
                "version": served.version,
                "time": optional_time(served, "time"),
                "outdated": served.version != info.active_version
                and served.unit not in not_running,
            }
            for served in binding.served
        ]
        if not binding.served:
            unit = binding.binding.unit
            found.append({"unit": unit, "version": None, "time": None, "outdated": False})
    return sorted(found, key=lambda each: each["unit"])


def exported(
    answer: "secrets.ResolveSecretsResponse", *, file: "Path | None"
) -> shapes.SecretsExported:
    """Return what was exported; values only when they are in no file."""
    return {
        "file": str(file) if file else None,
        "secrets": [
            {"name": secret.name, "version": secret.version}
            if file
            else secret_value(secret.name, secret)
            for secret in answer.secrets
        ],
        "revision": answer.revision,
    }


def imported(answer: "secrets.ImportSecretsResponse", *, dry_run: bool) -> shapes.SecretsImported:
    """Return what an import did, or would do."""
    return {
        "dry_run": dry_run,
        "secrets": [
            {
                "name": result.name,
                "change": import_change(result.change),
                "version": result.version,
                "units": list(result.units),
            }
            for result in answer.results
        ],
        "revision": answer.revision,
    }


def secret_change(event: "secrets.WatchSecretsResponse") -> shapes.SecretChange:
    """Return one change."""
    return {
        "revision": event.revision,
        "change": watch_change(event.change),
        "name": event.name,
        "version": event.version or None,
        "time": optional_time(event, "time"),
        "principal": event.principal,
    }


def import_change(value: "secrets.ImportSecretsResponse.Change.ValueType") -> str:
    """Return the word for what an import does, such as "created"."""
    from leger.secrets.v1 import secrets_pb2

    name = secrets_pb2.ImportSecretsResponse.Change.Name(value)
    return name.removeprefix("CHANGE_").lower()


def watch_change(value: "secrets.WatchSecretsResponse.Change.ValueType") -> str:
    """Return the word for what happened to a secret, such as "version_added"."""
    from leger.secrets.v1 import secrets_pb2

    name = secrets_pb2.WatchSecretsResponse.Change.Name(value)
    return name.removeprefix("CHANGE_").lower()
