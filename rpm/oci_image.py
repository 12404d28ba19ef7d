"""Writing a container image as an archive that `podman load` takes, the same bytes each time.

The layout is that of the OCI image specification, version 1.1 (image-layout.md, config.md,
layer.md); no registry, no container engine and no root is needed to write it. Nothing in it tells
when or where it was made: an image with the same content is the same image.
"""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from programs import BuildFailed

_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
# An image tells when it was made; so that the same content is the same image, it tells this.
_ALWAYS = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Layer:
    """One layer: `blob` is the compressed tar, `diff_id` the digest of what it decompresses to."""

    blob: bytes
    diff_id: str


@dataclass(frozen=True)
class Image:
    """An image: its configuration, and its layers from the lowest up."""

    config: bytes
    layers: tuple[Layer, ...]

    @property
    def identity(self) -> str:
        """64 hex digits that change with any content; what podman calls the image's ID."""
        return hashlib.sha256(self.config).hexdigest()


def layer(directory: Path) -> Layer:
    """Return the layer that consists of everything below `directory`, owned by root."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(directory.rglob("*")):
            name = str(path.relative_to(directory))
            tar.add(path, name, recursive=False, filter=_without_origin)
    # Not on several threads: their number may show in what is written.
    zstd = ["zstd", "-9", "--single-thread", "--quiet", "--stdout"]
    done = subprocess.run(zstd, input=packed.getvalue(), stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise BuildFailed("rpm: zstd could not compress a layer of the image")
    return Layer(done.stdout, _digest(packed.getvalue()))


def _without_origin(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry


def image(layers: Sequence[Layer], run_as: Mapping[str, Any]) -> Image:
    """Return the image of the layers, lowest first; `run_as` is what config.md calls `config`."""
    config = {
        "architecture": "amd64",
        "config": run_as,
        "created": _ALWAYS,
        "history": [{"created": _ALWAYS} for _ in layers],
        "os": "linux",
        "rootfs": {"diff_ids": [layer.diff_id for layer in layers], "type": "layers"},
    }
    return Image(_json(config), tuple(layers))


def write(path: Path, image: Image, reference: str) -> None:
    """Write the image as an OCI archive that is loaded under the name `reference`."""
    manifest = _json(
        {
            "config": _descriptor(_CONFIG, image.config),
            "layers": [_descriptor(_LAYER, layer.blob) for layer in image.layers],
            "mediaType": _MANIFEST,
            "schemaVersion": 2,
        }
    )
    named = {"annotations": {"org.opencontainers.image.ref.name": reference}}
    index = {
        "manifests": [_descriptor(_MANIFEST, manifest) | named],
        "mediaType": _INDEX,
        "schemaVersion": 2,
    }
    blobs = sorted([image.config, manifest, *(layer.blob for layer in image.layers)], key=_digest)
    with tarfile.open(path, mode="w", format=tarfile.GNU_FORMAT) as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", _json(index))
        for blob in blobs:
            _add(tar, "blobs/" + _digest(blob).replace(":", "/"), blob)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    return {"digest": _digest(content), "mediaType": kind, "size": len(content)}


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
