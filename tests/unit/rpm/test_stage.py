import os
import re
from pathlib import Path

import leger_cli.version
import leger_runtime.version
import source_tree
import stage
from leger_bootstrap.image import REPOSITORY


def test_the_package_has_the_version_that_leger_tells() -> None:
    assert (
        source_tree.version() == leger_cli.version.__version__ == leger_runtime.version.__version__
    )


def test_every_file_beside_the_spec_that_goes_onto_a_host_is_staged() -> None:
    rpm = source_tree.ROOT / "rpm"
    staged = {source for pattern in stage.FILES for source in rpm.glob(pattern)}
    shipped = {path for name in ("units", "presets", "tmpfiles", "schemas")
               for path in (rpm / name).rglob("*") if path.is_file()}  # fmt: skip
    shipped.add(rpm / "leger.toml")
    assert staged >= shipped


def test_neither_an_umask_nor_the_time_of_a_file_is_left_in_the_tree(tmp_path: Path) -> None:
    directory, script = tmp_path / "usr/share/leger", tmp_path / "usr/share/leger/run"
    directory.mkdir(parents=True)
    script.touch()
    (directory / "link").symlink_to("nowhere")
    directory.chmod(0o700)
    script.chmod(0o700)
    os.utime(script, (1, 1))
    stage.settle(tmp_path, time=1_000_000_000)
    assert directory.stat().st_mode & 0o777 == 0o755
    assert script.stat().st_mode & 0o777 == 0o644
    times = {path.lstat().st_mtime for path in (tmp_path, *tmp_path.rglob("*"))}
    assert times == {1_000_000_000}


def test_the_quadlets_name_the_image_as_legerd_does() -> None:
    texts = [path.read_text("utf-8") for path in source_tree.ROOT.glob("quadlets/*.container")]
    assert {name for text in texts for name in re.findall("^Image=(.*)$", text, re.M)} == {
        REPOSITORY
    }


def test_a_pod_and_containers_that_outlive_their_package_do_not_start() -> None:
    quadlets = list(source_tree.ROOT.glob("quadlets/leger*"))
    assert quadlets
    for path in quadlets:
        assert "\nConditionPathExists=/usr/bin/legerd\n" in path.read_text("utf-8"), path


def test_the_launchers_start_the_bundled_interpreter_and_trust_no_environment() -> None:
    assert stage.LAUNCHER.startswith("#!/usr/lib/leger/python/bin/python3 -IS\n")
