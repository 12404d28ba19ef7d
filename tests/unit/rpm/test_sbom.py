import json
from pathlib import Path

import pytest
import sbom
import wheels
from programs import BuildFailed

DEBIAN = {"libc6": "2.41-12+deb13u5", "zlib1g": "1:1.3.dfsg+really1.3.1-1", "base-files": "13"}
DIGEST = "0" * 64


def installed(tree: Path, name: str, licence: str | None) -> None:
    notes = tree / wheels.SITE / f"{name}-1.0.dist-info"
    notes.mkdir(parents=True)
    expression = f"License-Expression: {licence}\n" if licence else ""
    (notes / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n{expression}\nText.\n")


def test_the_document_lists_what_others_made_and_says_what_contains_it(tmp_path: Path) -> None:
    installed(tmp_path, "typer", "MIT")
    installed(tmp_path, "leger", "Apache-2.0")
    parts = sbom.parts(tmp_path, DEBIAN)
    found = json.loads(sbom.document(parts, version="1.2.3", digest=DIGEST, created=0))
    assert found["spdxVersion"] == "SPDX-2.3"
    assert found["creationInfo"]["created"] == "1970-01-01T00:00:00Z"
    own, *others = found["packages"]
    assert (own["name"], own["versionInfo"]) == ("leger", "1.2.3")
    assert own["checksums"] == [{"algorithm": "SHA256", "checksumValue": DIGEST}]
    assert [other["externalRefs"][0]["referenceLocator"] for other in others] == [
        "pkg:deb/debian/libc6@2.41-12%2Bdeb13u5?arch=amd64&distro=trixie",
        "pkg:pypi/typer@1.0",
        "pkg:deb/debian/zlib1g@1%3A1.3.dfsg%2Breally1.3.1-1?arch=amd64&distro=trixie",
    ]
    contained = {r["relatedSpdxElement"] for r in found["relationships"][1:]}
    assert contained == {other["SPDXID"] for other in others}
    assert len(contained) == 3


def test_the_packages_licence_is_that_of_all_parts_together(tmp_path: Path) -> None:
    installed(tmp_path, "cryptography", "Apache-2.0 OR BSD-3-Clause")
    installed(tmp_path, "typer", "MIT")
    assert sbom.expression(sbom.parts(tmp_path, {"zlib1g": "1"})) == (
        "(Apache-2.0 OR BSD-3-Clause) AND Apache-2.0 AND MIT AND Zlib"
    )


def test_a_package_of_unknown_licence_stops_the_build(tmp_path: Path) -> None:
    installed(tmp_path, "something-new", None)
    with pytest.raises(BuildFailed, match="something-new names no SPDX licence"):
        sbom.parts(tmp_path, {})
    with pytest.raises(BuildFailed, match="licence of Debian's libnew1"):
        sbom.parts(tmp_path / "empty", {"libnew1": "1"})
