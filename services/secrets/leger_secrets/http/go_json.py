"""Reading JSON as Go's encoding/json does, which clients of setec rely on without knowing it.

Read is the first value of a text, and nothing after it. Names of fields are taken in any case, and
of repeated ones the last counts; unknown ones are ignored, and null leaves a field as it is. What
is no Unicode becomes U+FFFD. More than 10,000 levels are refused. (Go 1.26, encoding/json:
decode.go, scanner.go, fold.go.)

Nothing is kept of what no field is for, and nothing is read by recursion: a text costs no more
memory than a few times its own length, whatever is in it.
"""

import binascii
import re
from collections.abc import Callable, Mapping

_MAX_DEPTH = 10_000  # scanner.go, maxNestingDepth
_MAX_UINT32 = 2**32 - 1
_MAX_UINT8 = 2**8 - 1

# A quotation mark begins a text alone, so a token tells of what kind it is.
_TOKEN = re.compile(
    r"[ \t\r\n]*+("
    r"[{}\[\]:,]"
    r'|"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*+"'
    r"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
    r"|true|false|null"
    r")"
)
_MARKS = frozenset("{}[]:,")
_CLOSING = {"{": "}", "[": "]"}
_ESCAPE = re.compile(r"\\(?:u(....)|(.))")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotDecodable(Exception):
    """A text that Go does not take: it is no JSON, or a field has a value of another type."""


class Scanner:
    """The tokens of a text; `symbol` is the one that was read last.

    Every method raises NotDecodable.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.symbol = ""

    def advance(self) -> str:
        """Read the next token, and return it."""
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise NotDecodable
        self._at = match.end()
        self.symbol = match[1]
        return self.symbol

    def key(self) -> str:
        """Take the token for a member's name, go on to the member's value, and return the name."""
        name = unquoted(self.symbol)
        if self.advance() != ":":
            raise NotDecodable
        self.advance()
        return name

    def another(self, closing: str) -> bool:
        """Go on to what follows a comma, or return False when the closing mark is there instead."""
        if self.advance() == closing:
            return False
        if self.symbol != ",":
            raise NotDecodable
        self.advance()
        return True

    def skip(self, depth: int) -> None:
        """Read the value that begins with the token to its end; it lies in `depth` others."""
        open_values: list[str] = []  # by their closing marks
        while True:
            if self.symbol in _CLOSING:
                open_values.append(_CLOSING[self.symbol])
                if depth + len(open_values) > _MAX_DEPTH:
                    raise NotDecodable
                if self.advance() != open_values[-1]:
                    if open_values[-1] == "}":
                        self.key()
                    continue
                open_values.pop()
            elif self.symbol in _MARKS:
                raise NotDecodable
            while open_values:
                if self.another(open_values[-1]):
                    if open_values[-1] == "}":
                        self.key()
                    break
                open_values.pop()
            else:
                return


# Reads the value that begins with the scanner's token.
FieldReader = Callable[[Scanner], object]


def decode(body: bytes, fields: Mapping[str, FieldReader]) -> dict[str, object]:
    """Return the fields that the object in `body` sets, by their names as `fields` has them.

    `null` in the place of the object sets none. Raises NotDecodable.
    """
    # Simple folding, as Go does it, and full folding agree on names that are of ASCII letters.
    folded = {name.casefold(): (name, read) for name, read in fields.items()}
    found: dict[str, object] = {}
    scanner = Scanner(_text(body))
    if scanner.advance() == "null":
        return found
    if scanner.symbol != "{":
        raise NotDecodable
    more = scanner.advance() != "}"
    while more:
        name, read = folded.get(scanner.key().casefold(), ("", None))
        if read is None:
            scanner.skip(depth=1)
        elif scanner.symbol != "null" or read is octets:  # null empties a list, as in Go
            found[name] = read(scanner)
        more = scanner.another("}")
    return found


def text(scanner: Scanner) -> str:
    """Read a string."""
    return unquoted(scanner.symbol)


def boolean(scanner: Scanner) -> bool:
    """Read a bool."""
    if scanner.symbol not in ("true", "false"):
        raise NotDecodable
    return scanner.symbol == "true"


def uint32(scanner: Scanner) -> int:
    """Read a uint32: digits alone, neither `1.0` nor `1e0` nor `-0`."""
    return _unsigned(scanner.symbol, _MAX_UINT32)


def octets(scanner: Scanner) -> bytes:
    """Read a []byte: standard base64 with its padding, or a list of numbers, or null."""
    if scanner.symbol == "null":
        return b""
    if scanner.symbol == "[":
        return _listed_octets(scanner)
    return _base64(unquoted(scanner.symbol))


def _base64(encoded: str) -> bytes:
    encoded = encoded.translate({10: None, 13: None})  # line ends are skipped (base64.go)
    # Python's strict mode takes padding after groups that need none.
    if len(encoded) % 4 or encoded.endswith("==="):
        raise NotDecodable
    try:
        return binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:
        raise NotDecodable from None


def _listed_octets(scanner: Scanner) -> bytes:
    found = bytearray()
    more = scanner.advance() != "]"
    while more:
        is_null = scanner.symbol == "null"
        found.append(0 if is_null else _unsigned(scanner.symbol, _MAX_UINT8))
        more = scanner.another("]")
    return bytes(found)


def _unsigned(token: str, largest: int) -> int:
    # Its length first: reading a number takes longer than its digits are many.
    if token.isdigit() and len(token) <= len(str(largest)) and int(token) <= largest:
        return int(token)
    raise NotDecodable


def unquoted(token: str) -> str:
    """Return the text that a token stands for. Raises NotDecodable unless it is one."""
    if token[0] != '"':
        raise NotDecodable
    content = token[1:-1]
    if "\\" not in content:
        return content
    plain = _ESCAPE.sub(_unescaped, content)
    if not _SURROGATE.search(plain):
        return plain
    # Two halves next to each other become one character, and a half alone U+FFFD.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _SHORT.get(match[2], match[2])


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        # One U+FFFD for each byte, as in Go; Python's own "replace" takes several together.
        return _SURROGATE.sub("\ufffd", body.decode("utf-8", "surrogateescape"))
