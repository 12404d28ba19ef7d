"""Reading a repository's metadata, as createrepo_c writes it and dnf reads it.

Nothing of it is believed before its signature was verified, but for the names of its files.
"""

import gzip
import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from programs import BuildFailed

REPO = "{http://linux.duke.edu/metadata/repo}"
COMMON = "{http://linux.duke.edu/metadata/common}"
# Named after its own SHA-256, so that a name never means two files (createrepo_c's default).
_HASHED = re.compile(r"repodata/([0-9a-f]{64})-[a-z_]+\.xml\.gz")
_PACKAGE = re.compile(r"[A-Za-z0-9][\w.+~^-]*\.rpm")


@dataclass(frozen=True, kw_only=True)
class Package:
    """One RPM of the repository, by what the metadata says of it."""

    file: str
    """Its name below the directory that holds repodata/."""
    name: str
    version: str
    """Version and release, as in 1.2.3-1."""
    arch: str
    size: int
    sha256: str
    built: int
    """Seconds since 1970."""


def digest_of(content: Path | bytes) -> str:
    """Return the SHA-256 of a file or of bytes, in hex."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def named_files(repomd: bytes) -> list[str]:
    """Return the files that a repomd.xml names, below the directory that holds repodata/.

    Raises BuildFailed for a file that is not named after its SHA-256.
    """
    return [href for href, _ in _data(repomd)]


def verify_files(directory: Path) -> None:
    """Raise BuildFailed unless each file that repodata/repomd.xml names is there as it says.

    The sum in repomd.xml is what counts, for that one is signed.
    """
    for href, sha256 in _data((directory / "repodata/repomd.xml").read_bytes()):
        file = directory / href
        if not file.exists() or digest_of(file) != sha256:
            raise BuildFailed(f"repository: {file} is not what repomd.xml says it is")


def packages(directory: Path) -> list[Package]:
    """Return the packages of verified metadata, the newest first."""
    repomd = (directory / "repodata/repomd.xml").read_bytes()
    (primary,) = (href for href in named_files(repomd) if href.endswith("-primary.xml.gz"))
    root = ET.fromstring(gzip.decompress((directory / primary).read_bytes()))  # noqa: S314
    found = [_package(element) for element in root.iter(f"{COMMON}package")]
    return sorted(found, key=lambda package: (package.built, package.version), reverse=True)


def _data(repomd: bytes) -> Iterator[tuple[str, str]]:
    for data in ET.fromstring(repomd).iter(f"{REPO}data"):  # noqa: S314
        href = data.find(f"{REPO}location")
        sha256 = data.findtext(f"{REPO}checksum[@type='sha256']", "")
        name = "" if href is None else href.get("href", "")
        if not (match := _HASHED.fullmatch(name)) or match[1] != sha256:
            raise BuildFailed(f"repository: repomd.xml names a file that is none of ours: {name!r}")
        yield name, sha256


def _package(element: ET.Element) -> Package:
    def one(tag: str) -> ET.Element:
        found = element.find(f"{COMMON}{tag}")
        if found is None:
            raise BuildFailed(f"repository: a package without {tag} in the metadata")
        return found

    file, version = one("location").attrib["href"], one("version").attrib
    if not _PACKAGE.fullmatch(file):
        raise BuildFailed(
            f"repository: the metadata names a package that is none of ours: {file!r}"
        )
    return Package(
        file=file,
        name=one("name").text or "",
        version=f"{version['ver']}-{version['rel']}",
        arch=one("arch").text or "",
        size=int(one("size").attrib["package"]),
        sha256=one("checksum").text or "",
        built=int(one("time").attrib["build"]),
    )
