"""The tree that the package is made of, and what git knows about it.

A tree without git, such as an unpacked archive of a release, is taken as it is. One that git
refuses to read, because somebody else owns it, fails: see safe.directory in git-config(1).
"""

import tomllib
from pathlib import Path

from programs import run

ROOT = Path(__file__).resolve().parent.parent
# What goes into the package, and what makes it.
INPUTS = (
    ".gitignore",
    "LICENSE",
    "NOTICE",
    "README.md",
    "cli",
    "docs/man",
    "examples",
    "proto/gen",
    "pyproject.toml",
    "quadlets",
    "requirements/run.txt",
    "rpm",
    "services",
    # What is done with a package that is built.
    ":(exclude)rpm/*publish*",
    ":(exclude)rpm/*repo*",
    ":(exclude)rpm/signing.py",
)


def version(root: Path = ROOT) -> str:
    """Return the version of the tree, which the package and the image have too."""
    with (root / "pyproject.toml").open("rb") as file:
        project: str = tomllib.load(file)["project"]["version"]
    return project


def commit(root: Path = ROOT) -> str | None:
    """Return the full hash of the commit that the inputs are; None if they are no commit's."""
    if not _has_git(root) or _git(root, "status", "--porcelain", "--", *INPUTS):
        return None
    return _git(root, "rev-parse", "HEAD").strip()


def time(root: Path = ROOT) -> int:
    """Return when the tree was committed, in seconds since 1970."""
    if _has_git(root):
        return int(_git(root, "show", "--no-patch", "--format=%ct", "HEAD"))
    # git gives all files of an archive the time of its commit.
    return int((root / "pyproject.toml").stat().st_mtime)


def files(directory: str, root: Path = ROOT) -> list[Path]:
    """Return the files below a directory of the tree, by their paths below the root, in order.

    Where there is git, they are those that it tracks and that are still there: not what an editor
    or a trial has left.
    """
    if _has_git(root):
        listed = _git(root, "ls-files", "-z", "--", directory).split("\0")
        paths = [Path(name) for name in listed if name]
    else:
        paths = [path.relative_to(root) for path in (root / directory).rglob("*")]
    return sorted(path for path in paths if (root / path).is_file())


def _has_git(root: Path) -> bool:
    return (root / ".git").exists()  # a directory, or the file of a further work tree


def _git(root: Path, *arguments: str) -> str:
    return run(["git", "-C", root, *arguments])
