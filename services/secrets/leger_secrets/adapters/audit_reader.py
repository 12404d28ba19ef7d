"""Reading the audit log from its files."""

import os
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from typing import Any

from leger_runtime.errors import reason_of

from leger_secrets.adapters import audit_chain, audit_lines
from leger_secrets.adapters.audit_chain import BrokenChain
from leger_secrets.adapters.audit_file import AuditFile, End
from leger_secrets.adapters.audit_verifier import verify
from leger_secrets.domain.audit_errors import AuditLogBroken
from leger_secrets.domain.audit_reading import AT_ONCE, AuditFilter, RecordedEntry, Verification
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AuditUnavailable

_TICK = 0.5  # seconds after which a follower hears that there is nothing new
_BREATH = 2_000  # lines after which whoever waits for a rare one hears that it goes on

_Entries = Sequence[RecordedEntry]


class AuditFileReader:
    """Reads what an AuditFile has on the disk, while that goes on writing."""

    def __init__(self, *, log: AuditFile) -> None:
        self._log = log

    def read(self, wanted: AuditFilter, *, limit: int, follow: bool) -> Iterator[_Entries]:
        """Yield the entries that are wanted, as AuditReader says."""
        reading = _Reading(self._log, wanted)
        try:
            yield from reading.find_start(limit)
            yield from reading.advance()
            while follow:
                self._log.wait(after=reading.seq, timeout=_TICK)
                yield from reading.advance()
        except OSError as error:
            raise _unreadable(error) from None
        finally:
            reading.close()

    def verify(self) -> Verification:
        """Follow the chain through all files; a break in it is reported to the log."""
        try:
            return verify(self._log)
        except OSError as error:
            raise _unreadable(error) from None


class _Reading:
    """A place in the log, and the file it lies in, which stays open when it is renamed.

    The generators yield no entries now and then, so that whoever waits can give up. They raise
    OSError and AuditLogBroken.
    """

    def __init__(self, log: AuditFile, wanted: AuditFilter) -> None:
        self.seq = 0  # the number of the line that was the last one when the end was reached
        self._log = log
        self._wanted = wanted
        self._since = audit_chain.written_time(wanted.since) if wanted.since else ""
        self._descriptor = -1
        self._first = 0
        self._offset = 0

    def find_start(self, limit: int) -> Generator[_Entries]:
        """Go to where the last `limit` wanted entries begin; 0 means all."""
        files = self._recent_files()
        if not limit:
            self._go_to(files[0])
            return
        for first in reversed(files):  # their places are found, so that none is kept in memory
            self._go_to(first)
            limit -= yield from self._step_back(limit)
            if not limit:
                return

    def advance(self) -> Generator[_Entries]:
        """Yield what is wanted from here to the end of the log."""
        while True:
            with self._log.steady() as end:
                later = [first for first in self._files(end) if first > self._first]
                length = self._length(end)
                self.seq = end.link.seq
            yield from self._advance_to(length)
            if not later:
                return
            self._go_to(later[0])

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _advance_to(self, length: int) -> Generator[_Entries]:
        found: list[RecordedEntry] = []
        try:
            lines = audit_lines.forwards(self._descriptor, self._offset, length)
            for number, line in enumerate(lines, 1):
                if entry := self._wanted_entry(line):
                    found.append(entry)
                self._offset += len(line) + 1
                if len(found) == AT_ONCE or number % _BREATH == 0:
                    yield found
                    found = []
        except BrokenChain as error:
            yield found
            raise AuditLogBroken(self._name(), f"A line cannot be read: {error}") from None
        yield found

    def _step_back(self, limit: int) -> Generator[_Entries, None, int]:
        """Go back from the end of the file until enough are wanted; return how many were found."""
        with self._log.steady() as end:
            length = self._length(end)
        found = 0
        try:
            lines = audit_lines.backwards(self._descriptor, length)
            for number, (begin, line) in enumerate(lines, 1):
                if number % _BREATH == 0:
                    yield ()
                if self._is_wanted(line):
                    found += 1
                    if found == limit:
                        self._offset = begin
                        break
        except BrokenChain as error:
            raise AuditLogBroken(self._name(), f"A line cannot be read: {error}") from None
        return found

    def _is_wanted(self, line: bytes) -> bool:
        try:
            return self._wanted_entry(line) is not None
        except BrokenChain:  # it is told in its place
            return False

    def _wanted_entry(self, line: bytes) -> RecordedEntry | None:
        """Return the entry of a line, None when it is not wanted. Raises BrokenChain."""
        fields = audit_chain.decode(line)
        wanted = fields["time"] >= self._since and self._wanted.admits(
            secret=fields["secret"],
            principal=fields["principal"],
            action=fields["action"],
            outcome=fields["outcome"],
        )
        return _recorded(fields) if wanted else None

    def _recent_files(self) -> list[int]:
        """Return the files that lines since the wanted time can be in, and perhaps one more."""
        with self._log.steady() as end:
            files = self._files(end)
        if not self._since:
            return files
        for first in reversed(files[1:]):
            self._go_to(first)
            if self._begins_before_since():
                return files[files.index(first) :]
        return files

    def _begins_before_since(self) -> bool:
        line = audit_lines.first(self._descriptor)
        try:
            return line is not None and audit_chain.head(line).time < self._since
        except BrokenChain:
            return False

    def _go_to(self, first: int) -> None:
        """Open a file, by the number of its first line, at its beginning."""
        with self._log.steady() as end:
            directory = self._log.directory
            if first == end.written.first:
                descriptor = end.written.duplicate()
            else:
                descriptor = directory.open(directory.name(first))
        self.close()
        self._descriptor, self._first, self._offset = descriptor, first, 0

    def _files(self, end: End) -> list[int]:
        return [*self._log.directory.rotated(), end.written.first]

    def _length(self, end: End) -> int:
        if self._first == end.written.first:
            return end.written.length
        return os.fstat(self._descriptor).st_size

    def _name(self) -> str:
        with self._log.steady() as end:
            directory = self._log.directory
            is_written = self._first == end.written.first
            return directory.current if is_written else directory.name(self._first)


def _recorded(fields: dict[str, Any]) -> RecordedEntry:
    text = {name: _encodable(value) for name, value in fields.items() if type(value) is str}
    try:
        time = datetime.fromisoformat(fields["time"])
    except ValueError:
        raise BrokenChain("It has no time.") from None
    return RecordedEntry(
        seq=fields["seq"],
        time=time,
        by=Caller(
            text["principal"],
            text.get("request_id", ""),
            text.get("process", ""),
            text.get("address", ""),
        ),
        action=text["action"],
        secret=text["secret"],
        version=fields["version"],
        outcome=text["outcome"],
        stack=text.get("stack", ""),
        unit=text.get("unit", ""),
        credential=text.get("credential", ""),
        detail=text.get("detail", ""),
    )


def _encodable(text: str) -> str:
    """Return the text with "?" for what is no character: JSON can carry halves of surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _unreadable(error: OSError) -> AuditUnavailable:
    return AuditUnavailable(
        f"Reading it failed: {reason_of(error)}.", what="The audit log cannot be read."
    )
