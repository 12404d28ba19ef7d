"""The interpreter that leger brings along: Debian's CPython, in a place of its own.

    <prefix>/bin/python3           finds its library, and its shared objects, by where it lies
    <prefix>/lib/python3.13/       the standard library, without what leger never imports
    <prefix>/lib/*.so.N            the shared libraries that are not the C library's

It needs a C library of the host that is new enough; rpm finds out which symbols of it.
"""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from programs import run

VERSION = "3.13"
HOME = Path("usr/lib/leger")  # of the interpreter, and of the packages beside it
PREFIX = HOME / "python"
PYTHON = PREFIX / "bin/python3"

# Of the standard library: what tests it, draws windows, edits lines, or speaks to other engines.
_UNUSED = (
    "EXTERNALLY-MANAGED",
    "_pyrepl",
    "curses",
    "dbm",
    "ensurepip",
    "idlelib",
    "pydoc_data",
    "sqlite3",
    "test",
    "tkinter",
    "turtle.py",
    "turtledemo",
    "unittest",
    "venv",
    # Their engines are not bundled, or they are there for CPython's own tests.
    "lib-dynload/_curses*.so",
    "lib-dynload/_dbm.*.so",
    "lib-dynload/_sqlite3.*.so",
    "lib-dynload/_tkinter.*.so",
    "lib-dynload/_uuid.*.so",
    "lib-dynload/readline.*.so",
    "lib-dynload/*test*.so",
    "lib-dynload/xx*.so",
)
_LIBRARIES = Path("usr/lib/x86_64-linux-gnu")
_LOADER = "ld-linux-x86-64.so.2"


def lay_out(root: Path, debian: Path) -> None:
    """Write the interpreter below `root`, not compiled yet, from Debian's files in `debian`.

    The shared libraries are also those that the packages which lie in `root` already need.
    """
    prefix = root / PREFIX
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib").mkdir()
    shutil.copy2(debian / f"usr/bin/python{VERSION}", root / PYTHON)
    library = prefix / f"lib/python{VERSION}"
    # A link that leads nowhere is into /etc: a setting of the distribution, and none of leger's.
    shutil.copytree(debian / f"usr/lib/python{VERSION}", library, ignore_dangling_symlinks=True)
    prune(library)
    _copy_libraries(_elf_files(root), debian / _LIBRARIES, prefix / "lib")
    # DT_RPATH, unlike DT_RUNPATH, also holds for what the interpreter loads later: the extensions
    # of the standard library and of the packages stay as they were made.
    _patchelf("--force-rpath", "--set-rpath", "$ORIGIN/../lib", root / PYTHON)
    set_modes(prefix)


def prune(library: Path) -> None:
    """Remove from a standard library what leger never imports."""
    for pattern in _UNUSED:
        for path in library.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    for path in list(library.rglob("__pycache__")):
        shutil.rmtree(path)


def lay_out_c_library(target: Path, *, root: Path, debian: Path) -> None:
    """Write below `target` what the interpreter in `root` needs of the C library in `debian`."""
    libraries = target / _LIBRARIES
    libraries.mkdir(parents=True)
    _copy_libraries(_elf_files(root), debian / _LIBRARIES, libraries)
    (target / "usr/lib64").mkdir()
    (target / "usr/lib64" / _LOADER).symlink_to(Path("..", *_LIBRARIES.parts[1:], _LOADER))
    (target / "lib").symlink_to("usr/lib")
    (target / "lib64").symlink_to("usr/lib64")


def command(root: Path, c_library: Path) -> list[str | Path]:
    """Return the command that runs the interpreter in `root`, whatever this machine's C library.

    `c_library` is what `lay_out_c_library` wrote.
    """
    libraries = c_library / _LIBRARIES
    path = f"{libraries}:{root / PREFIX / 'lib'}"
    return [libraries / _LOADER, "--library-path", path, root / PYTHON, "-IS"]


def set_modes(home: Path) -> None:
    """Make exactly the ELF files below `home` executable: modules are run by the interpreter.

    rpm would require what the first line of an executable module names, and looks only into
    executable ELF files.
    """
    elf_files = set(_elf_files(home))
    for path in home.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path in elf_files else 0o644)


def _elf_files(root: Path) -> list[Path]:
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append(path)
    return found


def _copy_libraries(users: Iterable[Path], source: Path, target: Path) -> None:
    """Copy from `source` the shared libraries that the users need, and those need in turn."""
    waiting = list(users)
    while waiting:
        for name in _patchelf("--print-needed", waiting.pop()).split():
            if (source / name).exists() and not (target / name).exists():
                shutil.copy2(source / name, target / name)
                waiting.append(target / name)


def _patchelf(*arguments: str | Path) -> str:
    return run([Path(sys.executable).parent / "patchelf", *arguments])
