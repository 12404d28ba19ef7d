"""One write for all who wait for one."""

import threading
from collections.abc import Callable, Sequence

from leger_secrets.domain.audit import AuditEntry
from leger_secrets.domain.errors import AuditUnavailable


class _Request:
    """The entries of one waiting caller, and what became of them.

    `turn` is held until the request is done, or is the one to lead.
    """

    __slots__ = ("done", "entries", "failure", "turn")

    def __init__(self, entries: Sequence[AuditEntry]) -> None:
        self.entries = entries
        self.done = False
        self.failure: AuditUnavailable | None = None
        self.turn = threading.Lock()
        self.turn.acquire()


class GroupCommit:
    """Hands the entries of all callers that wait at the time to one call of `write`.

    The first caller to come leads: it writes for everybody who waits then, itself included, while
    later ones gather; the first of those leads next. So `write` is never called twice at a time.
    """

    def __init__(self, write: Callable[[Sequence[AuditEntry]], None]) -> None:
        self._write = write
        self._guard = threading.Lock()
        self._waiting: list[_Request] = []
        self._led = False

    def submit(self, entries: Sequence[AuditEntry]) -> None:
        """Have the entries written. Raises AuditUnavailable, as `write` did for their group."""
        request = _Request(entries)
        with self._guard:
            self._waiting.append(request)
            follows, self._led = self._led, True
        if follows:
            request.turn.acquire()
        if not request.done:
            self._lead()
        if failure := request.failure:
            # An error of its own for each caller: they raise it in threads of their own.
            raise AuditUnavailable(failure.why, next_step=failure.next_step)

    def _lead(self) -> None:
        """Write for everybody who waits, then wake them, and whoever is to lead next."""
        with self._guard:
            group, self._waiting = self._waiting, []
        failure: AuditUnavailable | None = AuditUnavailable("Writing it was interrupted.")
        try:
            self._write([entry for request in group for entry in request.entries])
            failure = None
        except AuditUnavailable as error:
            failure = error
        finally:
            for request in group:
                request.done, request.failure = True, failure
            with self._guard:
                woken = self._waiting[:1]
                self._led = bool(woken)
            # Not by a Condition: its waiters would all queue for one lock once more.
            for request in woken + group:
                request.turn.release()
