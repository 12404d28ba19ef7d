"""What became of a rotation."""

import sys
from typing import TYPE_CHECKING

from leger_cli import output
from leger_cli.views import secrets

if TYPE_CHECKING:
    from leger_cli.shapes.secrets import SecretRotated


def rotated(result: "SecretRotated") -> None:
    """Write which version is active, which units have it, and which get it later.

    Of a private key the public key alone is the result, so that it can be kept in a file.
    """
    name, version, previous = result["name"], result["version"], result["previous_version"]
    if version == previous:
        output.line(f"{name}: version {version} has this value and is active; nothing to rotate")
        return
    stream = sys.stderr if result["public_key"] else sys.stdout
    output.line(f"{name}: version {version} active, version {previous} was", stream=stream)
    for title, units in (
        ("restarted", result["restarted"]),
        ("not running", result["not_running"]),
    ):
        if units:
            output.line(f"  {title:11}  {', '.join(units)}", stream=stream)
    if result["public_key"]:
        output.line(result["public_key"].rstrip("\n"))
    if not result["restarted"] and not result["not_running"]:
        secrets.hint_restart(result["units"])
