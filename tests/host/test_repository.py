"""The package repository, as the dnf of a host sees it: both checks on, and all that must not pass.

The packages are small ones, but for the last test's.
"""

import gzip
import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import packages
import pytest
import repositories
import repository
import rpm_samples
from conftest import Answer, Host
from hostbox.naming import box_name
from repository_page import grouped
from signing import SigningKey

# A host that has never heard of the repository.
FORGET = f"""
rpm --query --queryformat '%{{NAME}}-%{{VERSION}}-%{{RELEASE}}\\n' gpg-pubkey {rpm_samples.NAME} |
    grep -v 'not installed' | xargs --no-run-if-empty rpm --erase
rm -rf /etc/yum.repos.d/leger.repo /var/cache/dnf /var/lib/dnf
"""

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Served:
    """A host, and on it what repositories are made of and served from."""

    host: Host
    package: Path
    newer: Path
    key: SigningKey
    other: SigningKey
    scratch: Path

    def repository(self, name: str, *packages: Path, change: Change = lambda _: None) -> Path:
        """Make a signed repository, change it as somebody else might, and have it served."""
        tree = self.scratch / name
        repository.add(tree, packages or [self.package], self.key)
        change(tree)
        self.serve(tree)
        return tree

    def serve(self, tree: Path) -> None:
        """Serve a repository in the place of any other, to a host that knows none."""
        self.host.do(FORGET)
        self.host.do("rm -rf /srv/repository")
        repositories.put(self.host, tree)
        repositories.configure(self.host)

    def dnf(self, *arguments: str) -> Answer:
        """Run dnf, which says yes to every question that it asks, also of keys."""
        return repositories.dnf(self.host, *arguments)

    def installed(self) -> str:
        """Return the version of the package that is installed, or nothing."""
        query = f"rpm --query --queryformat '%{{VERSION}}' {rpm_samples.NAME}"
        answer = self.host.run(query)
        return answer.out if answer.code == 0 else ""


@pytest.fixture(scope="module")
def served(images: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A host without leger that serves a repository to itself."""
    scratch = tmp_path_factory.mktemp("repository")
    host = Host(box_name("repository"))
    host.box("down")
    up = host.box("up", "--image-store", images["store"])
    assert up.code == 0, up.err
    repositories.serve(host)
    keys = [rpm_samples.make_key(scratch, name) for name in ("ours", "another")]
    with rpm_samples.opened(keys[0]) as key, rpm_samples.opened(keys[1]) as other:
        package, newer = (rpm_samples.build(scratch, version) for version in ("1", "2"))
        yield Served(host, package, newer, key, other, scratch)
    host.box("down")


def test_a_package_installs_with_both_checks_on(served: Served) -> None:
    served.repository("good")
    answer = served.dnf("install", rpm_samples.NAME)
    assert answer.code == 0, answer
    assert served.installed() == "1"
    # Asked once for the metadata, once for packages: what a person compares is on the page.
    (fingerprint,) = served.key.own.signing
    assert answer.err.count(f"Fingerprint: {grouped(fingerprint)}") == 2
    assert grouped(fingerprint) in served.host.do("cat /srv/repository/index.html")
    checked = served.host.do(
        f"rpmkeys --checksig --verbose /srv/repository/fedora/x86_64/{served.package.name}"
    )
    assert "Signature, key ID" in checked
    assert "NOKEY" not in checked


def test_an_upgrade_comes_from_a_repository_that_was_added_to_and_older_versions_stay(
    served: Served,
) -> None:
    tree = served.repository("growing")
    assert served.dnf("install", rpm_samples.NAME).code == 0
    repository.add(tree, [served.newer], served.key)
    repositories.put(served.host, tree)
    assert served.dnf("upgrade", "--refresh", rpm_samples.NAME).code == 0
    assert served.installed() == "2"
    assert served.dnf("install", f"{rpm_samples.NAME}-1").code == 0
    assert served.installed() == "1"


def test_a_host_that_knows_the_former_key_takes_its_successor(served: Served) -> None:
    tree = served.repository("replaced")
    assert served.dnf("install", rpm_samples.NAME).code == 0
    file = rpm_samples.make_key(served.scratch, "next")
    with file.open("a") as target:
        target.write(served.key.public())
    with rpm_samples.opened(file) as following:
        repository.add(tree, [served.newer], following)
    repositories.put(served.host, tree)
    for version in ("2", "1"):  # of the present key, and of the former one
        answer = served.dnf("install", "--refresh", f"{rpm_samples.NAME}-{version}")
        assert answer.code == 0, answer
        assert served.installed() == version


def _changed(file: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def changed_package(tree: Path) -> None:
    (package,) = (tree / repository.ARCH).glob("*.rpm")
    _changed(package)


def changed_repomd(tree: Path) -> None:
    repomd = tree / repository.REPOMD
    repomd.write_text(repomd.read_text().replace("<revision>", "<revision>9"))


def changed_primary(tree: Path) -> None:
    (primary,) = (tree / repository.ARCH / "repodata").glob("*-primary.xml.gz")
    described = gzip.decompress(primary.read_bytes())
    primary.write_bytes(gzip.compress(described.replace(b"quickly", b"QUICKLY")))


def without_signature(tree: Path) -> None:
    (tree / repository.SIGNATURE).unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed_package, "Downloading successful, but checksum doesn't match"),
        (changed_repomd, "repomd.xml GPG signature verification error: Bad GPG signature"),
        (changed_primary, "Downloading successful, but checksum doesn't match"),
        (without_signature, "GPG verification is enabled, but GPG signature is not available"),
    ],
)
def test_what_was_changed_is_refused(served: Served, change: Change, words: str) -> None:
    served.repository(change.__name__, change=change)
    answer = served.dnf("install", rpm_samples.NAME)
    assert answer.code == 1
    assert words in answer.out + answer.err
    assert served.installed() == ""


def test_a_repository_that_another_key_signed_is_refused(served: Served) -> None:
    tree = served.scratch / "foreign"
    repository.add(tree, [served.package], served.other)
    (tree / "fedora/repo.gpg").write_text(served.key.public())
    served.serve(tree)
    answer = served.dnf("install", rpm_samples.NAME)
    assert answer.code == 1
    assert "repomd.xml GPG signature verification error: Bad GPG signature" in answer.err
    assert served.installed() == ""


@pytest.mark.parametrize(
    ("signed", "words"),
    [
        (True, f"Public key for {rpm_samples.NAME}-1-1.noarch.rpm is not installed"),
        (False, f"Package {rpm_samples.NAME}-1-1.noarch.rpm is not signed"),
    ],
)
def test_a_package_without_our_signature_is_refused_though_the_metadata_has_it(
    served: Served, signed: bool, words: str
) -> None:
    class Careless(SigningKey):
        """Signs metadata, and takes packages as they come."""

        def sign_package(self, package: Path) -> None:
            if signed:
                served.other.sign_package(package)

    tree = served.scratch / f"careless-{signed}"
    shutil.rmtree(tree, ignore_errors=True)
    repository.add(tree, [served.package], Careless(**vars(served.key)))
    served.serve(tree)
    answer = served.dnf("install", rpm_samples.NAME)
    assert answer.code == 1
    assert words in answer.err + answer.out
    assert served.installed() == ""


def test_leger_installs_from_its_repository_and_a_stack_gets_its_secrets(served: Served) -> None:
    served.repository("leger", packages.built())
    answer = served.dnf("install", "--setopt=install_weak_deps=False", "leger")
    assert answer.code == 0, answer
    assert "fail" not in (answer.out + answer.err).lower(), answer
    checked = served.host.do(f"rpmkeys --checksig /srv/repository/{repository.ARCH}/leger-*.rpm")
    assert checked.strip().endswith("digests signatures OK")
    served.host.do("systemctl is-active --quiet legerd.service")
    api_key = secrets.token_urlsafe(24)
    served.host.put("notes_db_password", secrets.token_urlsafe(24))
    served.host.put("notes_api_key", api_key)
    served.host.do("leger deploy install /usr/share/leger/examples/notes --yes")
    status = served.host.status()
    assert status.keys() == {"notes-postgres", "notes-redis", "notes-web"}
    assert {(service["state"], service["why"]) for service in status.values()} == {("running", "")}
    whoami = served.host.do("curl --silent --fail http://127.0.0.1:8090/whoami").strip()
    assert whoami == hashlib.sha256(api_key.encode()).hexdigest()[:12]
