"""The packages of Debian that the bundled interpreter and the image's C library come from.

debootstrap fetches them and checks Debian's signature and every sum; it needs no apt of the same
release, and knows where a mirror is. They are those of the stable release, without what only its
security archive has, as of the week in which they are asked for (see build_cache); the package's
SBOM tells which versions they were.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import build_cache
from programs import run

SUITE = "trixie"
INTERPRETER = ("python3.13-minimal", "libpython3.13-minimal", "libpython3.13-stdlib")
# What the interpreter and the wheels are linked with, besides the C library.
LIBRARIES = (
    "libbz2-1.0",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "liblzma5",
    "libssl3t64",
    "libstdc++6",
    "libzstd1",
    "zlib1g",
)
C_LIBRARY = ("libc6",)
# Where the licence of libgcc-s1 and libstdc++6 is, and the texts that licences refer to.
LICENCES = ("gcc-14-base", "base-files")

# A script of debootstrap says what a suite consists of: here, of the packages above alone.
_SCRIPT = """
. "$DEBOOTSTRAP_DIR/scripts/sid"
work_out_debs () {{
    required="{packages}"
    base=""
}}
"""


@dataclass(frozen=True)
class DebianPackage:
    """One package as it was fetched; `file` is the .deb."""

    name: str
    version: str
    file: Path

    def unpack(self, directory: Path) -> None:
        """Lay out the package's files below a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        run(["dpkg-deb", "--extract", self.file, directory])


def fetch() -> list[DebianPackage]:
    """Return the packages, in the order of their names; fetched first when they are not here."""
    names = sorted({*INTERPRETER, *LIBRARIES, *C_LIBRARY, *LICENCES})
    script = _SCRIPT.format(packages=" ".join(names))

    def make(draft: Path) -> None:
        with TemporaryDirectory() as scratch:
            (Path(scratch) / "script").write_text(script, encoding="utf-8")
            root = Path(scratch) / "root"
            # Without the option, a machine that lacks Debian's keys would get no signature checked.
            command = ["debootstrap", "--force-check-gpg", "--download-only"]
            # An empty mirror is debootstrap's own default.
            run([*command, SUITE, root, "", Path(scratch) / "script"])
            draft.mkdir()
            for package in read(root / "var/cache/apt/archives", names):
                # The archive's name has the epoch's colon escaped; its content tells the rest.
                (draft / f"{package.name}.deb").write_bytes(package.file.read_bytes())

    key = build_cache.fingerprint([script, week()])
    packages = read(build_cache.kept("debian", key, make), names)
    build_cache.forget("debian", but=4)
    return packages


def week(today: date | None = None) -> str:
    """Return the week of today, in UTC, in which what is fetched once is not fetched again."""
    year, number, _ = (today or datetime.now(UTC).date()).isocalendar()
    return f"{year}-W{number:02}"


def read(directory: Path, names: Sequence[str]) -> list[DebianPackage]:
    """Return those packages among the .deb files of a directory. Raises ValueError for a gap."""
    found = {}
    for file in sorted(directory.glob("*.deb")):
        if re.split(r"_|\.deb$", file.name)[0] not in names:
            continue
        fields = run(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", file]).split()
        found[fields[0]] = DebianPackage(fields[0], fields[1], file)
    if missing := set(names) - set(found):
        raise ValueError(f"not among the packages: {', '.join(sorted(missing))}")
    return [found[name] for name in sorted(names)]
