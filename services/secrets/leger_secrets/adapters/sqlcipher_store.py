"""The store of secrets in one encrypted SQLite file."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlcipher3 import dbapi2

from leger_secrets.adapters import schema, sqlcipher
from leger_secrets.adapters.sqlcipher_reader import SqlcipherReader
from leger_secrets.adapters.sqlcipher_writer import SqlcipherWriter
from leger_secrets.domain.stored import Author, Found

_READERS = 4  # a read takes microseconds: more would only cost memory
# In bytes: a value that is not longer lies on one page with all of its row (4,096 bytes, less what
# SQLCipher and SQLite need of it, and less the longest author).
_ON_ONE_PAGE = 3_500
_MAX_KEPT = 256  # values


class StoreClosed(Exception):
    """The file was closed: it is replaced by another, or sealed."""


class SqlcipherSecretStore:
    """A store in the file `path`, encrypted with a raw 256-bit key.

    Readers see the last commit and never wait for the writer (write-ahead log); there is one
    writer. All connections are opened at once, so that the key need not be kept.

    A deleted value is overwritten in the file (`secure_delete`); the pages that held it before are
    in the write-ahead log still, which is therefore cut to nothing after the commit. A view that
    is open then prevents that; it is done when the last one is closed.

    Closed, which waits for the views that are open, every method raises StoreClosed. A thread that
    has a view open may not ask for a changing one.
    """

    def __init__(self, *, path: Path, key: bytes | bytearray) -> None:
        """Open or create the file. Raises StoreKeyWrong, StoreTooNew, StoreUnavailable, OSError."""
        path.touch(mode=0o600)  # SQLite gives its other files the mode that this one has
        self._write_lock = threading.RLock()  # whoever froze the store may close it
        self._views: set[SqlcipherReader] = set()
        self._committed = threading.Condition()
        self._closed = False
        self._kept: dict[tuple[str, int], tuple[int, Found]] = {}  # with the revision of the look
        self._writer = sqlcipher.connect(path, key, writable=True)
        self._all = [self._writer]
        self._readers: queue.SimpleQueue[dbapi2.Connection | None] = queue.SimpleQueue()
        try:
            schema.migrate(self._writer, path)
            # A service that was killed may have left the pages of a deleted value.
            self._remnants = not sqlcipher.truncate_log(self._writer)
            for _ in range(_READERS):
                reader = sqlcipher.connect(path, key, writable=False)
                self._all.append(reader)
                self._readers.put(reader)
            with self.reading() as view:
                self._revision = view.revision()
        except BaseException:
            self.close()
            raise

    def find(self, name: str, version: int) -> Found | None:
        """Look up a version, 0 meaning the active one. Raises StoreUnavailable.

        One statement is a consistent view by itself. Even so the interpreter goes to another thread
        nine times meanwhile, which is half of what a get costs with 32 callers. So short values are
        kept until the next commit; SQLite keeps their pages in memory, too.
        """
        revision = self._revision  # before the look: what it finds may be newer, but not older
        kept_at, kept = self._kept.get((name, version), (-1, None))
        if kept_at == revision and not self._closed:
            return kept
        with self._reader() as connection, sqlcipher.translated():
            found = SqlcipherReader(connection).find(name, version)
            if found is None or found.value is None:
                return found
            if len(found.value) > _ON_ONE_PAGE:
                sqlcipher.check_intact(connection)
                return found
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        self._kept[name, version] = revision, found
        return found

    @contextmanager
    def reading(self) -> Iterator[SqlcipherReader]:
        """Open a view of the last commit. Raises StoreUnavailable."""
        try:
            with self._reader() as connection, sqlcipher.transaction(connection, "BEGIN"):
                view = SqlcipherReader(connection)
                self._views.add(view)
                try:
                    yield view
                finally:
                    self._views.remove(view)
        finally:
            if self._can_erase() and self._write_lock.acquire(blocking=False):
                try:
                    self._remnants = not sqlcipher.truncate_log(self._writer)
                finally:
                    self._write_lock.release()

    @contextmanager
    def writing(self, author: Author) -> Iterator[SqlcipherWriter]:
        """Open the changing view; leaving it commits durably. Raises StoreUnavailable."""
        with self.frozen() as connection:
            with sqlcipher.transaction(connection, "BEGIN IMMEDIATE"):
                writer = SqlcipherWriter(connection, author, after=self._revision)
                yield writer
                revision = writer.finish()
            if writer.erased or self._can_erase():
                self._remnants = not sqlcipher.truncate_log(connection)
            if revision is not None:
                with self._committed:
                    self._revision = revision
                    self._committed.notify_all()
                self._kept.clear()

    @contextmanager
    def frozen(self) -> Iterator[dbapi2.Connection]:
        """Keep writers waiting, and hand out the connection that they would use."""
        with self._write_lock:
            if self._closed:
                raise StoreClosed
            yield self._writer

    def outrun(self, revision: int) -> None:
        """Make the revision higher than this one; none of before can be watched from.

        Raises StoreUnavailable.
        """
        with self.frozen() as connection, sqlcipher.transaction(connection, "BEGIN IMMEDIATE"):
            connection.execute("DELETE FROM change")
            connection.execute(
                "UPDATE revision_floor SET value = ?1, kept_after = ?1", (revision + 1,)
            )
        self._revision = revision + 1

    def wait(self, *, after: int, timeout: float) -> bool:
        """Wait until the revision is higher than `after`; tell if so. Closing ends the wait."""
        with self._committed:
            self._committed.wait_for(lambda: self._closed or self._revision > after, timeout)
            return self._revision > after

    @property
    def revision(self) -> int:
        """The revision of the last commit."""
        return self._revision

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def _can_erase(self) -> bool:
        """Tell whether pages of deleted values are left that no open view keeps any more."""
        return self._remnants and not self._views

    @contextmanager
    def _reader(self) -> Iterator[dbapi2.Connection]:
        connection = self._readers.get()
        try:
            if connection is None:
                raise StoreClosed
            yield connection
        finally:
            self._readers.put(connection)

    def close(self) -> None:
        """End every wait, let the views that are open end, then close the file."""
        with self._write_lock:
            with self._committed:
                if self._closed:
                    return
                self._closed = True
                self._committed.notify_all()
            self._kept.clear()
            readers = [self._readers.get() for _ in self._all[1:]]
            self._readers.put(None)  # for whoever comes later
            for connection in readers:
                if connection is not None:
                    connection.close()
            self._writer.close()  # the last one: it ends the write-ahead log
