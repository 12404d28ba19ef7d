"""What a package is made of, as an SPDX document (SPDX specification 2.3, JSON).

Listed is all that others made: the Python packages by what each says of itself, and Debian's
packages by name. A package whose licence is not known as an SPDX expression stops the build.
"""

import email
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import debian_packages
import wheels
from programs import BuildFailed

# Where the metadata of a Python package has no SPDX expression, read in its licence; and what is
# linked into a wheel beside the package's own code.
_PYTHON_LICENCES = {
    "certifi": "MPL-2.0",
    "charset-normalizer": "MIT",
    "cryptography": "(Apache-2.0 OR BSD-3-Clause) AND Apache-2.0",  # with OpenSSL
    "h11": "MIT",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "podman": "Apache-2.0",
    "protobuf": "BSD-3-Clause",
    "pyrage": "MIT",
    "python-dotenv": "BSD-3-Clause",
    "pyyaml": "MIT",
    "requests": "Apache-2.0",
    "rich": "MIT",
    "shellingham": "ISC",
    "sqlcipher3": "Zlib AND BSD-3-Clause AND Apache-2.0",  # with SQLCipher and OpenSSL
}
_GCC = "GPL-3.0-or-later WITH GCC-exception-3.1"
# Read in the file `copyright` of each, for what is taken out of it.
_DEBIAN_LICENCES = {
    "libbz2-1.0": "bzip2-1.0.6",
    "libc6": "LGPL-2.1-or-later",
    "libexpat1": "MIT",
    "libffi8": "MIT",
    "libgcc-s1": _GCC,
    "liblzma5": "0BSD",
    "libpython3.13-minimal": "Python-2.0.1",
    "libpython3.13-stdlib": "Python-2.0.1",
    "libssl3t64": "Apache-2.0",
    "libstdc++6": _GCC,
    "libzstd1": "BSD-3-Clause",
    "python3.13-minimal": "Python-2.0.1",
    "zlib1g": "Zlib",
}


@dataclass(frozen=True, order=True)
class Part:
    """One package of others; `purl` is its address as the package-url specification has it."""

    name: str
    version: str
    licence: str
    purl: str


def parts(tree: Path, debian: Mapping[str, str]) -> list[Part]:
    """Return what others made of a staged tree, and of the image in it.

    `debian` has the versions of Debian's packages. Raises BuildFailed for an unknown licence.
    """
    return sorted([*_of_python(tree / wheels.SITE), *_of_debian(debian)])


def expression(found: Iterable[Part]) -> str:
    """Return the SPDX expression that holds for all parts, and for leger itself, together."""
    terms = {"Apache-2.0"}
    for part in found:
        terms |= {term for term in part.licence.split(" AND ") if term != "Apache-2.0"}
    wrapped = (f"({term})" if " OR " in term and term[0] != "(" else term for term in terms)
    return " AND ".join(sorted(wrapped))


def document(found: Iterable[Part], *, version: str, digest: str, created: int) -> str:
    """Return the document of the package whose SHA-256 is `digest`; `created` is a Unix time."""
    own = {
        "SPDXID": "SPDXRef-leger",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
        "copyrightText": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "name": "leger",
        "primaryPackagePurpose": "APPLICATION",
        "versionInfo": version,
    }
    others = [_package(part) for part in found]
    contained = [_relation("SPDXRef-leger", "CONTAINS", other["SPDXID"]) for other in others]
    described = _relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-leger")
    moment = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = {
        "SPDXID": "SPDXRef-DOCUMENT",
        "creationInfo": {"created": moment, "creators": ["Tool: leger-rpm-build"]},
        "dataLicense": "CC0-1.0",
        "documentNamespace": f"https://leger.run/spdx/leger-{version}-{digest}",
        "name": f"leger-{version}",
        "packages": [own, *others],
        "relationships": [described, *contained],
        "spdxVersion": "SPDX-2.3",
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _of_python(site: Path) -> list[Part]:
    found = []
    for notes in sorted(site.glob("*.dist-info/METADATA")):
        metadata = email.message_from_string(notes.read_text("utf-8"))
        # As PEP 503 writes names, whatever a package calls itself.
        name = metadata["Name"].lower().replace("_", "-").replace(".", "-")
        if name == "leger":
            continue
        licence = _PYTHON_LICENCES.get(name) or metadata["License-Expression"]
        if licence is None:
            raise BuildFailed(f"rpm/sbom.py: {name} names no SPDX licence; read it and note it")
        purl = f"pkg:pypi/{name}@{quote(metadata['Version'])}"
        found.append(Part(name, metadata["Version"], licence, purl))
    return found


def _of_debian(versions: Mapping[str, str]) -> list[Part]:
    found = []
    # Of the others there are texts alone.
    for name in sorted(set(versions) - set(debian_packages.LICENCES)):
        if name not in _DEBIAN_LICENCES:
            raise BuildFailed(f"rpm/sbom.py: the licence of Debian's {name} is not noted")
        release = f"arch=amd64&distro={debian_packages.SUITE}"
        purl = f"pkg:deb/debian/{quote(name)}@{quote(versions[name], safe='')}?{release}"
        found.append(Part(name, versions[name], _DEBIAN_LICENCES[name], purl))
    return found


def _package(part: Part) -> dict[str, Any]:
    return {
        # An identifier has letters, digits, dots and hyphens alone.
        "SPDXID": f"SPDXRef-{hashlib.sha256(part.purl.encode()).hexdigest()[:12]}",
        "copyrightText": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceLocator": part.purl,
                "referenceType": "purl",
            }
        ],
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": part.licence,
        "name": part.name,
        "versionInfo": part.version,
    }


def _relation(element: str, kind: str, related: str) -> dict[str, str]:
    return {
        "relatedSpdxElement": related,
        "relationshipType": kind,
        "spdxElementId": element,
    }
