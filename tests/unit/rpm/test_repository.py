import configparser
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import repository
import repository_metadata
import rpm_samples
import signing
from programs import BuildFailed
from signing import SigningKey

ROOT = Path(__file__).resolve().parents[3]


def versions(tree: Path) -> list[str]:
    return [package.version for package in repository_metadata.packages(tree / repository.ARCH)]


def contents(tree: Path) -> dict[str, bytes]:
    files = (path for path in tree.rglob("*") if path.is_file())
    return {str(path.relative_to(tree)): path.read_bytes() for path in files}


@pytest.fixture
def tree(tmp_path: Path, rpms: dict[str, Path], key: SigningKey) -> Path:
    """A repository with version 1."""
    repository.add(tmp_path / "repo", [rpms["1"]], key)
    return tmp_path / "repo"


def test_the_repository_file_is_as_documented() -> None:
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read(ROOT / "rpm/leger.repo")
    assert parsed.sections() == ["leger-stable"]
    assert dict(parsed["leger-stable"]) == {
        "name": "Leger stable",
        "baseurl": "https://pkgs.leger.run/fedora/$basearch",
        "enabled": "1",
        "type": "rpm",
        "repo_gpgcheck": "1",
        "gpgcheck": "1",
        "gpgkey": "https://pkgs.leger.run/fedora/repo.gpg",
    }


def test_a_host_is_given_where_packages_are_and_which_key(tree: Path, key: SigningKey) -> None:
    assert (tree / "fedora/leger.repo").read_text() == (ROOT / "rpm/leger.repo").read_text()
    assert (tree / "fedora/repo.gpg").read_text() == key.public()


def test_metadata_is_signed_and_names_its_files_by_their_sums(tree: Path, key: SigningKey) -> None:
    key.verify(tree / repository.REPOMD, tree / repository.SIGNATURE)
    repository_metadata.verify_files(tree / repository.ARCH)
    named = repository_metadata.named_files((tree / repository.REPOMD).read_bytes())
    assert {name.partition("-")[2] for name in named} == {
        "primary.xml.gz",
        "filelists.xml.gz",
        "other.xml.gz",
    }


def test_a_sum_beside_the_package_is_of_the_signed_one(tree: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", f"{rpm_samples.NAME}-1-1.noarch.rpm.sha256"],
        cwd=tree / repository.ARCH,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{rpm_samples.NAME}-1-1.noarch.rpm: OK\n"


def test_an_sbom_beside_the_package_names_the_signed_one(
    tmp_path: Path, rpms: dict[str, Path], key: SigningKey
) -> None:
    package = Path(shutil.copy(rpms["1"], tmp_path))
    before = hashlib.sha256(package.read_bytes()).hexdigest()
    package.with_suffix(".spdx.json").write_text(json.dumps({"checksumValue": before}))
    repository.add(tmp_path / "repo", [package], key)
    signed = tmp_path / "repo" / repository.ARCH / package.name
    document = json.loads(signed.with_suffix(".spdx.json").read_text())
    assert document == {"checksumValue": hashlib.sha256(signed.read_bytes()).hexdigest()}


def test_the_packages_that_were_given_stay_unsigned(
    rpms: dict[str, Path], tree: Path, key: SigningKey
) -> None:
    before = rpms["2"].read_bytes()
    repository.add(tree, [rpms["2"]], key)
    assert rpms["2"].read_bytes() == before


def test_older_versions_stay(tree: Path, rpms: dict[str, Path], key: SigningKey) -> None:
    repository.add(tree, [rpms["2"]], key)
    assert versions(tree) == ["2-1", "1-1"]
    assert {path.name for path in (tree / repository.ARCH).glob("*.rpm")} == {
        f"{rpm_samples.NAME}-1-1.noarch.rpm",
        f"{rpm_samples.NAME}-2-1.noarch.rpm",
    }


def test_older_versions_stay_when_only_their_metadata_is_here(
    tree: Path, rpms: dict[str, Path], key: SigningKey
) -> None:
    (tree / repository.ARCH / f"{rpm_samples.NAME}-1-1.noarch.rpm").unlink()
    repository.add(tree, [rpms["2"]], key)
    assert versions(tree) == ["2-1", "1-1"]


def test_a_client_with_the_former_metadata_still_finds_its_files(
    tree: Path, rpms: dict[str, Path], key: SigningKey
) -> None:
    former = repository_metadata.named_files((tree / repository.REPOMD).read_bytes())
    repository.add(tree, [rpms["2"]], key)
    assert all((tree / repository.ARCH / name).exists() for name in former)


def test_a_package_that_was_built_again_is_listed_as_it_is_now(
    tree: Path, key: SigningKey, tmp_path: Path
) -> None:
    again = rpm_samples.build(tmp_path / "again", "1", content="something else")
    repository.add(tree, [again], key)
    (listed,) = repository_metadata.packages(tree / repository.ARCH)
    file = tree / repository.ARCH / listed.file
    assert listed.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert listed.size == file.stat().st_size


def test_the_page_tells_how_to_add_the_repository_and_lists_every_package(
    tree: Path, rpms: dict[str, Path], key: SigningKey
) -> None:
    repository.add(tree, [rpms["2"]], key)
    page = (tree / "index.html").read_text()
    site = "https://pkgs.leger.run/fedora/leger.repo"
    assert f"dnf config-manager addrepo --from-repofile={site}" in page
    assert f"dnf config-manager --add-repo {site}" in page
    shown = page.replace(" ", "")
    assert all(part in shown for part in (key.own.fingerprint, *key.own.signing))
    for package in repository_metadata.packages(tree / repository.ARCH):
        assert f'href="fedora/x86_64/{package.file}"' in page
        assert package.sha256 in page


def test_everything_comes_after_what_it_names(tree: Path) -> None:
    order = [str(path) for path in repository.publication_order(tree)]
    package = order.index(f"fedora/x86_64/{rpm_samples.NAME}-1-1.noarch.rpm")
    (primary,) = (i for i, path in enumerate(order) if path.endswith("-primary.xml.gz"))
    assert package < primary < order.index(str(repository.SIGNATURE))
    assert order[-5:] == [
        str(repository.SIGNATURE),
        "fedora/repo.gpg",
        "fedora/leger.repo",
        str(repository.REPOMD),
        "index.html",
    ]
    assert set(order) == set(contents(tree))


@pytest.mark.parametrize("changed", ["repomd.xml", "primary.xml.gz"])
def test_a_repository_whose_metadata_was_changed_is_not_signed_again(
    tree: Path, rpms: dict[str, Path], key: SigningKey, changed: str
) -> None:
    (file,) = (tree / repository.ARCH / "repodata").glob(f"*{changed}")
    file.write_bytes(file.read_bytes() + b"\n")
    before = contents(tree)
    with pytest.raises(BuildFailed):
        repository.add(tree, [rpms["2"]], key)
    assert contents(tree) == before


def test_a_repository_of_another_key_is_not_added_to(
    tree: Path, rpms: dict[str, Path], tmp_path: Path
) -> None:
    before = contents(tree)
    with (
        rpm_samples.opened(rpm_samples.make_key(tmp_path, "other")) as other,
        pytest.raises(BuildFailed),
    ):
        repository.add(tree, [rpms["2"]], other)
    assert contents(tree) == before


def test_only_a_repository_of_a_throw_away_key_is_marked_as_not_for_release(
    tree: Path, rpms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not (tree / "not-for-release").exists()
    monkeypatch.setattr(signing, "THROW_AWAY", tmp_path / "throw-away.asc")
    with signing.signing_key({}) as key:
        repository.add(tmp_path / "other", [rpms["1"]], key)
    assert (tmp_path / "other/not-for-release").exists()


def test_make_repo_says_what_is_missing_when_no_package_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["repository.py"])
    with pytest.raises(BuildFailed, match="there is no RPM in dist: make rpm"):
        repository.main()
