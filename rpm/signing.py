"""The key that the repository is signed with, and what is signed with it.

$LEGER_SIGNING_KEY is the path of a file with one secret key, as `gpg --armor
--export-secret-subkeys` writes it. Public keys in the same file are published beside it: the former
and the next one, while a key is replaced (docs/how-to/verify-packages.md). Without it a key is made
that nobody else trusts.

GnuPG keeps what it imports in files, so its directory is in memory and gone at the end.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from programs import BuildFailed, run
from source_tree import ROOT

THROW_AWAY = ROOT / "build/throw-away-signing-key.asc"
MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs, which is what is asked for
# Is in the throw-away key itself, so that a copy of it is known too, and users see it.
_NOT_FOR_RELEASE = "leger, not for release <nobody@localhost>"


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """A key as its fingerprints tell it."""

    fingerprint: str
    """Of the primary key, by which GnuPG knows it."""
    signing: tuple[str, ...]
    """Of each part that signs: what dnf shows a person before it takes the key."""
    created: int
    """When the newest part was made, in seconds since 1970."""
    names: tuple[str, ...]
    """Its user IDs, which whoever made it chose."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A secret key in a GnuPG directory, and the public keys that users get."""

    home: Path
    own: PublicKey
    published: tuple[PublicKey, ...]
    """What is in repo.gpg; the own one is the first."""

    @property
    def is_for_release(self) -> bool:
        """Whether no key that users would get is a throw-away one."""
        return not any(_NOT_FOR_RELEASE in key.names for key in self.published)

    def sign_package(self, package: Path) -> None:
        """Sign an RPM in place; whatever signature it has is replaced.

        The same package, key and rpm give the same bytes: a release that was interrupted is
        made again without a second file of the same name. So the time in the signature is not
        that of the signing, but the earliest that is possible: when both were there.
        """
        built = int(run(["rpm", "-qp", "--nosignature", "--qf", "%{BUILDTIME}", package]))
        arguments = f"--batch --faked-system-time {max(built, self.own.created)}!"
        settings = {
            "__gpg": shutil.which("gpg") or "gpg",
            "_gpg_name": self.own.fingerprint,
            "_gpg_digest_algo": "sha256",
            "_gpg_sign_cmd_extra_args": arguments,
        }
        defines = [
            word for item in settings.items() for word in ("--define", "{} {}".format(*item))
        ]
        run(["rpmsign", *defines, "--resign", package], environment=_environment(self.home))

    def sign_beside(self, path: Path) -> Path:
        """Write a detached, armored signature beside a file, as PATH.asc, and return its path."""
        signature = path.with_name(path.name + ".asc")
        signed_by = ("--local-user", self.own.fingerprint, "--digest-algo", "sha256")
        _gpg(
            self.home, *signed_by, "--armor", "--yes", "--output", signature, "--detach-sign", path
        )
        return signature

    def public(self) -> str:
        """Return the public keys, each an armored block: rpm imports one key of a block."""
        return "".join(_gpg(self.home, "--armor", "--export", key) for key in self._fingerprints())

    def verify(self, path: Path, signature: Path) -> None:
        """Raise BuildFailed unless one of the published keys made that signature of the file."""
        try:
            _gpg(self.home, "--verify", signature, path)  # it has no other keys
        except BuildFailed:
            raise BuildFailed(
                f"signing: {path} is signed by none of the keys {', '.join(self._fingerprints())}: "
                "if it is not the published repository, remove it and begin anew"
            ) from None

    def _fingerprints(self) -> list[str]:
        return [key.fingerprint for key in self.published]


@contextmanager
def signing_key(environment: Mapping[str, str]) -> Iterator[SigningKey]:
    """Import the key that the environment names, or the throw-away one, for as long as needed."""
    if name := environment.get("LEGER_SIGNING_KEY"):
        source = Path(name)
    else:
        source = THROW_AWAY
        sys.stderr.write(f"LEGER_SIGNING_KEY is not set: signing with a throw-away key, {source}\n")
        if not source.exists():
            make(source, name=_NOT_FOR_RELEASE)
    if not source.is_file():
        raise BuildFailed(f"signing: LEGER_SIGNING_KEY names no file: {source}")
    with _home() as home:
        _gpg(home, "--import", source)
        yield _imported(home, source)


def make(path: Path, *, name: str) -> None:
    """Make a key of a release's shape and write it, as a secret one, to a new file of mode 0600.

    The primary key, which certifies alone, is not in the file: only its signing subkey is secret.
    """
    with _home() as home:
        no_passphrase = ("--pinentry-mode", "loopback", "--passphrase", "")
        _gpg(home, *no_passphrase, "--quick-generate-key", name, "ed25519", "cert", "never")
        primary = _listed(home, "--list-keys")[0].fingerprint
        _gpg(home, *no_passphrase, "--quick-add-key", primary, "ed25519", "sign", "never")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(home, "exported")
        _gpg(home, *no_passphrase, "--armor", "--output", draft, "--export-secret-subkeys", primary)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(draft.read_text("ascii"), encoding="ascii")


def _imported(home: Path, source: Path) -> SigningKey:
    secret = [key.fingerprint for key in _listed(home, "--list-secret-keys")]
    if len(secret) != 1:
        raise BuildFailed(f"signing: {source} has {len(secret)} secret keys, not one")
    keys = _listed(home, "--list-keys")
    (own,) = (key for key in keys if key.fingerprint in secret)
    return SigningKey(home=home, own=own, published=(own, *(key for key in keys if key != own)))


def _listed(home: Path, what: str) -> list[PublicKey]:
    # doc/DETAILS of GnuPG: a record for each key, one for each user ID and subkey of it, and after
    # each key and subkey its fingerprint. Field 2 is its validity, 6 its age, 10 the fingerprint
    # or user ID, 12 what it may.
    found: list[tuple[list[list[str]], list[str]]] = []
    for line in _gpg(home, "--with-colons", what).splitlines():
        record = line.split(":")
        if record[0] in ("pub", "sec"):
            found.append(([], []))
        if record[0] in ("pub", "sec", "sub", "ssb"):
            found[-1][0].append(record)
        elif record[0] == "fpr":
            found[-1][0][-1].append(record[9])
        elif record[0] == "uid":
            found[-1][1].append(record[9])
    return [
        PublicKey(
            fingerprint=parts[0][-1],
            signing=tuple(part[-1] for part in parts if "s" in part[11] and part[1] not in "re"),
            created=max(int(part[5]) for part in parts),
            names=tuple(names),
        )
        for parts, names in found
    ]


@contextmanager
def _home() -> Iterator[Path]:
    with TemporaryDirectory(dir=MEMORY, prefix="gpg-") as home:
        try:
            yield Path(home)
        finally:
            run(["gpgconf", "--kill", "all"], environment=_environment(Path(home)))


def _gpg(home: Path, *arguments: str | Path) -> str:
    return run(
        ["gpg", "--batch", "--quiet", "--no-tty", "--trust-model=always", *arguments],
        environment=_environment(home),
    )


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "GNUPGHOME": str(home)}
