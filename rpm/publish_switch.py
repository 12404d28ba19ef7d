"""The one moment of publishing in which what dnf reads becomes another.

No service replaces several objects in one step. dnf fetches repomd.xml first: one that asks between
the replacements of its signature and of itself finds a bad signature, installs nothing, and is well
at the next try. A kill between them keeps it so until push is run again, which goes on where it
stopped.
"""

import json
import signal
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import publish_files
import repository
from programs import BuildFailed
from publish_bucket import Replacing
from publish_files import Bucket
from repository_metadata import digest_of

SWITCHED = (repository.SIGNATURE, repository.KEYS, repository.SOURCE, repository.REPOMD)
"""What is replaced, in this order: who replaces the signature may replace the others."""


@dataclass(frozen=True)
class Published:
    """What was in the bucket when it was pulled, of that which is replaced."""

    etags: Mapping[Path, str | None]
    """None for what was not there."""

    FILE = Path("published.json")

    def save(self, tree: Path) -> None:
        """Write it into a tree."""
        told = {path.as_posix(): etag for path, etag in self.etags.items()}
        (tree / self.FILE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, tree: Path) -> "Published":
        """Return what a tree was pulled from. Raises BuildFailed if it was not pulled."""
        try:
            told = json.loads((tree / cls.FILE).read_text("utf-8"))
        except FileNotFoundError:
            raise BuildFailed(f"publish: {tree} was not pulled: run pull, then make repo") from None
        return cls({path: told[path.as_posix()] for path in SWITCHED})


def switch(bucket: Bucket, tree: Path, published: Published, *, changed: Collection[Path]) -> None:
    """Replace the signature and at once the metadata that it is of, and between them the keys.

    Of the keys and where they are told of, only what is among `changed`. Each is written only over
    what was pulled, so who comes second for the signature has replaced nothing; who is stopped
    later puts back what it replaced, unless somebody else has replaced that. Raises BuildFailed.
    """
    with _signals_held():
        former = {path: bucket.read(path.as_posix()) for path in SWITCHED}
        written: dict[Path, str] = {}
        try:
            for path in SWITCHED:
                if path in changed or path in (repository.SIGNATURE, repository.REPOMD):
                    over = Replacing(published.etags[path])
                    written[path] = publish_files.write(bucket, path, tree / path, over=over)
        except BuildFailed:
            # The answer may have been lost on the way, and not the write.
            stored = bucket.find(repository.REPOMD.as_posix())
            if stored is None or stored.sha256 != digest_of(tree / repository.REPOMD):
                for path, etag in written.items():
                    _put_back(bucket, path, former[path], over=Replacing(etag))
            raise
        Published({**published.etags, **written}).save(tree)


def _put_back(
    bucket: Bucket, path: Path, former: tuple[bytes, str] | None, *, over: Replacing
) -> None:
    if former is None:
        return  # nothing is ever deleted
    with suppress(BuildFailed):
        publish_files.write(bucket, path, former[0], over=over)


@contextmanager
def _signals_held() -> Iterator[None]:
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
