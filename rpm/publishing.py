"""Publish the package repository in a bucket of an S3-compatible service.

    rpm/publish pull BUCKET [--tree DIR]                what is published, but for the packages
    make repo                                           adds dist/*.rpm to it, and signs
    rpm/publish push BUCKET [--tree DIR] [--dry-run]    the packages, and then what names them

`pull` makes the repository in DIR, which is dist/repo, anew; in a directory that holds anything
else it changes nothing. It then has what `make repo` must know to keep the versions that are
published, and published.json, by which `push` sees whether somebody else has published since.
`push` may be killed at any moment and run again; it deletes nothing, writes no package or file of
metadata a second time, and refuses to give one of them another content.

Needed: $AWS_ACCESS_KEY_ID, $AWS_SECRET_ACCESS_KEY, $AWS_ENDPOINT_URL. No signing key.
"""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

import publish_files
import repository
import repository_metadata
from programs import BuildFailed
from publish_bucket import S3Bucket, Stored, connect
from publish_files import Bucket
from publish_switch import SWITCHED, Published, switch
from repository_metadata import digest_of
from source_tree import ROOT

Say = Callable[[str], None]

# All that pull, `make repo` and push write into a tree. published.json is the first to go and the
# last to come: a pull that was interrupted leaves no tree that could be pushed.
_WRITTEN = (
    Published.FILE,
    repository.NOT_FOR_RELEASE,
    repository.PAGE,
    repository.KEYS,
    repository.SOURCE,
    repository.ARCH,
)


def pull(bucket: Bucket, tree: Path) -> None:
    """Make the tree anew: the published metadata and its signature, as `make repo` checks them.

    Raises BuildFailed, and leaves the tree as it was, if a part of it cannot be had, or if the
    tree is a directory that holds something else than a repository.
    """
    _refuse_foreign(tree)
    # Seen before the metadata is read: what is replaced meanwhile, push will notice.
    etags: dict[Path, str | None] = {}
    for path in SWITCHED:
        stored = bucket.find(path.as_posix())
        etags[path] = None if stored is None else stored.etag
    found = bucket.read(repository.REPOMD.as_posix())
    etags[repository.REPOMD] = None if found is None else found[1]
    files: dict[Path, bytes] = {}
    if found is not None:
        repomd = found[0]
        named = repository_metadata.named_files(repomd)
        for path in (*(repository.ARCH / name for name in named), repository.signature_of(repomd)):
            content = bucket.read(path.as_posix())
            if content is None:
                raise BuildFailed(f"publish: the bucket's repomd.xml needs {path}: it is not there")
            files[path] = content[0]
        files[repository.REPOMD] = repomd
    for written in (*(tree / path for path in _WRITTEN), *_scratch(tree)):
        _remove(written)
    tree.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)
    Published(etags).save(tree)


def push(
    bucket: Bucket, tree: Path, *, dry_run: bool, say: Say, throw_away_key: bool = False
) -> None:
    """Bring a tree that was pulled and added to into the bucket, the metadata last.

    Raises BuildFailed if somebody else has published since, if a published package has another
    content, if the metadata names a package that is neither here nor there, or, unless
    `throw_away_key`, if such a key signed; what dnf reads is then as it was. `say` is told each
    file that is written, or, in a dry run, would be.
    """
    published = Published.load(tree)
    if (tree / repository.NOT_FOR_RELEASE).exists() and not throw_away_key:
        raise BuildFailed(
            f"publish: {tree} was signed by a throw-away key: set LEGER_SIGNING_KEY, "
            "run pull, make repo and push again"
        )
    _refuse_missing_packages(bucket, tree)
    changed = []
    for path in repository.publication_order(tree):
        stored = bucket.find(path.as_posix())
        if _is_same(stored, tree, path):
            continue
        if path in SWITCHED and (stored and stored.etag) != published.etags[path]:
            raise BuildFailed(publish_files.RACED)
        changed.append(path)
    for path in changed:
        say(str(path))
    if dry_run:
        return
    for path in changed:
        if path not in (*SWITCHED, repository.PAGE):
            publish_files.write(bucket, path, tree / path)
    if any(path in SWITCHED for path in changed):
        switch(bucket, tree, published, changed=changed)
    # For people, and so after all that it tells of; who lost a race has not come as far.
    if repository.PAGE in changed:
        publish_files.write(bucket, repository.PAGE, tree / repository.PAGE)


def _refuse_foreign(tree: Path) -> None:
    """Raise BuildFailed unless the tree is missing, empty, or a repository of this kind."""
    if not tree.exists():
        return
    ours = {path.relative_to("fedora") for path in _WRITTEN if path.is_relative_to("fedora")}
    is_repository = tree.is_dir() and (
        (tree / Published.FILE).exists()
        or (tree / "fedora").is_dir()
        or not any(path for path in tree.iterdir() if path not in _scratch(tree))
    )
    if not is_repository or any(
        path.relative_to(tree / "fedora") not in ours for path in (tree / "fedora").glob("*")
    ):
        raise BuildFailed(
            f"publish: {tree} holds something else than a repository: name another directory"
        )


def _scratch(tree: Path) -> list[Path]:
    return list(tree.glob(f"{repository.SCRATCH}*"))  # of a `make repo` that was killed


def _refuse_missing_packages(bucket: Bucket, tree: Path) -> None:
    stored = bucket.sizes(f"{repository.ARCH.as_posix()}/")
    for package in repository_metadata.packages(tree / repository.ARCH):
        path = repository.ARCH / package.file
        if not (tree / path).exists() and stored.get(path.as_posix()) != package.size:
            raise BuildFailed(f"publish: {path} is in the metadata, and neither here nor published")


def _is_same(stored: Stored | None, tree: Path, path: Path) -> bool:
    if stored is None:
        return False
    same = stored.sha256 == digest_of(tree / path)
    if not same and publish_files.is_final(path):
        raise BuildFailed(f"publish: {path} is published with another content: raise the version")
    return same


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main() -> None:
    """Run as the module's docstring says."""
    parser = argparse.ArgumentParser(
        prog="publish",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (("pull", "fetch what is published"), ("push", "publish")):
        command = verbs.add_parser(verb, help=text, description=text)
        command.add_argument("bucket", metavar="BUCKET")
        command.add_argument("--tree", type=Path, default=ROOT / "dist/repo")
        if verb == "push":
            command.add_argument("--dry-run", action="store_true", help="tell, and write nothing")
            command.add_argument(
                "--throw-away-key",
                action="store_true",
                help="publish though a throw-away key signed: into a bucket for tests",
            )
    arguments = parser.parse_args()
    bucket = S3Bucket(arguments.bucket, connect())
    if arguments.verb == "pull":
        pull(bucket, arguments.tree)
    else:
        told = "would publish" if arguments.dry_run else "publishing"
        push(
            bucket,
            arguments.tree,
            dry_run=arguments.dry_run,
            throw_away_key=arguments.throw_away_key,
            say=lambda path: print(f"{told} {path}", flush=True),  # noqa: T201
        )
