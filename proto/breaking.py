"""Compare the contracts with the last release's: what clients were built with must go on working.

`python proto/breaking.py BUF` runs that `buf breaking` against the newest tag `v…` of HEAD's
history, by the rules in buf.yaml, and exits with 1 when a contract broke, or when git fails. Where
there is nothing to hold to it says so: before the first release, and in a shallow clone without it.
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
    _git("rev-parse", "--verify", "HEAD^{commit}")
    tags = _git("tag", "--list", "v[0-9]*", "--merged", "HEAD", "--sort=-version:refname")
    return tags.decode().partition("\n")[0] or None


def extract(tag: str, destination: Path) -> None:
    """Write the contracts as they were at `tag` below `destination`."""
    # buf would clone the repository, which git refuses to somebody who does not own it, as in CI.
    archive = _git("archive", "--format=tar", tag, "--", *CONTRACTS)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(destination, filter="data")


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        why = done.stderr.decode().strip() or "failed without a word"
        raise SystemExit(f"proto/breaking.py: git {arguments[0]}: {why}")
    return done.stdout


def main() -> None:
    """Run as the module's docstring says."""
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {sys.argv[0]} BUF")
    tag = last_release()
    if tag is None:
        if _git("rev-parse", "--is-shallow-repository").strip() == b"true":
            # CI fetches the history whole; a copy made for building need not fail for the lack.
            sys.stdout.write("contracts not compared: a shallow clone; git fetch --unshallow\n")
        else:
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
