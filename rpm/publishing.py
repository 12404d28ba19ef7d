"""Publish the package repository in a bucket of an S3-compatible service.

    rpm/publish pull BUCKET [--tree DIR]                what is published, but for the packages
    make repo                                           adds dist/*.rpm to it, and signs
    rpm/publish push BUCKET [--tree DIR] [--dry-run]    the packages, and then what names them

`pull` makes DIR, which is dist/repo, anew. It holds what `make repo` must know to keep the versions
that are published, and published.json, by which `push` sees whether somebody else has published
since. `push` may be killed at any moment and run again; it deletes nothing, writes no package or
file of metadata a second time, and refuses to give one of them another content.

Needed: $AWS_ACCESS_KEY_ID, $AWS_SECRET_ACCESS_KEY, $AWS_ENDPOINT_URL. No signing key.
"""

import argparse
import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import repository
import repository_metadata
from programs import BuildFailed
from publish_bucket import Changed, Replacing, S3Bucket, Stored, connect
from repository_metadata import digest_of
from signing import ROOT

Say = Callable[[str], None]

# A name of this kind never means two contents: packages and what is beside them, and metadata that
# createrepo_c names by its hash.
_FINAL = re.compile(r".+\.(rpm|rpm\.sha256|spdx\.json|xml\.gz)")
_FOR_EVER = "public, max-age=31536000, immutable"
# May be kept, and is asked for each time: repomd.xml and its signature must be of one age.
_ASK_ALWAYS = "no-cache"
_MEDIA_TYPES = {
    ".asc": "application/pgp-signature",
    ".gpg": "application/pgp-keys",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".repo": "text/plain; charset=utf-8",
    ".rpm": "application/x-rpm",
    ".sha256": "text/plain; charset=utf-8",
    ".xml": "application/xml",
}
_RACED = "publish: somebody else has published since: run pull, make repo and push again"


class Bucket(Protocol):
    """What publishing needs of a bucket; S3Bucket says what each does."""

    def sizes(self, prefix: str) -> dict[str, int]: ...  # noqa: D102
    def find(self, key: str) -> Stored | None: ...  # noqa: D102
    def read(self, key: str) -> tuple[bytes, str] | None: ...  # noqa: D102
    def write(  # noqa: D102
        self,
        key: str,
        content: Path | bytes,
        *,
        media_type: str,
        cache_control: str,
        over: Replacing | None = None,
    ) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was in the bucket when it was pulled: the ETags, or None for what was not there."""

    repomd: str | None
    signature: str | None

    def save(self, tree: Path) -> None:
        """Write it into a tree."""
        (tree / "published.json").write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, tree: Path) -> "Published":
        """Return what a tree was pulled from. Raises BuildFailed if it was not pulled."""
        try:
            return cls(**json.loads((tree / "published.json").read_text("utf-8")))
        except FileNotFoundError:
            raise BuildFailed(f"publish: {tree} was not pulled: run pull, then make repo") from None


def pull(bucket: Bucket, tree: Path) -> None:
    """Make the tree anew: the published metadata and its signature, as `make repo` checks them.

    Raises BuildFailed if a part of it cannot be had; the tree is then as it was.
    """
    signature = bucket.find(repository.SIGNATURE.as_posix())
    found = bucket.read(repository.REPOMD.as_posix())
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
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for path, data in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)
    Published(
        repomd=None if found is None else found[1],
        signature=None if signature is None else signature.etag,
    ).save(tree)


def push(bucket: Bucket, tree: Path, *, dry_run: bool, say: Say) -> None:
    """Bring a tree that was pulled and added to into the bucket, the metadata last.

    Raises BuildFailed if somebody else has published since, if a published package has another
    content, or if the metadata names a package that is neither here nor there; what dnf reads is
    then as it was. `say` is told each file that is written, or, in a dry run, would be.
    """
    published = Published.load(tree)
    _refuse_missing_packages(bucket, tree)
    switch = (repository.SIGNATURE, repository.REPOMD)
    order = repository.publication_order(tree)
    before = [path for path in order if path not in switch and path.parent != Path()]
    changed = [path for path in order if not _is_stored(bucket, tree, path)]
    current = bucket.find(repository.REPOMD.as_posix())
    if repository.REPOMD in changed and (current and current.etag) != published.repomd:
        raise BuildFailed(_RACED)
    for path in changed:
        say(str(path))
    if dry_run:
        return
    for path in before:
        if path in changed:
            over = Replacing(None) if _FINAL.fullmatch(path.name) else None
            _write(bucket, tree, path, over=over)
    if any(path in changed for path in switch):
        _switch(bucket, tree, published)
    # For people, and so after all that it tells of; who lost a race has not come as far.
    for path in order:
        if path in changed and path.parent == Path():
            _write(bucket, tree, path)


def _refuse_missing_packages(bucket: Bucket, tree: Path) -> None:
    stored = bucket.sizes(f"{repository.ARCH.as_posix()}/")
    for package in repository_metadata.packages(tree / repository.ARCH):
        path = repository.ARCH / package.file
        if not (tree / path).exists() and stored.get(path.as_posix()) != package.size:
            raise BuildFailed(f"publish: {path} is in the metadata, and neither here nor published")


def _is_stored(bucket: Bucket, tree: Path, path: Path) -> bool:
    found = bucket.find(path.as_posix())
    if found is None:
        return False
    same = found.sha256 == digest_of(tree / path)
    if not same and _FINAL.fullmatch(path.name):
        raise BuildFailed(f"publish: {path} is published with another content: raise the version")
    return same


def _write(bucket: Bucket, tree: Path, path: Path, *, over: Replacing | None = None) -> str:
    try:
        return bucket.write(
            path.as_posix(),
            tree / path,
            media_type=_MEDIA_TYPES[path.suffix],
            cache_control=_FOR_EVER if _FINAL.fullmatch(path.name) else _ASK_ALWAYS,
            over=over,
        )
    except Changed:
        raise BuildFailed(_RACED) from None


def _switch(bucket: Bucket, tree: Path, published: Published) -> None:
    """Replace the signature, and at once the metadata that it is of.

    No service replaces two objects in one step. dnf fetches repomd.xml first: one that asks between
    these two writes finds a bad signature, installs nothing, and is well at the next try. A kill
    between them keeps it so until push is run again, which goes on where it stopped. The signature
    is written conditionally too: who lost a race must not spoil the winner's.
    """
    with _signals_held():
        former = bucket.read(repository.SIGNATURE.as_posix())
        over = Replacing(published.signature)
        signature = _write(bucket, tree, repository.SIGNATURE, over=over)
        try:
            over = Replacing(published.repomd)
            repomd = _write(bucket, tree, repository.REPOMD, over=over)
        except BuildFailed:
            # The answer may have been lost on the way, and not the write.
            stored = bucket.find(repository.REPOMD.as_posix())
            if stored is None or stored.sha256 != digest_of(tree / repository.REPOMD):
                _put_back(bucket, former, over=Replacing(signature))
            raise
        Published(repomd=repomd, signature=signature).save(tree)


def _put_back(bucket: Bucket, former: tuple[bytes, str] | None, *, over: Replacing) -> None:
    if former is None:
        return
    with suppress(Changed):  # then it is another publisher's, who minds it
        bucket.write(
            repository.SIGNATURE.as_posix(),
            former[0],
            media_type=_MEDIA_TYPES[repository.SIGNATURE.suffix],
            cache_control=_ASK_ALWAYS,
            over=over,
        )


@contextmanager
def _signals_held() -> Iterator[None]:
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
            say=lambda path: print(f"{told} {path}", flush=True),  # noqa: T201
        )
