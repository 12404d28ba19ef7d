"""TOML that a person has written: what it says, or in a sentence why it says nothing."""

import codecs
import re
import tomllib

# More digits than Python reads: sys.get_int_max_str_digits.
_TOO_LONG = re.compile(r"[0-9_]{4300}")
# How tomllib ends what it says.
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def loads(content: bytes) -> dict[str, object]:
    """Return what the document says. Raises ValueError with the line and sentences.

    A byte order mark in front, as some editors write it, says nothing.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ValueError(
            f"Line {line}: there is a byte, {byte:#04x}, that is not UTF-8. Save the file as UTF-8."
        ) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_in_words(str(error), text)) from None
    except ValueError:  # all that Python refuses by itself
        line = next(n for n, line in enumerate(text.splitlines(), 1) if _TOO_LONG.search(line))
        raise ValueError(f"Line {line}: this number is too long.") from None


def _in_words(said: str, text: str) -> str:
    lines = text.splitlines()
    found = _PLACE.search(said)
    number = int(found[1]) if found and found[1] else max(len(lines), 1)
    said = _PLACE.sub("", said)
    heading = re.match(r"\s*\[+([^\]]*)\]", lines[number - 1]) if lines else None
    if said.startswith("Cannot declare") and heading:
        what = f"the table [{heading[1]}] is there already. Write all of it in one place."
    elif said == "Cannot overwrite a value":
        what = "this key has a value already. Leave one of the two."
    else:
        what = f"this is not TOML: {said[0].lower()}{said[1:]}."
    return f"Line {number}: {what}"
