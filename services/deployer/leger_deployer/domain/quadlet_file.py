"""Files in systemd's syntax: Quadlets, drop-ins, and the units that the generator prints.

The rules are those of systemd.syntax(7), and for words systemd.service(5) under "Command lines".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


class SyntaxInvalid(ValueError):
    """A line that is neither a section, a comment nor an assignment; the text says which."""


@dataclass(frozen=True)
class UnitFile:
    """The assignments of a file, by section, in their order. Sections of one name are one."""

    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def __contains__(self, section: str) -> bool:
        return section in self.sections

    def all(self, section: str, key: str) -> list[str]:
        """Return the values assigned to a list-like key; an empty assignment begins anew."""
        values: list[str] = []
        for name, value in self.sections.get(section, ()):
            if name != key:
                continue
            if value:
                values.append(value)
            else:
                values.clear()
        return values

    def last(self, section: str, key: str) -> str:
        """Return the value of a key that has one; "" where it is unset or reset."""
        values = self.all(section, key)
        return values[-1] if values else ""

    def words(self, section: str, key: str) -> list[str]:
        """Return the words of all values of a list-like key."""
        return [word for value in self.all(section, key) for word in split_words(value)]


def parse(text: str) -> UnitFile:
    """Return the sections of a file.

    A line that ends with a backslash goes on in the next line that is no comment, the backslash
    read as a space. Raises SyntaxInvalid.
    """
    sections: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] | None = None
    for number, line in _logical_lines(text):
        if line.startswith("["):
            if not line.endswith("]"):
                raise SyntaxInvalid(f"line {number}: the section's name lacks its closing bracket")
            current = sections.setdefault(line[1:-1], [])
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise SyntaxInvalid(f"line {number}: neither a section, a comment nor Key=value")
        if current is None:
            raise SyntaxInvalid(f"line {number}: an assignment before the first section")
        current.append((key.strip(), value.strip()))
    return UnitFile(sections)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    pending, start = "", 0
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.removesuffix("\r").lstrip()
        if line.startswith(("#", ";")):
            continue  # also in the middle of a continued line
        if not pending:
            start = number
        backslashes = len(line) - len(line.rstrip("\\"))
        if backslashes % 2:
            pending += line[:-1] + " "
            continue
        line, pending = (pending + line).strip(), ""
        if line:
            yield start, line
    if pending.strip():
        yield start, pending.strip()


_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", '"': '"', "'": "'", "s": " ",
}  # fmt: skip
_NUMERIC_ESCAPE = re.compile(
    r"x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})", re.ASCII
)


def split_words(value: str) -> list[str]:
    """Return the words of a value: separated by whitespace, unless quoted; escapes resolved.

    Forgiving as systemd is for lists: an unknown escape stays as it is, an open quote ends with
    the value.
    """
    words: list[str] = []
    word: list[str] = []
    inside, quote, position = False, "", 0
    while position < len(value):
        character = value[position]
        position += 1
        if character == "\\":
            text, position = _unescape(value, position)
            word.append(text)
            inside = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                word.append(character)
        elif character in "\"'":
            quote, inside = character, True
        elif character.isspace():
            if inside:
                words.append("".join(word))
                word, inside = [], False
        else:
            word.append(character)
            inside = True
    if inside:
        words.append("".join(word))
    return words


def _unescape(value: str, position: int) -> tuple[str, int]:
    """Return what the escape behind a backslash at `position` - 1 means, and where it ends."""
    if position >= len(value):
        return "\\", position
    if value[position] in _ESCAPES:
        return _ESCAPES[value[position]], position + 1
    if found := _NUMERIC_ESCAPE.match(value, position):
        hexadecimal, octal, short, long = found.groups()
        code = int(octal, 8) if octal else int(hexadecimal or short or long, 16)
        if 0 < code <= 0x10FFFF:
            return chr(code), found.end()
    return "\\", position


_PLAIN_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./*${}\[\]-]+", re.ASCII)


def quote_word(word: str) -> str:
    """Return the word as a value holds it, so that `split_words` finds exactly that word."""
    if _PLAIN_WORD.fullmatch(word):
        return word
    escaped = "".join(_escaped(character) for character in word)
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    if character in '\\"':
        return "\\" + character
    if character == "\n":
        return "\\n"
    if character == "\t":
        return "\\t"
    return f"\\x{ord(character):02x}" if ord(character) < 0x20 or character == "\x7f" else character
