"""Generate the manual of the command line from the commands themselves.

With a directory: write the manual pages (leger.1 and one a noun) into it.
With --reference: write docs/reference/cli.md.
With --check: exit 1 if docs/reference/cli.md is not what the commands say.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference" / "cli.md"
sys.path[:0] = [str(ROOT / source) for source in ("cli", "services/runtime", "proto/gen")]


def main() -> None:
    """Run as the module's docstring says."""
    import markdown
    import roff
    import tree

    root = tree.read()
    match sys.argv[1:]:
        case ["--reference"]:
            REFERENCE.parent.mkdir(parents=True, exist_ok=True)
            REFERENCE.write_text(markdown.reference(root))
        case ["--check"]:
            if not REFERENCE.exists() or REFERENCE.read_text() != markdown.reference(root):
                raise SystemExit(
                    "docs/reference/cli.md is not what the commands say; "
                    "run `python docs/man/generate.py --reference`."
                )
        case [directory] if not directory.startswith("-"):
            destination = Path(directory)
            destination.mkdir(parents=True, exist_ok=True)
            for name, page in roff.pages(root).items():
                (destination / name).write_text(page)
        case _:
            raise SystemExit(f"usage: {sys.argv[0]} DIR | --reference | --check")


if __name__ == "__main__":
    main()
