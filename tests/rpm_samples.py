"""A small package in several versions, and keys, for all that a repository is tested with."""

import os
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import signing

NAME = "leger-sample"
SPEC = f"""\
Name: {NAME}
Version: %{{sample_version}}
Release: 1
Summary: A package that is quickly built
License: Apache-2.0
BuildArch: noarch
%description
It has one file.
%install
mkdir -p %{{buildroot}}/usr/share/{NAME}
echo %{{sample_content}} > %{{buildroot}}/usr/share/{NAME}/content
%files
/usr/share/{NAME}
"""


def build(directory: Path, version: str, *, content: str = "") -> Path:
    """Build the package with rpmbuild in a directory, and return its path.

    A higher major version is built later, by its header, as a release's is.
    """
    directory.mkdir(parents=True, exist_ok=True)
    spec = directory / f"{NAME}.spec"
    spec.write_text(SPEC)
    settings = {
        "_topdir": directory / "rpmbuild",
        "_rpmdir": directory,
        "_build_name_fmt": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "sample_version": version,
        "sample_content": content or version,
        "use_source_date_epoch_as_buildtime": "1",
    }
    defines = [word for item in settings.items() for word in ("--define", "{} {}".format(*item))]
    epoch = str(1_700_000_000 + 86_400 * int(version.partition(".")[0]))
    subprocess.run(
        ["rpmbuild", "-bb", "--quiet", *defines, str(spec)],
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
        check=True,
    )
    return directory / f"{NAME}-{version}-1.noarch.rpm"


def make_key(directory: Path, name: str = "test") -> Path:
    """Make a signing key and return its file."""
    path = directory / f"{name}.asc"
    signing.make(path, name=f"{name} <{name}@localhost>")
    return path


def opened(key: Path) -> AbstractContextManager[signing.SigningKey]:
    """Return the key of a file, ready to sign inside of a `with`."""
    return signing.signing_key({"LEGER_SIGNING_KEY": str(key)})
