"""The images of examples/notes, built by podman in a box from the example's own Containerfiles.

A build reaches no network: apt finds a repository of Debian's packages where its list of sources
says so. The Containerfiles know nothing of that; with a registry they build the ordinary way.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from . import cache, debian
from .errors import ImageError

HOST: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = HOST.parent.parent / "examples/notes/images"
REFERENCES: Final = {
    "postgres": "localhost/leger-examples/notes-postgres:1",
    "redis": "localhost/leger-examples/notes-redis:1",
    "web": "localhost/leger-examples/notes-web:1",
}

BUILDER: Final = "leger-notes-builder"
WORK: Final = "/var/tmp/notes"
STORE: Final = "/var/lib/containers/notes"

# What runs in the box; the arguments are pairs of a directory and an image's name. The images get
# a store of their own, so that nothing else is in it; the base's name goes, its layer stays.
_BUILD: Final = f"""
podman() {{ command podman --root {STORE} --runroot /run/notes "$@"; }}
cd {WORK}
echo 'deb [trusted=yes] file:/repository ./' > sources.list
podman import --quiet base.tar localhost/leger-examples/base:1
while [ $# -gt 0 ]; do
    podman build --quiet --pull=never --network=none --layers=false \\
        --build-arg=BASE_IMAGE=localhost/leger-examples/base:1 \\
        --volume="$PWD/repository:/repository:ro" \\
        --volume="$PWD/sources.list:/etc/apt/sources.list:ro" \\
        --tag="$2" "images/$1"
    built="$built $2"
    shift 2
done
podman rmi localhost/leger-examples/base:1
podman save --quiet --multi-image-archive --format=docker-archive --output=notes.tar $built
"""

# What an image store consists of; podman keeps more beside it, about containers.
_STORE_PARTS: Final = ("overlay", "overlay-images", "overlay-layers")
# Overlay marks what a layer removes with device nodes and attributes that a plain copy loses.
_TAR: Final = ("tar", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--file=-")


def images() -> dict[str, object]:
    """Return where the images are, made first when needed.

    `store` is a directory for podman's additionalimagestores. It is for the system scope alone: its
    files are root's, which a user's namespace cannot map. `archives` maps a name to a file that
    any user can `podman load`; `images` lists what both hold.
    """
    parts: list[str | bytes] = [debian.RECIPE, _BUILD]
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file():
            parts += [f"{path.relative_to(SOURCES)} {path.stat().st_mode:o}", path.read_bytes()]
    made = cache.kept("notes", cache.fingerprint(parts), _make)
    return {
        "store": str(made / "store"),
        "archives": {"notes": str(made / "notes.tar")},
        "images": list(REFERENCES.values()),
    }


def _make(draft: Path) -> None:
    with _concurrently(str(HOST / "box"), "build"):
        base = debian.base()
        lists = " ".join((SOURCES / name / "packages").read_text() for name in REFERENCES)
        repository = debian.repository(lists.split())
    cache.say("building the images of examples/notes in a box")
    with _builder():
        for source, name in ((base, "base.tar"), (repository, "repository"), (SOURCES, "images")):
            _box("push", str(source), f"{WORK}/{name}")
        pairs = [word for pair in REFERENCES.items() for word in pair]
        _box("exec", "--", "sh", "-euc", f"built=\n{_BUILD}", "build", *pairs)
        draft.mkdir()
        _box("pull", f"{WORK}/notes.tar", str(draft / "notes.tar"))
        _copy_store(draft / "store")


def _copy_store(target: Path) -> None:
    """Copy the builder's store out, with all that a plain copy of files would lose."""
    target.mkdir()
    inside = [str(HOST / "box"), "exec", "--name", BUILDER, "--"]
    with subprocess.Popen(
        [*inside, *_TAR, "--create", f"--directory={STORE}", *_STORE_PARTS],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as packing:
        unpacking = subprocess.run(
            [*_TAR, "--extract", f"--directory={target}"], stdin=packing.stdout, check=False
        )
    if packing.returncode or unpacking.returncode:
        raise _failed("copying the image store out of the box", "tar said why, above")


@contextmanager
def _concurrently(*command: str) -> Iterator[None]:
    """Run `command` beside what is done meanwhile; both have succeeded in the end."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise _failed(" ".join(command), "it said why, above")


@contextmanager
def _builder() -> Iterator[None]:
    """A box that is there meanwhile; one that an earlier, killed run left is not reused."""
    _box("down")
    try:
        _box("up")
        yield
    finally:
        _box("down")


def _box(command: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(HOST / "box"), command, "--name", BUILDER, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise _failed(f"`box {command}`", " | ".join(said[-5:]) or "it said nothing")


def _failed(what: str, why: str) -> ImageError:
    return ImageError(
        f"{what} failed", why=why, todo="try it by hand in a box: tests/host/box --help"
    )
