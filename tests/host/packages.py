"""leger's package, made of this tree as it is, or as a release after it would be.

Each is built once, kept beside what else the build keeps (rpm/build_cache.py), and forgotten when
enough newer ones were made.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.append(str(ROOT / "rpm"))

import build_cache  # noqa: E402
import debian_packages  # noqa: E402
import source_tree  # noqa: E402
from hostbox.running import run  # noqa: E402

PYTHON = ROOT / ".venv/bin/python"
# What holds the version: those of release-please-config.json.
VERSIONED = (
    "pyproject.toml",
    "cli/leger_cli/version.py",
    "services/runtime/leger_runtime/version.py",
)


@dataclass(frozen=True)
class Release:
    """A release so many patch versions after this tree, each edit being a file, old and new."""

    ahead: int
    edits: tuple[tuple[str, str, str], ...] = ()

    @property
    def version(self) -> str:
        """Its version."""
        major, minor, patch = _version().split(".")
        return f"{major}.{minor}.{int(patch) + self.ahead}"

    def package(self) -> Path:
        """Return its package, built first when needed: a quarter of a minute."""
        key = build_cache.fingerprint([_key(), Path(__file__).read_bytes(), repr(self)])
        found = _only(build_cache.kept("release", key, self._make))
        build_cache.forget("release", but=4)
        return found

    def _make(self, draft: Path) -> None:
        """Build it as a release is: from a commit that is this tree with another version."""
        with TemporaryDirectory() as scratch:
            tree = Path(scratch, "tree")
            for path in _inputs():
                target = tree / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
            versions = ((name, f'"{_version()}"', f'"{self.version}"') for name in VERSIONED)
            for name, old, new in (*versions, *self.edits):
                text = (tree / name).read_text(encoding="utf-8")
                if old not in text:
                    raise SystemExit(f"packages: {name} does not say {old}")
                (tree / name).write_text(text.replace(old, new), encoding="utf-8")
            git = [
                "git",
                "-C",
                str(tree),
                "-c",
                "user.name=test",
                "-c",
                "user.email=test@localhost",
            ]
            run(*git, "init", "--quiet")
            run(*git, "add", "--all", "--force")
            run(
                *git, "commit", "--quiet", "--no-gpg-sign", "--no-verify", "--message", self.version
            )
            _build(tree, draft)


# Its image is loaded and names a program that is not in it.
CANNOT_START = Release(1, (("rpm/stage.py", '["/usr/bin/legerd"]', '["/nonexistent"]'),))
WORKS = Release(2)


def built() -> Path:
    """Return the package of this tree as it is; an unchanged tree builds nothing."""
    found = _only(build_cache.kept("rpm", _key(), lambda draft: _build(ROOT, draft)))
    # Each edit makes another one, of 80 MB; those of other trees, and of runs at once, stay.
    build_cache.forget("rpm", but=12)
    return found


def copy_of_this_tree(directory: Path) -> None:
    """Make a clone that has what this tree has, committed or not."""
    run("git", "clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(directory))
    index = run("git", "-C", str(ROOT), "rev-parse", "--git-path", "index").strip()
    shutil.copyfile(ROOT / index, directory / ".git/index")
    for path in _inputs():
        target = directory / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(0o777 if os.access(path, os.X_OK) else 0o666)
        shutil.copyfile(path, target)


def _build(tree: Path, draft: Path) -> None:
    """Build the package of a tree into a directory that does not exist yet."""
    if not PYTHON.exists():
        raise SystemExit("packages: the project is not set up. Run `make test`.")
    sys.stderr.write("building leger's package (half a minute, the first time a minute)\n")
    command = [str(PYTHON), str(tree / "rpm/build.py"), "--output", str(draft)]
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise SystemExit("packages: the package was not built")


def _only(directory: Path) -> Path:
    (package,) = directory.glob("*.rpm")
    return package


def _inputs() -> list[Path]:
    listed = run("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others",
                 "--exclude-standard", *source_tree.INPUTS)  # fmt: skip
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def _key() -> str:
    """Return what changes whenever the package of this tree would."""
    files = build_cache.of_files(_inputs(), below=ROOT)
    head = run("git", "-C", str(ROOT), "rev-parse", "HEAD")
    # Of the examples, those that git tracks are taken; of Debian's packages, those of the week.
    examples = map(str, source_tree.files("examples"))
    return build_cache.fingerprint([files, head, *examples, debian_packages.week()])


def _version() -> str:
    return source_tree.version()
