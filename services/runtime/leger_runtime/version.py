"""Which build of leger this is: what services answer, and clients compare."""

from pathlib import Path

__version__ = "0.1.0"  # x-release-please-version

STORE_SCHEMA = 2
"""The newest schema of the store of secrets that this build writes."""

# Written by rpm/stamp.py when a package is made; a tree has none.
_STAMP = Path(__file__).with_name("commit")


def commit() -> str:
    """Return the full hash of the commit that this was built from; "" for a tree."""
    try:
        return _STAMP.read_text(encoding="ascii").strip()
    except OSError:
        return ""
