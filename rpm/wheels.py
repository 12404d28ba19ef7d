"""The Python packages that leger consists of and runs on, as pinned, below usr/lib/leger/site."""

import shutil
import sys
from pathlib import Path

import interpreter
from programs import run
from source_tree import ROOT

PINS = ROOT / "requirements/run.txt"
SITE = interpreter.HOME / "site"

# What an installer notes for itself: it differs from run to run, and names directories of this
# machine.
_INSTALLERS_NOTES = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json")


def install_pinned(root: Path) -> None:
    """Install everything that leger runs on below `root`, checked against the pinned hashes."""
    _install(root / SITE, "--only-binary", ":all:", "--require-hashes", "-r", str(PINS))


def install_leger(root: Path) -> None:
    """Install leger alone below `root`."""
    # Made without build isolation: hatchling is one of the development requirements.
    _install(root / SITE, "--no-deps", "--no-build-isolation", str(ROOT))


def compile_below(root: Path, python: list[str | Path]) -> None:
    """Compile all Python files below `root`'s usr/lib/leger, to be run from /usr/lib/leger.

    `python` is the command of the interpreter that will run them. The bytecode is never compared
    with its source: the files of a package and of an image do not change in place. One process
    compiles all of them, in order: what it writes depends on what it compiled before.
    """
    options: list[str | Path] = [
        "-q",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        root,
        "-p",
        "/",
    ]
    # -B: what it imports itself is not compiled on the way, with other settings.
    run([*python, "-B", "-m", "compileall", *options, root / interpreter.HOME])


def _install(target: Path, *what: str) -> None:
    platform = ["--python-version", interpreter.VERSION]
    platform += ["--python-platform", "x86_64-unknown-linux-gnu"]
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--link-mode", "copy"]
    run([*uv, *platform, "--target", target, *what])
    shutil.rmtree(target / "bin", ignore_errors=True)  # console scripts of the libraries
    (target / ".lock").unlink(missing_ok=True)
    for notes in target.glob("*.dist-info"):
        for name in _INSTALLERS_NOTES:
            (notes / name).unlink(missing_ok=True)
    interpreter.set_modes(target)
