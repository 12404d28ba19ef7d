"""Make the package repository that dnf reads: `make repo`.

    python rpm/repository.py [--tree DIR] [RPM …]

Signs the RPMs, which are those in dist/ unless named, and adds them to the repository in DIR, which
is dist/repo. Whatever versions its metadata names already stay, whether their files are there or,
after `rpm/publish pull`, only in the bucket. The key is told by $LEGER_SIGNING_KEY: see signing.py.

    DIR/index.html                       for people
    DIR/fedora/{leger.repo,repo.gpg}     what a host is given: where, and which key
    DIR/fedora/x86_64/                   packages, each with its sum and SBOM
    DIR/fedora/x86_64/repodata/          metadata: repomd.xml, signed, and files named by their hash
    DIR/not-for-release                  only if the throw-away key signed: publish refuses the tree

All is made in a directory of its own and comes into place file by file, the metadata last: whoever
reads DIR meanwhile, or after a kill, sees the former repository or the new one.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import repository_metadata
import repository_page
from programs import BuildFailed, run
from repository_metadata import digest_of
from signing import SigningKey, signing_key
from source_tree import ROOT

ARCH = Path("fedora/x86_64")
REPOMD = ARCH / "repodata/repomd.xml"
SIGNATURE = ARCH / "repodata/repomd.xml.asc"
KEYS = Path("fedora/repo.gpg")
SOURCE = Path("fedora/leger.repo")
PAGE = Path("index.html")
# Begins the name of the directory, in a tree, that all is made in.
SCRATCH = ".making-"
# In a tree while the throw-away key may have signed something in it; never published.
NOT_FOR_RELEASE = Path("not-for-release")
# gzip is what every dnf reads; createrepo_c's own default differs by its version.
_FORMAT = ("--no-database", "--unique-md-filenames")


def add(tree: Path, packages: Sequence[Path], key: SigningKey) -> None:
    """Sign packages and add them to the repository in `tree`, which is made if there is none.

    A package of the same name and version takes the former one's place. Raises BuildFailed, and
    changes nothing, if the repository there is signed by none of the key's published ones.
    """
    tree.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=tree, prefix=SCRATCH) as scratch:
        draft = Path(scratch)
        (draft / ARCH).mkdir(parents=True)
        for package in packages:
            _add_package(package, draft / ARCH, key)
        run(["createrepo_c", *_FORMAT, "--general-compress-type=gz", draft / ARCH])
        if (tree / REPOMD).exists():
            _keep_former(tree, draft, key)
        _sign_metadata(draft, key)
        (draft / KEYS).write_text(key.public(), encoding="ascii")
        shutil.copy2(ROOT / "rpm/leger.repo", draft / SOURCE)
        listed = repository_metadata.packages(draft / ARCH)
        page = repository_page.render(listed, keys=key.published)
        (draft / PAGE).write_text(page, encoding="utf-8")
        if not key.is_for_release:
            (tree / NOT_FOR_RELEASE).touch()
        for path in publication_order(draft):
            target = tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (draft / path).replace(target)


def publication_order(tree: Path) -> list[Path]:
    """Return the files of a repository, relative to it, in the order in which they may appear.

    Each comes after what it names: packages, files of metadata, the signature of repomd.xml, the
    keys and where they are told of, repomd.xml itself, the page for people. dnf fetches repomd.xml
    and then its signature, so between their replacements it finds a signature that is not of what
    it has, and says so. The keys come within, for whoever replaces the signature first has the
    right to replace them (publish_switch.py).
    """
    last = [SIGNATURE, KEYS, SOURCE, REPOMD, PAGE]
    files = [path.relative_to(tree) for path in (tree / "fedora").rglob("*") if path.is_file()]
    metadata = [path for path in files if path.parent.name == "repodata" and path not in last]
    others = [path for path in files if path not in metadata and path not in last]
    return [*sorted(others), *sorted(metadata), *(path for path in last if (tree / path).exists())]


def signature_of(repomd: bytes) -> Path:
    """Return where the signature of just this repomd.xml is.

    Unlike repomd.xml.asc it is never of another one. dnf does not look for it; the next
    publication does, which may come after one that was killed between signature and repomd.xml.
    """
    return SIGNATURE.with_name(f"{digest_of(repomd)}-repomd.xml.asc")


def _add_package(package: Path, directory: Path, key: SigningKey) -> None:
    signed = Path(shutil.copy2(package, directory))
    before = digest_of(signed)
    key.sign_package(signed)
    digest = digest_of(signed)
    signed.with_name(f"{signed.name}.sha256").write_text(f"{digest}  {signed.name}\n")
    sbom = package.with_suffix(".spdx.json")
    if sbom.exists():
        # It names the package by its sum, which the signature, being inside, has changed.
        text = sbom.read_text("utf-8").replace(before, digest)
        (directory / sbom.name).write_text(text, encoding="utf-8")


def _keep_former(tree: Path, draft: Path, key: SigningKey) -> None:
    """Add to the draft's metadata what the repository's metadata names and the draft has not.

    That is done with the metadata alone, which was signed: no package is fetched or read again,
    and none comes in that somebody has put into the bucket.
    """
    key.verify(tree / REPOMD, tree / signature_of((tree / REPOMD).read_bytes()))
    repository_metadata.verify_files(tree / ARCH)
    # Of two packages of the same version, mergerepo_c takes the one from the first repository.
    sources = ("--repo", (draft / ARCH).as_uri(), "--repo", (tree / ARCH).absolute().as_uri())
    merged = draft / "merged"
    kinds = ("--all", "--omit-baseurl", "--nogroups", "--noupdateinfo", "--compress-type=gz")
    run(["mergerepo_c", *_FORMAT, *kinds, *sources, "--outputdir", merged])
    shutil.rmtree(draft / ARCH / "repodata")
    (merged / "repodata").rename(draft / ARCH / "repodata")


def _sign_metadata(draft: Path, key: SigningKey) -> None:
    key.sign_beside(draft / REPOMD)
    shutil.copy2(draft / SIGNATURE, draft / signature_of((draft / REPOMD).read_bytes()))


def main() -> None:
    """Run as the module's docstring says."""
    parser = argparse.ArgumentParser(description="Make the package repository that dnf reads.")
    parser.add_argument("--tree", type=Path, default=ROOT / "dist/repo", metavar="DIR")
    parser.add_argument("packages", type=Path, nargs="*", metavar="RPM")
    arguments = parser.parse_args()
    packages = arguments.packages or sorted((ROOT / "dist").glob("*.rpm"))
    if not packages:
        raise BuildFailed("repository: there is no RPM in dist: make rpm")
    os.umask(0o022)
    with signing_key(os.environ) as key:
        add(arguments.tree.absolute(), packages, key)
    sys.stdout.write(f"{arguments.tree}\n")


if __name__ == "__main__":
    main()
