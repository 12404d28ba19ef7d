"""Lay out everything that leger puts on a host, below a directory of your choice.

    python rpm/stage.py site DIR --python 3.13          the Python packages alone
    python rpm/stage.py context DIR --python 3.13       what Containerfile builds the image from
    python rpm/stage.py host DIR --python 3.13 --image ARCHIVE --reference NAME

`host` is the tree of the package: what lies at DIR/usr/bin/leger belongs at /usr/bin/leger.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# -I: neither the caller's directory nor environment decides what root imports; -S: no .pth files.
LAUNCHER = """#!{interpreter}
import sys

sys.path.insert(0, "{site}")
from {module} import main

sys.exit(main())
"""


def launcher(path: Path, *, interpreter: str, site: str, module: str) -> None:
    """Write an executable that runs `module`.main from the packages in `site`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        LAUNCHER.format(interpreter=interpreter, site=site, module=module), encoding="utf-8"
    )
    path.chmod(0o755)


def site(directory: Path, *, python: str) -> None:
    """Install leger and what it runs on, as pinned, for that version of Python on this machine."""
    pip = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python-version", python]
    target = ["--target", str(directory), "--python-platform", "x86_64-unknown-linux-gnu"]
    pins = str(ROOT / "requirements/run.txt")
    _run([*pip, *target, "--only-binary", ":all:", "--require-hashes", "-r", pins])
    # Made without build isolation: hatchling is one of the development requirements.
    _run([*pip, *target, "--no-deps", "--no-build-isolation", str(ROOT)])
    shutil.rmtree(directory / "bin", ignore_errors=True)  # console scripts of the libraries


def context(directory: Path, *, python: str) -> None:
    """Lay out the build context of Containerfile."""
    site(directory / "site", python=python)
    launcher(
        directory / "legerd",
        interpreter="/usr/bin/env -S python3 -I",
        site="/usr/lib/leger",
        module="leger_bootstrap.main",
    )
    shutil.copy2(ROOT / "Containerfile", directory / "Containerfile")


def host(directory: Path, *, python: str, image: Path, reference: str) -> None:
    """Lay out the tree of the package."""
    packages = directory / "usr/lib/leger"
    site(packages, python=python)
    for command, module in (("leger", "leger_cli.main"), ("legerd", "leger_bootstrap.main")):
        launcher(
            directory / "usr/bin" / command,
            interpreter=f"/usr/bin/python{python} -IS",
            site="/usr/lib/leger",
            module=module,
        )
    share = directory / "usr/share/leger"
    shutil.copytree(ROOT / "quadlets", share / "quadlets")
    shutil.copytree(ROOT / "examples", share / "examples")
    (share / "image").mkdir()
    shutil.copy2(image, share / "image/leger.tar")
    (share / "image/reference").write_text(reference + "\n", encoding="utf-8")
    for manager in ("system", "user"):
        units = directory / "usr/lib/systemd" / manager
        units.mkdir(parents=True)
        for source in (ROOT / "rpm/units", ROOT / "rpm/units" / manager):
            for unit in source.glob("*.*"):
                shutil.copy2(unit, units / unit.name)
    manual = directory / "usr/share/man"
    _run([sys.executable, str(ROOT / "docs/man/generate.py"), str(manual / "man1")])
    (manual / "man8").mkdir()
    shutil.copy2(ROOT / "docs/man/legerd.8", manual / "man8/legerd.8")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        raise SystemExit(f"rpm/stage.py: failed: {' '.join(command)}")


def main() -> None:
    """Run as the module's docstring says."""
    parser = argparse.ArgumentParser(description="Lay out what leger puts on a host.")
    parser.add_argument("what", choices=["site", "context", "host"])
    parser.add_argument("directory", type=Path, help="made anew")
    parser.add_argument("--python", default="3.13", help="the Python that will run it")
    parser.add_argument("--image", type=Path, help="for host: the image's archive")
    parser.add_argument("--reference", help="for host: the image's name and tag")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.directory, ignore_errors=True)
    arguments.directory.mkdir(parents=True)
    if arguments.what == "site":
        site(arguments.directory, python=arguments.python)
    elif arguments.what == "context":
        context(arguments.directory, python=arguments.python)
    elif arguments.image is None or arguments.reference is None:
        parser.error("host needs --image and --reference")
    else:
        host(
            arguments.directory,
            python=arguments.python,
            image=arguments.image,
            reference=arguments.reference,
        )


if __name__ == "__main__":
    main()
