"""Secrets, without their values."""

import shlex
import sys
import time
from typing import TYPE_CHECKING, TextIO

from leger_cli import output
from leger_cli.output import Cell, Tone
from leger_cli.views import due, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from google.protobuf.timestamp_pb2 import Timestamp
    from leger.secrets.v1.secrets_pb2 import (
        GenerateSecretResponse,
        PutSecretResponse,
        SecretInfo,
    )

    from leger_cli.shapes.secrets import UnitWithSecret

_NONE: Cell = ("-", Tone.FAINT)


def table(secrets: "Sequence[SecretInfo]", *, labels: bool) -> None:
    """Write one row a secret, with a column for `labels` when that is asked for."""
    now = time.time()
    columns = ("NAME", "ACTIVE", "VERSIONS", "CHANGED", "DUE", "USED BY")
    output.table(
        (*columns, "LABELS") if labels else columns,
        [
            (
                secret.name,
                str(secret.active_version),
                str(len(secret.versions)),
                f"{words.age(now - secret.update_time.seconds)} ago",
                due.most_urgent(secret, now),
                ", ".join(secret.units) or _NONE,
                *((_labels(secret) or _NONE,) if labels else ()),
            )
            for secret in secrets
        ],
    )


def details(secret: "SecretInfo", handed_out: "Sequence[UnitWithSecret]" = ()) -> None:
    """Write all there is about a secret but its values, and below, which units have an old one."""
    states: dict[int, Cell] = {
        secret.previous_version: "previous",
        secret.active_version: ("active", Tone.GOOD),
    }
    output.line(output.paint(secret.name, Tone.STRONG))
    for name, fact in _facts(secret):
        output.line(f"  {name:12}  {fact}")
    output.line()
    output.table(
        ("VERSION", "STORED", "BY", "STATE"),
        [
            (
                str(version.version),
                words.moment(version.create_time),
                version.created_by,
                states.get(version.version, ""),
            )
            for version in reversed(secret.versions)
        ],
    )
    if any(unit["version"] for unit in handed_out):
        output.line()
        output.table(
            ("UNIT", "RUNS WITH", ""),
            [
                (
                    unit["unit"],
                    f"version {unit['version']}" if unit["version"] else _NONE,
                    ("old", Tone.CAUTION) if unit["outdated"] else "",
                )
                for unit in handed_out
            ],
        )
        old = [unit["unit"] for unit in handed_out if unit["outdated"]]
        hint_restart(unit for unit in old if "@" not in unit)


def put(stored: "PutSecretResponse", secret: "SecretInfo") -> None:
    """Write what became of a value that was put."""
    said = f"{secret.name}: version {stored.version}"
    said += " stored" if stored.created else " has this value already"
    if stored.active:
        output.line(f"{said} and active" if stored.created else f"{said} and is active")
        hint_restart(secret.units if stored.created else ())
    else:
        output.line(f"{said}; version {secret.active_version} is active")
        _hint_activate(secret, stored.version)


def generated(made: "GenerateSecretResponse", secret: "SecretInfo") -> None:
    """Write what became of a value that the service made.

    Of a private key the public key alone is the result, so that it can be kept in a file.
    """
    said = f"{secret.name}: version {made.version} made"
    stream: TextIO = sys.stderr if made.public_key else sys.stdout
    if made.active:
        output.line(f"{said} and active", stream=stream)
    else:
        output.line(f"{said}; version {secret.active_version} is active", stream=stream)
    if made.public_key:
        output.line(made.public_key.rstrip("\n"))
    if made.active:
        hint_restart(secret.units)
    else:
        _hint_activate(secret, made.version)


def activated(secret: "SecretInfo", previous: int) -> None:
    """Write which version is active now, and which was."""
    version = secret.active_version
    if version == previous:
        output.line(f"{secret.name}: version {version} was active already")
        return
    output.line(f"{secret.name}: version {version} active, version {previous} was")
    hint_restart(secret.units)


def hint_restart(units: "Iterable[str]") -> None:
    """Say how units get what changed."""
    # A template has no service to restart; its instances are not known here.
    services = [unit.removesuffix(".service") for unit in units if "@." not in unit]
    if services:
        output.remark(f"→ leger services restart {' '.join(services)}")


def _hint_activate(secret: "SecretInfo", version: int) -> None:
    output.remark(f"→ leger secrets activate {shlex.quote(secret.name)} {version}")


def _facts(secret: "SecretInfo") -> "Iterator[tuple[str, str]]":
    now, notes = time.time(), secret.notes
    if notes.description:
        yield "description", notes.description
    yield "used by", ", ".join(secret.units) or "no unit"
    if notes.labels:
        yield "labels", _labels(secret)
    if notes.HasField("expire_time"):
        when = _painted(due.expiry(notes.expire_time, now))
        yield "expires", f"{words.moment(notes.expire_time)}, {when}"
    if secret.HasField("rotate_due_time"):
        when = _painted(due.rotation(secret.rotate_due_time, now))
        yield "rotate", f"every {words.counted(notes.rotate_after_days, 'day')}, {when}"
    yield "created", _by(secret.create_time, secret.created_by)
    yield "changed", _by(secret.update_time, secret.updated_by)
    yield "active since", words.moment(secret.activate_time)


def _by(time: "Timestamp", principal: str) -> str:
    return f"{words.moment(time)} by {principal}"


def _painted(cell: Cell) -> str:
    return cell if isinstance(cell, str) else output.paint(*cell)


def _labels(secret: "SecretInfo") -> str:
    labels = sorted(secret.notes.labels.items())
    return ", ".join(f"{key}={value}" if value else key for key, value in labels)
