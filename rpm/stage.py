"""Lay out everything that leger puts on a host, below a directory of your choice.

    python rpm/stage.py host DIR       the tree of the package: DIR/usr/bin/leger and so on
    python rpm/stage.py image FILE     the services' image alone, as an OCI archive

The host and the image run the same files; both print the reference of the image.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import bundle
import interpreter
import licences
import oci_image
import source_tree
import stamp
import wheels
from leger_bootstrap.image import REPOSITORY
from programs import run
from source_tree import ROOT

# -I: neither the caller's directory nor environment decides what root imports; -S: no .pth files.
LAUNCHER = f"""#!/{interpreter.PYTHON} -IS
import sys

sys.path.insert(0, "/{wheels.SITE}")
from {{module}} import main

sys.exit(main())
"""
COMMANDS = {"leger": "leger_cli.main", "legerd": "leger_bootstrap.main"}
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/leger",
    "zsh": "usr/share/zsh/site-functions/_leger",
    "fish": "usr/share/fish/vendor_completions.d/leger.fish",
}
# Below rpm/: what is copied as it is, and where to.
FILES = {
    "units/*.*": ("usr/lib/systemd/system", "usr/lib/systemd/user"),
    "units/system/*": ("usr/lib/systemd/system",),
    "units/user/*": ("usr/lib/systemd/user",),
    "presets/system/*": ("usr/lib/systemd/system-preset",),
    "presets/user/*": ("usr/lib/systemd/user-preset",),
    "tmpfiles/*": ("usr/lib/tmpfiles.d",),
    "leger.toml": ("etc/leger",),
    "schemas/*": ("usr/share/leger/schemas",),
}


def own(directory: Path, bundled: bundle.Bundle) -> None:
    """Lay out leger itself, and nothing of what is bundled."""
    wheels.install_leger(directory)
    # What differs from every commit says no hash, as a tree does.
    if commit := source_tree.commit():
        stamp.stamp(directory / wheels.SITE, commit)
    wheels.compile_below(directory, bundled.python)
    commands = directory / "usr/bin"
    commands.mkdir(parents=True)
    for command, module in COMMANDS.items():
        (commands / command).write_text(LAUNCHER.format(module=module), encoding="utf-8")
        (commands / command).chmod(0o755)


def image(own_tree: Path, bundled: bundle.Bundle) -> tuple[oci_image.Image, str]:
    """Return the services' image, and its reference: its tag changes with the content."""
    layers = [bundled.layer, oci_image.layer(own_tree)]
    made = oci_image.image(layers, {"Entrypoint": ["/usr/bin/legerd"], "WorkingDir": "/"})
    return made, f"{REPOSITORY}:{source_tree.version()}-{made.identity[:12]}"


def host(directory: Path) -> str:
    """Lay out the tree of the package, and return the reference of the image in it."""
    bundled = bundle.ready()
    shutil.copytree(bundled.host, directory, symlinks=True)
    with TemporaryDirectory() as scratch:
        own_tree = Path(scratch)
        own(own_tree, bundled)
        services, reference = image(own_tree, bundled)
        shutil.copytree(own_tree, directory, symlinks=True, dirs_exist_ok=True)
    share = directory / "usr/share/leger"
    for source in (*source_tree.files("quadlets"), *source_tree.files("examples")):
        (share / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, share / source)
    (share / "image").mkdir()
    oci_image.write(share / "image/leger.tar", services, reference)
    (share / "image/reference").write_text(reference + "\n", encoding="utf-8")
    for pattern, targets in FILES.items():
        for target in targets:
            (directory / target).mkdir(parents=True, exist_ok=True)
            for source in (ROOT / "rpm").glob(pattern):
                shutil.copyfile(source, directory / target / source.name)
    _manual(directory / "usr/share/man")
    _completions(directory, bundled)
    shutil.copytree(bundled.licences, directory / licences.PLACE)
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(ROOT / name, directory / licences.PLACE / name)
    settle(directory, time=source_tree.time())
    return reference


def settle(directory: Path, *, time: int) -> None:
    """Give everything in the tree one time, and what lies below usr/share the modes of data.

    Both would tell of the machine otherwise: its umask, and when it made or fetched a file.
    """
    for path in (directory / "usr/share").rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    for path in (directory, *directory.rglob("*")):
        os.utime(path, (time, time), follow_symlinks=False)


def _manual(directory: Path) -> None:
    run([sys.executable, ROOT / "docs/man/generate.py", directory / "man1"])
    (directory / "man8").mkdir()
    shutil.copyfile(ROOT / "docs/man/legerd.8", directory / "man8/legerd.8")
    for page in directory.rglob("*.[18]"):
        run(["gzip", "-9", "--no-name", page])


def _completions(directory: Path, bundled: bundle.Bundle) -> None:
    """Write what the staged command line itself says, for each shell."""
    start = f"import sys; sys.path.insert(0, {str(directory / wheels.SITE)!r})"
    start += "; sys.argv[0] = 'leger'; from leger_cli.main import main; main()"
    for shell, place in COMPLETIONS.items():
        environment = {**os.environ, "_LEGER_COMPLETE": f"source_{shell}"}
        script = run([*bundled.python, "-c", start], environment=environment)
        (directory / place).parent.mkdir(parents=True)
        # zsh looks for `#compdef` in the first line alone.
        (directory / place).write_text(f"{script.strip()}\n", encoding="utf-8")


def main() -> None:
    """Run as the module's docstring says."""
    parser = argparse.ArgumentParser(description="Lay out what leger puts on a host.")
    parser.add_argument("what", choices=["host", "image"])
    parser.add_argument("path", type=Path, help="made anew")
    arguments = parser.parse_args()
    os.umask(0o022)
    if arguments.what == "host":
        shutil.rmtree(arguments.path, ignore_errors=True)
        reference = host(arguments.path)
    else:
        bundled = bundle.ready()
        with TemporaryDirectory() as scratch:
            own(Path(scratch), bundled)
            services, reference = image(Path(scratch), bundled)
        arguments.path.parent.mkdir(parents=True, exist_ok=True)
        oci_image.write(arguments.path, services, reference)
    sys.stdout.write(reference + "\n")


if __name__ == "__main__":
    main()
