from pathlib import Path

import licences


def test_a_package_of_debian_brings_its_notice_and_the_texts_it_refers_to(tmp_path: Path) -> None:
    root, target = tmp_path / "root", tmp_path / "licences"
    (root / "usr/share/doc/gcc-base").mkdir(parents=True)
    (root / "usr/share/doc/gcc-base/copyright").write_text(
        "see /usr/share/common-licenses/GPL-3.\n"
    )
    (root / "usr/share/doc/libgcc").symlink_to("gcc-base")
    (root / "usr/share/common-licenses").mkdir()
    for name in ("GPL-3", "Artistic"):
        (root / "usr/share/common-licenses" / name).write_text(name)
    licences.of_debian(target, ["libgcc"], [tmp_path / "other", root])
    assert "GPL-3" in (target / "libgcc/copyright").read_text()
    assert [path.name for path in (target / "common").iterdir()] == ["GPL-3"]


def test_of_a_wheel_every_licence_is_taken_also_those_of_what_it_includes(tmp_path: Path) -> None:
    notes = tmp_path / "site/thing-1.0.dist-info"
    (notes / "licenses/vendored/openssl").mkdir(parents=True)
    (notes / "licenses/LICENSE.txt").touch()
    (notes / "licenses/vendored/openssl/LICENSE.txt").touch()
    (notes / "METADATA").touch()
    licences.of_wheels(tmp_path / "licences", tmp_path / "site")
    found = {str(p.relative_to(tmp_path)) for p in (tmp_path / "licences").rglob("*.txt")}
    assert found == {
        "licences/thing/LICENSE.txt",
        "licences/thing/vendored/openssl/LICENSE.txt",
    }
