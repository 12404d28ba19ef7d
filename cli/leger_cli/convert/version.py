"""Versions of client and services."""

from leger_cli import builds
from leger_cli.shapes import version as shapes


def build(found: builds.Build) -> shapes.Build:
    """Return one build."""
    return {
        "version": found.version,
        "commit": found.commit or None,
        "packages": list(found.packages),
        "store_schema": found.store_schema,
    }
