"""A clone to release from: commits, tags, and what release-please would propose for it."""

import json
import os
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DRY_RUN = Path(__file__).resolve().with_name("dry-run.cjs")
BRANCH = "main"
# Neither the machine's configuration of git nor its user's decides how the clones behave.
ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": str(Path(__file__).resolve().with_name("gitconfig")),
    "GIT_CONFIG_SYSTEM": os.devnull,
}


@dataclass(frozen=True)
class Proposal:
    """One release that release-please would propose, with the whole files that it would write."""

    title: str
    version: str
    files: dict[str, str]

    @property
    def changelog(self) -> str:
        """What the proposal tells people."""
        return self.files["CHANGELOG.md"]


class Clone:
    """A git repository in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def empty(cls, directory: Path) -> "Clone":
        """Make a repository that has no commit yet."""
        clone = cls(directory)
        clone.git("init", "--quiet", "--initial-branch", BRANCH, str(directory), cwd=ROOT)
        return clone

    @classmethod
    def of_this_repository(cls, directory: Path) -> "Clone":
        """Clone this repository, and commit what is in its work tree and not yet committed."""
        clone = cls(directory)
        clone.git("clone", "--quiet", str(ROOT), str(directory), cwd=ROOT)
        clone.git("checkout", "--quiet", "-B", BRANCH)
        clone.git("--work-tree", str(ROOT), "add", "--all")
        clone.git("commit", "--quiet", "--allow-empty", "--message", "chore: the work tree")
        clone.git("reset", "--quiet", "--hard")
        return clone

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git, which must succeed, and return what it printed."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.directory,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def write(self, files: dict[str, str]) -> None:
        """Write files, by their paths in the repository."""
        for name, content in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")

    def commit(self, message: str) -> None:
        """Commit whatever there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def release(self, proposal: Proposal) -> None:
        """Do what merging the proposal leads to: its files, its commit and the tag."""
        self.write(proposal.files)
        self.commit(proposal.title)
        self.git("tag", f"v{proposal.version}")

    def proposed(self) -> Proposal | None:
        """Return the release that release-please proposes for the branch, if any."""
        (proposal,) = proposed([self])
        return proposal

    def last_release(self) -> str | None:
        """Return the newest tag of a release, if there was one."""
        tags = self.git("tag", "--list", "v*", "--merged", BRANCH, "--sort=-version:refname")
        return tags.splitlines()[0] if tags else None

    def manifest(self) -> str:
        """Return the version that release-please takes for the last one released."""
        told = json.loads((self.directory / ".release-please-manifest.json").read_text("utf-8"))
        return str(told["."])

    def version(self) -> str:
        """Return the version that the package's metadata tells."""
        metadata = tomllib.loads((self.directory / "pyproject.toml").read_text("utf-8"))
        return str(metadata["project"]["version"])


def proposed(clones: Sequence[Clone]) -> list[Proposal | None]:
    """Return what release-please proposes for each; asking for many at once costs little more."""
    done = subprocess.run(
        ["node", str(DRY_RUN), BRANCH, *(str(clone.directory) for clone in clones)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert all(len(proposals) <= 1 for proposals in told), "this is one package, with one version"
    return [Proposal(**proposals[0]) if proposals else None for proposals in told]
