import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import oci_image
import pytest

REFERENCE = "localhost/leger/services:1"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/legerd").write_text("#!/bin/sh\n")
    (tree / "usr/bin/legerd").chmod(0o755)
    (tree / "lib").symlink_to("usr/lib")
    (tree / "tmp").mkdir()
    (tree / "tmp").chmod(0o1777)
    return tree


def made(tree: Path, path: Path) -> oci_image.Image:
    image = oci_image.image([oci_image.layer(tree)], {"Entrypoint": ["/usr/bin/legerd"]})
    oci_image.write(path, image, REFERENCE)
    return image


def content(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {
            member.name: extracted.read()
            for member in tar
            if (extracted := tar.extractfile(member)) is not None
        }


def test_the_same_content_is_the_same_archive_whenever_it_was_written(
    tree: Path, tmp_path: Path
) -> None:
    made(tree, tmp_path / "first.tar")
    os.utime(tree / "usr/bin/legerd", (1_000_000_000, 1_000_000_000))
    made(tree, tmp_path / "second.tar")
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()


def test_each_file_of_the_archive_is_named_by_its_digest_and_leads_to_the_next(
    tree: Path, tmp_path: Path
) -> None:
    image = made(tree, tmp_path / "image.tar")
    files = content(tmp_path / "image.tar")
    for name, data in files.items():
        if name.startswith("blobs/sha256/"):
            assert name.removeprefix("blobs/sha256/") == hashlib.sha256(data).hexdigest()
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}

    def blob(descriptor: dict[str, Any]) -> bytes:
        data = files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(data) == descriptor["size"]
        return data

    [entry] = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": REFERENCE}
    manifest = json.loads(blob(entry))
    config = blob(manifest["config"])
    assert hashlib.sha256(config).hexdigest() == image.identity
    [layer] = manifest["layers"]
    unpacked = subprocess.run(
        ["zstd", "--decompress", "--stdout"], input=blob(layer), capture_output=True, check=True
    ).stdout
    [diff_id] = json.loads(config)["rootfs"]["diff_ids"]
    assert diff_id == f"sha256:{hashlib.sha256(unpacked).hexdigest()}"


def test_a_layer_keeps_modes_and_links_and_belongs_to_root(tree: Path, tmp_path: Path) -> None:
    unpacked = subprocess.run(
        ["zstd", "--decompress", "--stdout"],
        input=oci_image.layer(tree).blob,
        capture_output=True,
        check=True,
    ).stdout
    (tmp_path / "layer.tar").write_bytes(unpacked)
    with tarfile.open(tmp_path / "layer.tar") as tar:
        entries = {entry.name: entry for entry in tar}
    assert entries["usr/bin/legerd"].mode == 0o755
    assert entries["tmp"].mode == 0o1777
    assert entries["lib"].linkname == "usr/lib"
    assert {(entry.uid, entry.gid, entry.mtime) for entry in entries.values()} == {(0, 0, 0)}


def test_any_other_content_is_another_image(tree: Path, tmp_path: Path) -> None:
    before = made(tree, tmp_path / "image.tar").identity
    (tree / "usr/bin/legerd").chmod(0o700)
    assert made(tree, tmp_path / "image.tar").identity != before
