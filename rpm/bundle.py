"""What leger brings along and others wrote: the interpreter, the packages, a C library.

It changes seldom and is kept (see build_cache); leger itself is put beside it by `stage`.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import build_cache
import debian_packages
import interpreter
import licences
import oci_image
import source_tree
import wheels

# Who may be asked for by number or name in the image; podman adds a user's own entry.
_ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\n",
}
# Mount points, as the image is read-only when it runs.
_DIRECTORIES = ("dev", "proc", "root", "run", "sys", "tmp", "var/tmp")


@dataclass(frozen=True)
class Bundle:
    """A finished bundle, in a directory that is only read."""

    directory: Path

    @property
    def host(self) -> Path:
        """What lies below / on a host and in the image: the interpreter and the packages."""
        return self.directory / "host"

    @property
    def licences(self) -> Path:
        """The licences of all that is bundled: one directory a package."""
        return self.directory / "licences"

    @property
    def python(self) -> list[str | Path]:
        """The command that runs the interpreter on this machine."""
        return interpreter.command(self.host, self.directory / "c-library")

    @property
    def layer(self) -> oci_image.Layer:
        """The image's lowest layer: the bundle, and the C library."""
        blob = (self.directory / "layer.tar.zst").read_bytes()
        return oci_image.Layer(blob, (self.directory / "layer.diff-id").read_text())

    @property
    def versions(self) -> dict[str, str]:
        """The version of each package of Debian, by its name."""
        found: dict[str, str] = json.loads((self.directory / "debian.json").read_text())
        return found


def ready() -> Bundle:
    """Return the bundle, made first when it is not there: half a minute."""
    packages = debian_packages.fetch()
    modules = (debian_packages, interpreter, licences, oci_image, wheels)
    makers = [Path(module.__file__ or "") for module in modules]
    makers += [Path(__file__), wheels.PINS]
    versions = [f"{package.name} {package.version}" for package in packages]
    key = build_cache.fingerprint([build_cache.of_files(makers, below=source_tree.ROOT), *versions])
    bundle = Bundle(build_cache.kept("bundle", key, lambda draft: _make(draft, packages)))
    build_cache.forget("bundle", but=4)
    return bundle


def _make(draft: Path, packages: list[debian_packages.DebianPackage]) -> None:
    bundle = Bundle(draft)
    c_library = draft / "c-library"
    with TemporaryDirectory() as scratch:
        debian, debian_c = Path(scratch, "others"), Path(scratch, "c")
        for package in packages:
            package.unpack(debian_c if package.name in debian_packages.C_LIBRARY else debian)
        wheels.install_pinned(bundle.host)
        interpreter.lay_out(bundle.host, debian)
        interpreter.lay_out_c_library(c_library, root=bundle.host, debian=debian_c)
        licences.of_wheels(bundle.licences, bundle.host / wheels.SITE)
        licences.of_debian(bundle.licences, [p.name for p in packages], [debian, debian_c])
        wheels.compile_below(bundle.host, bundle.python)
        root = Path(scratch, "layer")
        shutil.copytree(c_library, root, symlinks=True)
        shutil.copytree(bundle.host, root, symlinks=True, dirs_exist_ok=True)
        shutil.copytree(bundle.licences, root / licences.PLACE)
        _complete(root)
        layer = oci_image.layer(root)
    (draft / "layer.tar.zst").write_bytes(layer.blob)
    (draft / "layer.diff-id").write_text(layer.diff_id)
    versions = {package.name: package.version for package in packages}
    (draft / "debian.json").write_text(json.dumps(versions, indent=1))


def _complete(root: Path) -> None:
    for name in _DIRECTORIES:
        (root / name).mkdir(parents=True)
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)
    for name, content in _ACCOUNTS.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
