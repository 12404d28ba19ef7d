"""What release-please is told by the files at the root of this repository."""

import json
from typing import Any

from release.clone import ROOT

CONFIGURATION = "release-please-config.json"
MANIFEST = ".release-please-manifest.json"


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    told: dict[str, Any] = json.loads((ROOT / CONFIGURATION).read_text("utf-8"))
    return told


def types() -> list[str]:
    """Return the types that a commit's title may begin with."""
    return [section["type"] for section in configuration()["changelog-sections"]]


def released_types() -> set[str]:
    """Return the types of commits that the changelog tells of, which make a release."""
    sections = configuration()["changelog-sections"]
    return {section["type"] for section in sections if not section.get("hidden")}


def versioned_files() -> list[str]:
    """Return the paths of the files that hold the version and are no list of releases."""
    return [file["path"] for file in configuration()["packages"]["."]["extra-files"]]
