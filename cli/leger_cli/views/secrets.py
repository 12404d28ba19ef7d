"""Secrets, without their values."""

from typing import TYPE_CHECKING

from leger_cli import output
from leger_cli.output import Tone
from leger_cli.views import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leger.secrets.v1.secrets_pb2 import PutSecretResponse, SecretInfo


def table(secrets: "Sequence[SecretInfo]") -> None:
    """Write one row a secret."""
    if not secrets:
        output.remark("No secret is stored.\n→ leger secrets put NAME")
        return
    output.table(
        ("NAME", "ACTIVE", "VERSIONS", "CHANGED", "USED BY"),
        [
            (
                secret.name,
                str(secret.active_version),
                str(len(secret.versions)),
                words.moment(secret.versions[-1].create_time) if secret.versions else "-",
                ", ".join(secret.units) or ("-", Tone.FAINT),
            )
            for secret in secrets
        ],
    )


def details(secret: "SecretInfo") -> None:
    """Write a secret's versions and who gets it."""
    output.line(output.paint(secret.name, Tone.STRONG))
    output.line(f"  used by  {', '.join(secret.units) or 'no unit'}")
    output.line()
    output.table(
        ("VERSION", "STORED", "BY", "STATE"),
        [
            (
                str(version.version),
                words.moment(version.create_time),
                version.created_by,
                ("active", Tone.GOOD) if version.version == secret.active_version else "",
            )
            for version in reversed(secret.versions)
        ],
    )


def put(stored: "PutSecretResponse", secret: "SecretInfo") -> None:
    """Write what became of a value that was put."""
    said = f"{secret.name}: version {stored.version}"
    said += " stored" if stored.created else " has this value already"
    if stored.active:
        output.line(f"{said} and active" if stored.created else f"{said} and is active")
        _hint_restart(secret.units if stored.created else ())
    else:
        output.line(f"{said}; version {secret.active_version} is active")
        output.remark(f"→ leger secrets activate {secret.name} {stored.version}")


def activated(secret: "SecretInfo", previous: int) -> None:
    """Write which version is active now, and which was."""
    version = secret.active_version
    if version == previous:
        output.line(f"{secret.name}: version {version} was active already")
        return
    output.line(f"{secret.name}: version {version} active, version {previous} was")
    _hint_restart(secret.units)


def _hint_restart(units: "Iterable[str]") -> None:
    # A template has no service to restart; its instances are not known here.
    services = [unit.removesuffix(".service") for unit in units if "@." not in unit]
    if services:
        output.remark(f"→ leger services restart {' '.join(services)}")
