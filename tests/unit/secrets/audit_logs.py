"""Audit logs to be looked at and damaged."""

import json
from pathlib import Path

from leger_secrets.adapters.anchor import Anchor
from leger_secrets.adapters.audit_chain import GENESIS
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.audit_walk import Place, Walk
from leger_secrets.domain.audit import Action, AuditEntry
from unit.secrets.fakes import ME, Clock

SMALL = 1_000  # bytes after which the tests' logs are rotated: five lines or so


def entry(secret: str = "a") -> AuditEntry:
    return AuditEntry(ME, Action.GET, secret, 1)


def open_log(path: Path, *, size: int = SMALL) -> AuditFile:
    return AuditFile(path=path, clock=Clock(), size=size)


def write_some(
    path: Path, count: int = 3, *, size: int = SMALL, anchor: Anchor | None = None
) -> None:
    """Open the log, write lines of the secrets "0", "1" …, each on its own, and close it."""
    log = open_log(path, size=size)
    if anchor:
        log.attach(anchor)
    for number in range(count):
        log.record([entry(str(number))])
    log.close()


def new_anchor(directory: Path) -> Anchor:
    return Anchor.create(path=directory / "anchor", key=bytes(32), generation=0)


def files(path: Path) -> list[Path]:
    """Return the log's files, in the order in which they were written."""
    rotated = sorted(path.parent.glob("audit-*.log"))
    return [*rotated, path] if path.exists() else rotated


def lines(path: Path) -> list[bytes]:
    """Return the lines of all files."""
    content = b"".join(file.read_bytes() for file in files(path))
    assert content.endswith(b"\n") or not content
    return content.split(b"\n")[:-1]


def whole_chain(path: Path) -> list[str]:
    """Check the chain from the first line on; return the secrets of its lines."""
    found = lines(path)
    Walk(start=GENESIS).follow((Place("all", n), line) for n, line in enumerate(found, 1))
    return [json.loads(line)["secret"] for line in found]
