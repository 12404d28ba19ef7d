import leger_cli.version
import leger_runtime.version
import stage


def test_the_package_has_the_version_that_leger_tells() -> None:
    assert stage.version() == leger_cli.version.__version__ == leger_runtime.version.__version__


def test_every_file_beside_the_spec_that_goes_onto_a_host_is_staged() -> None:
    rpm = stage.ROOT / "rpm"
    staged = {source for pattern in stage.FILES for source in rpm.glob(pattern)}
    shipped = {path for name in ("units", "presets", "tmpfiles")
               for path in (rpm / name).rglob("*") if path.is_file()}  # fmt: skip
    assert staged >= shipped


def test_the_launchers_start_the_bundled_interpreter_and_trust_no_environment() -> None:
    assert stage.LAUNCHER.startswith("#!/usr/lib/leger/python/bin/python3 -IS\n")
