"""How the repository's files are written into a bucket: as what, for how long, over what."""

import re
from pathlib import Path
from typing import Protocol

from programs import BuildFailed
from publish_bucket import Changed, Replacing, Stored

RACED = "publish: somebody else has published since: run pull, make repo and push again"
# Packages and what is beside them, and metadata that createrepo_c names by its hash.
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


def is_final(path: Path) -> bool:
    """Whether a file of this name never means two contents."""
    return _FINAL.fullmatch(path.name) is not None


def write(
    bucket: Bucket, path: Path, content: Path | bytes, *, over: Replacing | None = None
) -> str:
    """Write a file of the repository and return its ETag. A final one is never overwritten.

    Raises BuildFailed if `over` does not hold: somebody else has published.
    """
    final = is_final(path)
    try:
        return bucket.write(
            path.as_posix(),
            content,
            media_type=_MEDIA_TYPES[path.suffix],
            cache_control=_FOR_EVER if final else _ASK_ALWAYS,
            over=Replacing(None) if final else over,
        )
    except Changed:
        raise BuildFailed(RACED) from None
