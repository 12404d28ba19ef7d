"""Gathering the licences of all that is bundled, for /usr/share/licenses/leger.

    <package>/…      what the package itself brings: of Debian's, its file `copyright`
    common/…         the texts that Debian's files refer to

What is not a package's own, but linked into it, is told by its licence too: see sbom.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

PLACE = Path("usr/share/licenses/leger")

_COMMON = re.compile(r"/usr/share/common-licenses/([\w.+-]*[\w+])")
_NAMES = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)", re.IGNORECASE)


def of_debian(target: Path, names: Iterable[str], unpacked: Iterable[Path]) -> None:
    """Write the licences of packages of Debian, whose files lie below any of `unpacked`."""
    roots = list(unpacked)
    mentioned: set[str] = set()
    for name in names:
        for root in roots:
            notice = root / "usr/share/doc" / name / "copyright"
            if notice.exists():  # it may belong to another package, as one for several
                (target / name).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(notice, target / name / "copyright")
                mentioned |= set(_COMMON.findall(notice.read_text("utf-8", "replace")))
    (target / "common").mkdir(parents=True, exist_ok=True)
    for name in mentioned:
        for root in roots:
            text = root / "usr/share/common-licenses" / name
            if text.exists():
                shutil.copyfile(text, target / "common" / name)


def of_wheels(target: Path, site: Path) -> None:
    """Write the licences of the packages in `site`, out of what each notes about itself."""
    for notes in site.glob("*.dist-info"):
        name = notes.name.split("-")[0]
        for path in sorted(notes.rglob("*")):
            if path.is_file() and _NAMES.match(path.name):
                # Several of a package may have one name, such as those of what it includes.
                inner = path.relative_to(notes)
                place = target / name / Path(*[part for part in inner.parts if part != "licenses"])
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)
