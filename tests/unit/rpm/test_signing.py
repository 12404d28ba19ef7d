import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import rpm_samples
import signing
from programs import BuildFailed


def checked(package: Path, *, by: signing.SigningKey, scratch: Path) -> str:
    """Return rpmkeys' words on a package, of a host that trusts just that key."""
    keys = scratch / "repo.gpg"
    keys.write_text(by.public())
    database = ["--dbpath", str(scratch / "database")]
    subprocess.run(["rpmkeys", *database, "--import", keys], check=True)
    done = subprocess.run(
        ["rpmkeys", *database, "--checksig", "--verbose", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else f"refused: {done.stdout}"


def invariant(package: Path) -> str:
    """Return the sum of the header, which has the sums of all else but of the signature."""
    query = ["rpm", "-qp", "--nosignature", "--qf", "%{SHA256HEADER}", str(package)]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def signed(rpms: dict[str, Path], key: signing.SigningKey, tmp_path: Path) -> Path:
    package = Path(shutil.copy(rpms["1"], tmp_path))
    key.sign_package(package)
    return package


def test_a_signed_package_is_accepted_by_a_host_that_has_the_public_key(
    signed: Path, key: signing.SigningKey, tmp_path: Path
) -> None:
    assert re.search(r"Signature, key ID [0-9a-f]+: OK", checked(signed, by=key, scratch=tmp_path))


def test_a_signed_package_is_refused_by_a_host_that_has_another_key(
    signed: Path, tmp_path: Path
) -> None:
    with rpm_samples.opened(rpm_samples.make_key(tmp_path, "other")) as other:
        assert "NOKEY" in checked(signed, by=other, scratch=tmp_path)


def test_signing_again_gives_the_same_bytes(
    signed: Path, rpms: dict[str, Path], key: signing.SigningKey, tmp_path: Path
) -> None:
    first = signed.read_bytes()
    assert first != rpms["1"].read_bytes()
    key.sign_package(signed)
    assert signed.read_bytes() == first


def test_a_signature_leaves_what_a_rebuild_is_compared_with(
    signed: Path, rpms: dict[str, Path]
) -> None:
    assert len(invariant(signed)) == 64
    assert invariant(signed) == invariant(rpms["1"])


def test_a_detached_signature_is_of_that_file_alone(
    key: signing.SigningKey, tmp_path: Path
) -> None:
    file = tmp_path / "repomd.xml"
    file.write_text("as signed")
    signature = key.sign_beside(file)
    key.verify(file, signature)
    file.write_text("as changed")
    with pytest.raises(BuildFailed, match="is signed by none of the keys"):
        key.verify(file, signature)


def test_the_file_of_a_key_is_its_owners_and_has_no_primary_secret(tmp_path: Path) -> None:
    path = rpm_samples.make_key(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with rpm_samples.opened(path) as key:
        listed = subprocess.run(
            ["gpg", "--homedir", key.home, "--list-secret-keys"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert "sec#" in listed


def test_keys_that_are_public_in_the_file_are_published_and_trusted_too(tmp_path: Path) -> None:
    former, current = (rpm_samples.make_key(tmp_path, name) for name in ("former", "current"))
    file = tmp_path / "repomd.xml"
    file.write_text("of the former key")
    with rpm_samples.opened(former) as key:
        signature = key.sign_beside(file)
        with current.open("a") as target:
            target.write(key.public())
        before = key.own
    with rpm_samples.opened(current) as key:
        assert key.own != before
        assert key.published == (key.own, before)
        assert key.public().count("BEGIN PGP PUBLIC KEY BLOCK") == 2
        key.verify(file, signature)


def test_a_file_with_two_secret_keys_is_refused(tmp_path: Path) -> None:
    first, second = (rpm_samples.make_key(tmp_path, name) for name in ("first", "second"))
    first.write_text(first.read_text() + second.read_text())
    with pytest.raises(BuildFailed, match="has 2 secret keys, not one"), rpm_samples.opened(first):
        pass


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.asc"
    with pytest.raises(BuildFailed, match=r"names no file: .*/missing\.asc"):
        rpm_samples.opened(missing).__enter__()


def test_nothing_of_a_key_is_left_in_memory(tmp_path: Path) -> None:
    with rpm_samples.opened(rpm_samples.make_key(tmp_path)) as key:
        home = key.home
        assert home.is_relative_to("/dev/shm")
    assert not home.exists()


def test_without_a_key_one_is_made_and_said_to_be_of_no_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signing, "THROW_AWAY", tmp_path / "build/throw-away.asc")
    with signing.signing_key({}) as first, signing.signing_key({}) as second:
        assert first.own == second.own
        assert not first.is_for_release
    assert "signing with a throw-away key" in capsys.readouterr().err


def test_a_throw_away_key_is_not_for_release_wherever_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "THROW_AWAY", tmp_path / "throw-away.asc")
    with signing.signing_key({}) as throw_away:
        public = throw_away.public()
    copy = Path(shutil.copy(tmp_path / "throw-away.asc", tmp_path / "release.asc"))
    with rpm_samples.opened(copy) as key:
        assert not key.is_for_release
    real = rpm_samples.make_key(tmp_path)
    with rpm_samples.opened(real) as key:
        assert key.is_for_release
    with real.open("a") as target:
        target.write(public)
    with rpm_samples.opened(real) as key:
        assert not key.is_for_release
