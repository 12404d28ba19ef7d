"""Build the package: `make rpm`.

    python rpm/build.py [--output DIR]

Writes leger-<version>-1.x86_64.rpm, its SBOM (.spdx.json) and its sum (.sha256) into DIR, which is
dist/ unless told otherwise, and prints the package's path. Twice from one commit, with the same
packages of Debian (see debian_packages), gives the same bytes.
"""

import argparse
import hashlib
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import bundle
import sbom
import source_tree
import stage
from programs import run

SPEC = source_tree.ROOT / "rpm/leger.spec"


def package(output: Path) -> Path:
    """Build the package into a directory, with what goes beside it, and return its path."""
    version = source_tree.version()
    committed = source_tree.time()
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        stage.host(tree)
        parts = sbom.parts(tree, bundle.ready().versions)
        settings = {
            "_topdir": f"{scratch}/rpmbuild",
            "leger_tree": tree,
            "leger_version": version,
            "leger_license": sbom.expression(parts),
        }
        defines = [w for name, value in settings.items() for w in ("--define", f"{name} {value}")]
        # Neither the macros nor the language of whoever builds it decides anything.
        environment = {
            "HOME": scratch,
            "LC_ALL": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "SOURCE_DATE_EPOCH": str(committed),
        }
        run(["rpmbuild", "-bb", "--quiet", *defines, SPEC], environment=environment)
        (built,) = Path(scratch).glob("rpmbuild/RPMS/x86_64/*.rpm")
        name = built.name.removesuffix(".rpm")
        made = Path(shutil.move(built, output / built.name))
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    (output / f"{name}.rpm.sha256").write_text(f"{digest}  {made.name}\n", encoding="ascii")
    document = sbom.document(parts, version=version, digest=digest, created=committed)
    (output / f"{name}.spdx.json").write_text(document, encoding="utf-8")
    return made


def main() -> None:
    """Run as the module's docstring says."""
    parser = argparse.ArgumentParser(description="Build the package of leger.")
    parser.add_argument("--output", type=Path, default=source_tree.ROOT / "dist", metavar="DIR")
    arguments = parser.parse_args()
    os.umask(0o022)
    sys.stdout.write(f"{package(arguments.output)}\n")


if __name__ == "__main__":
    main()
