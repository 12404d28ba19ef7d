"""The command line of `images`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Final

from . import debian, notes
from .errors import ImageError

DESCRIPTION: Final = """\
Container images from Debian's packages, for a machine that reaches no image
registry. What was made once is kept below $LEGER_CACHE (or ~/.cache/leger) until
what it is made from changes, and may be removed whenever no box uses it.
"""


def main(argv: list[str]) -> int:
    """Run one command; return the exit code. Never raises for what a person can mend."""
    parser = argparse.ArgumentParser(
        prog="images",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser(
        "base", help="print the path of a tar: Debian and Python, for podman import"
    )
    commands.add_parser(
        "notes",
        help="print JSON: the images of examples/notes, as a store for `box up --image-store` and"
        " as an archive for `podman load`",
    )
    arguments = parser.parse_args(argv)
    os.umask(0o022)
    try:
        if arguments.command == "base":
            print(debian.base())
        else:
            print(json.dumps(notes.images(), indent=1))
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(
            ImageError(
                f"the system refused: {error}",
                why="making a file system needs root, namespaces and about 2 GB of disk",
                todo="run it as root, and look at the free space",
            ),
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
