"""The document inside of a backup: JSON lines that check themselves.

docs/reference/backup-format.md describes it. age finds out when a byte of a file is not as it was;
the digest and the counts of the last line find out when it was written wrongly.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from leger_secrets.adapters import backup_entries as entries
from leger_secrets.adapters.backup_entries import Malformed
from leger_secrets.domain.backup_errors import BackupInvalid, BackupTooNew
from leger_secrets.domain.backup_file import BackupDocument
from leger_secrets.domain.stored import Contents, StoredSecret, Token

FORMAT = "leger-backup"
VERSION = 1

Parsed = TypeVar("Parsed")


def encode(document: BackupDocument) -> bytes:
    """Return the document as UTF-8, one JSON object a line."""
    before = b"".join(_line(entry) for entry in _before_end(document))
    digest = hashlib.sha256(before).hexdigest()
    return before + _line({"end": True, "sha256": digest, "counts": _counts(document.contents)})


def decode(encoded: bytes) -> BackupDocument:
    """Return the document that `encode` was given. Raises BackupInvalid, BackupTooNew."""
    *lines, rest = encoded.split(b"\n")
    header = _parsed(1, lines[0] if lines else rest, _header)
    if rest or len(lines) < 2:
        raise BackupInvalid("Its end is cut off.")
    end = _parsed(len(lines), lines[-1], _end)
    before = memoryview(encoded)[: -len(lines[-1]) - 1]
    if hashlib.sha256(before).hexdigest() != end["sha256"]:
        raise BackupInvalid("Its digest is not that of its contents.")
    found = [_parsed(number, line, _entry) for number, line in enumerate(lines[1:-1], 2)]
    contents = Contents(
        revision=header["revision"],
        secrets=tuple(entry for entry in found if isinstance(entry, StoredSecret)),
        tokens=tuple(entry for entry in found if isinstance(entry, Token)),
        recovery_recipients=tuple(entry for entry in found if isinstance(entry, str)),
    )
    if not _counts(contents) == header["counts"] == end["counts"]:
        raise BackupInvalid("It does not contain as much as it says.")
    return BackupDocument(entries.time(header, "created"), contents)


def _before_end(document: BackupDocument) -> Iterator[dict[str, object]]:
    contents = document.contents
    yield {
        "format": FORMAT,
        "version": VERSION,
        "created": entries.of_time(document.create_time),
        "revision": contents.revision,
        "counts": _counts(contents),
    }
    for secret in contents.secrets:
        yield {"secret": entries.of_secret(secret)}
    for token in contents.tokens:
        yield {"token": entries.of_token(token)}
    for recipient in contents.recovery_recipients:
        yield {"recipient": recipient}


def _line(entry: dict[str, object]) -> bytes:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _counts(contents: Contents) -> dict[str, int]:
    return {
        "secrets": len(contents.secrets),
        "versions": sum(len(secret.versions) for secret in contents.secrets),
        "tokens": len(contents.tokens),
        "recipients": len(contents.recovery_recipients),
    }


def _parsed(number: int, line: bytes, parse: Callable[[Any], Parsed]) -> Parsed:
    """Return what `parse` makes of the line's JSON. Raises BackupInvalid, naming the line."""
    try:
        return parse(json.loads(line))
    except Malformed as error:
        problem = str(error)
    except (ValueError, RecursionError):  # of json's: its text would repeat the line
        problem = "is not JSON"
    raise BackupInvalid(f"Line {number} {problem}.")


def _header(line: Any) -> dict[str, Any]:
    if not isinstance(line, dict) or line.get("format") != FORMAT:
        raise Malformed(f'is not the header of a document of the format "{FORMAT}"')
    version = entries.number(line, "version")
    if version > VERSION:
        raise BackupTooNew(version, newest=VERSION)
    header = entries.members(line, "format", "version", "created", "revision", "counts")
    entries.time(header, "created")
    entries.number(header, "revision")
    return header


def _end(line: Any) -> dict[str, Any]:
    if not isinstance(line, dict) or line.get("end") is not True:
        raise Malformed("is not the last line of a backup: the rest is cut off")
    return entries.members(line, "end", "sha256", "counts")


def _entry(line: Any) -> StoredSecret | Token | str:
    match line:
        case {"secret": secret, **rest} if not rest:
            return entries.secret(secret)
        case {"token": token, **rest} if not rest:
            return entries.token(token)
        case {"recipient": _, **rest} if not rest:
            return entries.text(line, "recipient")
    raise Malformed("is neither a secret, nor a token, nor a recipient")
