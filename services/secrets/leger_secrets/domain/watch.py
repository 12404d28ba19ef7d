"""Telling every change of secrets to whoever watches."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import zip_longest
from typing import NamedTuple

from leger_runtime.errors import Kind, LegerError

from leger_secrets.domain import limits, names
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.changes import Change
from leger_secrets.domain.errors import StoreSealed
from leger_secrets.domain.grants import Authorizer, matches
from leger_secrets.domain.store import SecretStore
from leger_secrets.domain.watch_slots import Client, WatchEnded, WatchSlots

_TICK = 0.5  # seconds after which a client that has gone, or the service's end, is noticed
_AT_ONCE = 500  # changes


class RevisionGone(LegerError):
    """A revision from which no watch can go on."""

    kind, reason = Kind.CONFLICT, "REVISION_GONE"

    def __init__(self, revision: int) -> None:
        super().__init__(
            f"Changes after revision {revision} cannot be told.",
            why="They are not kept any more, or the store never had that revision.",
            next_step="List the secrets, and watch from the revision of the list.",
        )


class _Read(NamedTuple):
    changes: list[Change]
    revision: int


class Watches:
    """Every request to watch. Errors and the audit log are as in Secrets."""

    def __init__(
        self, *, store: SecretStore, audit: AuditLog, grants: Authorizer, slots: WatchSlots
    ) -> None:
        self._store = store
        self._audit = audit
        self._grants = grants
        self._slots = slots

    def watch(
        self, *, after: int, patterns: Sequence[str], by: Caller, client: Client
    ) -> Iterator[list[Change]]:
        """Yield the changes after a revision, in order, as long as the client is there.

        Each yield has whole revisions. A change is told if the secret's name matches one of the
        patterns, or there is none, and the caller may `info` it at that moment; `last` marks the
        last one told of its revision. The beginning alone is audited.

        Raises InvalidName, RevisionGone, TooManyWatches; and later WatchEnded when the service
        stops, the store is sealed or replaced, or the client is too slow to be told everything.
        """
        asked = AuditEntry(by, Action.WATCH, detail=" ".join(patterns))
        with ExitStack() as begun:
            with Decision(self._audit, asked) as decision:
                _check(patterns)
                slot = begun.enter_context(self._slots.taken(client))
                read = self._read(after)
                if read is None:
                    raise RevisionGone(after)
                decision.allow(asked)
            while client.is_active():
                told = self._visible(read.changes, patterns, by)
                if told:
                    with slot.answering():
                        yield told
                after = read.revision
                while client.is_active() and not self._changed(after):
                    self._slots.check()
                self._slots.check()
                read = self._continued(after)

    def _read(self, after: int) -> _Read | None:
        """Return some changes and the revision up to which they go; None when some are gone."""
        with self._store.reading() as store:
            changes = store.changes(after=after, limit=_AT_ONCE)
            if changes is None:
                return None
            return _Read(changes, changes[-1].revision if changes else store.revision())

    def _continued(self, after: int) -> _Read:
        try:
            read = self._read(after)
        except StoreSealed as error:
            raise WatchEnded("The store is sealed.") from error
        if read is None:
            raise WatchEnded(
                "The store was replaced, or more has changed than is kept for so slow a watch."
            )
        return read

    def _changed(self, after: int) -> bool:
        """Wait a moment for a later revision; tell whether there is one."""
        try:
            return self._store.wait(after=after, timeout=_TICK)
        except StoreSealed as error:
            raise WatchEnded("The store is sealed.") from error

    def _visible(
        self, changes: Sequence[Change], patterns: Sequence[str], by: Caller
    ) -> list[Change]:
        wanted = {change.secret for change in changes}
        if patterns:
            wanted = {name for name in wanted if any(matches(p, name) for p in patterns)}
        visible = self._grants.visible(by, wanted)
        told = [change for change in changes if change.secret in visible]
        return [
            change._replace(last=following is None or following.revision != change.revision)
            for change, following in zip_longest(told, told[1:])
        ]


def _check(patterns: Sequence[str]) -> None:
    if patterns:
        limits.check_count(len(patterns), verb="watched", field="patterns", noun="patterns")
    for number, pattern in enumerate(patterns):
        names.check_pattern(pattern, field=f"patterns[{number}]")
