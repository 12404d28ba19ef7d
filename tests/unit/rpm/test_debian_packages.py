import subprocess
from datetime import date
from pathlib import Path

import debian_packages
import pytest


def package(directory: Path, name: str, version: str) -> None:
    tree = directory / f"{name}-tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: nothing\n"
    )
    (tree / "usr/share").mkdir(parents=True)
    (tree / "usr/share" / name).write_text(version)
    file = directory / f"{name}_{version.replace(':', '%3a')}_all.deb"
    subprocess.run(["dpkg-deb", "--build", tree, file], check=True, capture_output=True)


def test_packages_are_found_by_name_with_their_version_and_unpacked(tmp_path: Path) -> None:
    package(tmp_path, "zlib1g", "1:1.3-1")
    package(tmp_path, "debconf", "1.5")
    [found] = debian_packages.read(tmp_path, ["zlib1g"])
    assert (found.name, found.version) == ("zlib1g", "1:1.3-1")
    found.unpack(tmp_path / "root")
    assert (tmp_path / "root/usr/share/zlib1g").read_text() == "1:1.3-1"


def test_a_package_that_is_not_there_is_named(tmp_path: Path) -> None:
    package(tmp_path, "zlib1g", "1")
    with pytest.raises(ValueError, match="libffi8"):
        debian_packages.read(tmp_path, ["libffi8", "zlib1g"])


def test_packages_are_fetched_anew_from_monday_on() -> None:
    sunday, monday = date(2026, 1, 4), date(2026, 1, 5)
    assert debian_packages.week(sunday) == "2026-W01"
    assert debian_packages.week(monday) == "2026-W02"
