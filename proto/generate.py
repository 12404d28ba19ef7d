"""Generate the Python code of the contracts, or check that what is committed is fresh.

`python proto/generate.py` writes proto/gen; with `--check` it writes nothing, and exits with 1 and
the names of the files that differ.
"""

import filecmp
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent
GENERATED = PROTO / "gen"


def generate(destination: Path) -> None:
    """Write the modules, stubs and type stubs of every .proto file below `destination`."""
    destination.mkdir(parents=True, exist_ok=True)
    sources = sorted(str(path) for path in (PROTO / "leger").rglob("*.proto"))
    outputs = ("python", "grpc_python", "mypy", "mypy_grpc")
    arguments = [
        "protoc",
        f"--proto_path={PROTO}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        *(f"--{name}_out={destination}" for name in outputs),
        *sources,
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit("proto/generate.py: protoc refused the contracts; see above.")


def stale_files(fresh: Path) -> list[str]:
    """Return the relative paths that differ between `fresh` and what is committed."""
    names = {p.relative_to(root) for root in (fresh, GENERATED) for p in root.rglob("*.py*")}
    names = {name for name in names if "__pycache__" not in name.parts}
    _, differing, missing = filecmp.cmpfiles(
        fresh, GENERATED, sorted(map(str, names)), shallow=False
    )
    return sorted(differing + missing)


def main() -> None:
    """Run as the module's docstring says."""
    if sys.argv[1:] == ["--check"]:
        with tempfile.TemporaryDirectory() as scratch:
            generate(Path(scratch))
            if stale := stale_files(Path(scratch)):
                raise SystemExit(
                    "proto/gen is not what the .proto files say; run `make proto`. "
                    f"Differing: {', '.join(stale)}"
                )
    elif sys.argv[1:]:
        raise SystemExit(f"usage: {sys.argv[0]} [--check]")
    else:
        generate(GENERATED)


if __name__ == "__main__":
    main()
