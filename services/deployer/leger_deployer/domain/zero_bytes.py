"""Keeping a unit from running with less than a secret's value.

No environment variable can hold a byte of zero, and what reads a credential for podman passes over
it. As a file a container gets every byte.
"""

from collections.abc import Iterable

SHELL = "/bin/sh"
REFUSED = 65
"""The status with which the command refuses (sysexits.h, EX_DATAERR)."""


def check(files: Iterable[str]) -> list[str]:
    """Return the command that fails when one of the files holds such a byte, naming it.

    It is for a unit's file: the names may hold specifiers, and systemd makes one dollar sign of
    two. Where grep cannot tell, it does not stand in the way.
    """
    quoted = " ".join(f"'{file}'" for file in files)
    find = f"found=$$(LC_ALL=C grep -laP '\\x00' {quoted}) || exit 0;"
    refuse = 'echo "$$found: no environment variable can hold its byte of zero" >&2;'
    return [SHELL, "-c", f"{find} {refuse} exit {REFUSED}"]
