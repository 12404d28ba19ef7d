"""What looks like a credential written out in a file."""

import re
from pathlib import Path

_NAMED = re.compile(
    r"""(?ix) [\w.-]* (?: password | passwd | secret | token | api_?-?key | (?:master|salt)_?-?key
    | credential ) [\w.-]* ["']? \s* [:=] \s* (?P<value>\S.*)"""
)
_IN_A_URL = re.compile(r"://[^/\s:@]*:(?P<value>[^@/\s]+)@")
_BY_ITSELF = re.compile(
    r"sk-[A-Za-z0-9]{12,} | gh[pousr]_\w{20,} | AKIA[A-Z0-9]{16} | xox[a-z]-\w+ | AIza[\w-]{30,}"
    r"| -----BEGIN\ [A-Z ]*PRIVATE | \b[0-9a-f]{32,}\b",
    re.VERBOSE,
)
# Says where the value comes from, or that there is none.
_HARMLESS = re.compile(r"/run/secrets/\w+|os\.environ/\w+|True|False|unused|%s")
# Program text names passwords without holding one; what is in it by itself is still found.
_PROGRAMS = {".py", ".md", ""}


def credentials_in(path: Path, text: str) -> list[str]:
    """Return the lines of `text` that seem to hold a credential in the clear."""
    found = []
    for line in text.splitlines():
        values = [match["value"] for match in _IN_A_URL.finditer(line)]
        is_data = path.suffix not in _PROGRAMS and not line.startswith(("#", "--", "Secret="))
        if is_data and (named := _NAMED.search(line)):
            values.append(named["value"].strip("\"', "))
        if _BY_ITSELF.search(line) or not all(_HARMLESS.fullmatch(value) for value in values):
            found.append(line)
    return found
