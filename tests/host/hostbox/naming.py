"""Names for the boxes of a working tree, so that two trees on one machine do not share one."""

import hashlib
from pathlib import Path

_TREE = Path(__file__).resolve().parents[3]


def box_name(purpose: str) -> str:
    """Return the name of this tree's box for a purpose; the same whenever it is asked for."""
    return f"leger-{purpose}-{hashlib.sha256(str(_TREE).encode()).hexdigest()[:6]}"
