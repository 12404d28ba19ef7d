"""Putting a release in the place of the one that runs, and taking that back when it is not well.

Killed at any point, the next run goes on: the record says what was healthy last and whether
anything else was started since, and the store's copy, where there is one, is of the healthy one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from leger_runtime.errors import LegerError

from leger_bootstrap import health, image, release, store_copy
from leger_bootstrap.commands import Run
from leger_bootstrap.health import Health
from leger_bootstrap.pod import Pod
from leger_bootstrap.release import Record, Refusal, Release
from leger_bootstrap.scope import Scope

RETRY = "legerd bootstrap --retry"


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """Brings a scope's pod from release to release. For one process at a time."""

    scope: Scope
    run: Run
    pod: Pod
    ask: Callable[[Scope], Health]
    say: Callable[[str], None]
    clock: Callable[[], datetime]

    def settle(self, wanted: Release, *, retry: bool) -> Refusal | None:
        """Have `wanted` run, or what was healthy last; return why it is not `wanted`.

        A release that was refused is not tried again unless `retry` is set. Raises PodNotStarted
        when neither comes up, HostCommandFailed, OSError.
        """
        record = release.read(self.scope)
        healthy = record.healthy
        if healthy is None or not image.exists(healthy.image, self.run):
            self._begin(wanted)
            return None
        if healthy.digest == wanted.digest:
            self._go_back(record)
            self._commit(Record(healthy=healthy))
            return None
        refused = record.refused
        if refused and refused.digest == wanted.digest and not retry:
            self._go_back(record)
            return refused
        return self._exchange(healthy, wanted, record)

    def _begin(self, wanted: Release) -> None:
        """Start with nothing to fall back to."""
        self._start(wanted)
        self._commit(Record(healthy=wanted))

    def _exchange(self, healthy: Release, wanted: Release, record: Record) -> Refusal | None:
        before = self.ask(self.scope)
        self.say(f"upgrading from {healthy.image}")
        state = self.scope.secrets_data
        may_have_run = record.trying is not None and store_copy.exists(state)
        if healthy.store_schema != wanted.store_schema and not may_have_run:
            self.pod.stop()
            try:
                store_copy.make(state)
            except OSError:
                self.pod.start()
                raise
        record = Record(healthy=healthy, trying=wanted.digest)
        release.write(self.scope, record)
        try:
            self._start(wanted)
            problem = health.broken_by(before, self.ask(self.scope))
        except LegerError as error:
            problem = error.why
        except OSError as error:  # a full disk, most likely; what runs is not to suffer from it
            problem = f"{error.filename}: {error.strerror}."
        if not problem:
            self._commit(Record(healthy=wanted))
            return None
        self.say(f"{wanted.image} is not well, so {healthy.image} is put back. {problem}")
        self._go_back(record)
        refused = Refusal(
            digest=wanted.digest,
            image=wanted.image,
            time=self.clock(),
            why=problem,
            next_step=f"Install a version that works, or try this one again: `{RETRY}`.",
        )
        self._commit(Record(healthy=healthy, refused=refused), installed=wanted)
        return refused

    def _go_back(self, record: Record) -> None:
        """Have what was healthy last run, with the store as it was then. Raises PodNotStarted."""
        assert record.healthy is not None  # noqa: S101  (the callers have looked)
        state = self.scope.secrets_data
        if record.trying is not None and store_copy.exists(state):
            self.pod.stop()
            store_copy.put_back(state)
            release.write(self.scope, replace(record, trying=None))
        self._start(record.healthy)

    def _start(self, wanted: Release) -> None:
        placed = self.pod.place(wanted)
        self.say(f"units are {'placed' if placed.anything else 'in place'}")
        # A restart is due only for a pod that runs something else than what is placed now.
        if placed.anything:
            self.pod.restart(placed)
        else:
            self.pod.start()

    def _commit(self, record: Record, *, installed: Release | None = None) -> None:
        """Note what is healthy, and drop what only a way back needed."""
        if record != release.read(self.scope):
            release.write(self.scope, record)
        store_copy.drop(self.scope.secrets_data)
        kept = [found.image for found in (record.healthy, installed) if found]
        for left in image.discard(self.scope, self.run, keep=kept):
            self.say(f"podman still uses {left}, which is removed at another time")
