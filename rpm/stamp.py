"""Writing into a package which commit it is made from."""

import re
from pathlib import Path

_HASH = re.compile(r"[0-9a-f]{40}")


def stamp(site: Path, commit: str) -> None:
    """Have the leger below `site` say that it was built from `commit`, a full hash.

    `leger_runtime.version` reads it. Raises ValueError for anything else than a full hash.
    """
    if not _HASH.fullmatch(commit):
        raise ValueError(f"no full hash of a commit: {commit!r}")
    (site / "leger_runtime/commit").write_text(f"{commit}\n", encoding="ascii")
