"""Compare the contracts with the last release's: what clients were built with must go on working.

`python proto/breaking.py BUF` runs that `buf breaking` against the newest tag `v…` of HEAD's
history, by the rules in buf.yaml, and exits with 1 when a contract broke. Before the first release
there is nothing to hold to, which it says.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ["buf.yaml", "proto"]


def last_release() -> str | None:
    """Return the tag of the newest release that HEAD comes after, or is, if there is one."""
    told = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() if told.returncode == 0 else None


def extract(tag: str, destination: Path) -> None:
    """Write the contracts as they were at `tag` below `destination`."""
    # buf would clone the repository, which git refuses to somebody who does not own it, as in CI.
    archive = subprocess.run(
        ["git", "archive", "--format=tar", tag, "--", *CONTRACTS],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if archive.returncode != 0:
        raise SystemExit(f"proto/breaking.py: {archive.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(destination, filter="data")


def main() -> None:
    """Run as the module's docstring says."""
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {sys.argv[0]} BUF")
    tag = last_release()
    if tag is None:
        sys.stdout.write("no release yet: no contract to hold to\n")
        return
    with tempfile.TemporaryDirectory(prefix="contracts-") as directory:
        extract(tag, Path(directory))
        buf = Path(sys.argv[1]).resolve()
        done = subprocess.run([buf, "breaking", "--against", directory], cwd=ROOT, check=False)
    if done.returncode != 0:
        raise SystemExit(f"The contracts broke those of {tag}; CONTRIBUTING.md tells what to do.")


if __name__ == "__main__":
    main()
