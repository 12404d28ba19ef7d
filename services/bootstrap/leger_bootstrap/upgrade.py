"""Putting a release in the place of the one that runs, and taking that back when it is not well.

Killed at any point, the next run goes on: the record says what was healthy last and whether
anything else was started since, and the store's copy, where there is one, is of the healthy one.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from leger_runtime.errors import LegerError, reason_of

from leger_bootstrap import health, http_socket, image, installed, release, store_copy
from leger_bootstrap.commands import HostCommandFailed, Run
from leger_bootstrap.health import Health
from leger_bootstrap.http_socket import Broken
from leger_bootstrap.pod import CONTAINERS, Placed, Pod, StartCalledOff
from leger_bootstrap.release import Record, Refusal, Release
from leger_bootstrap.scope import Scope
from leger_bootstrap.store_copy import StoreInUse

RETRY = "legerd bootstrap --retry"

_TRIES = 5
# After a run that was killed, nobody knows what of the pod runs as it is placed.
_ALL = Placed(anything=True, pod=True, containers=CONTAINERS, socket=True)


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
        when neither comes up, StartCalledOff when somebody stops them meanwhile: the next run goes
        on from there. Raises HostCommandFailed, OSError.
        """
        record = self._finish_return(release.read(self.scope))
        healthy = record.healthy
        if healthy is None or not image.exists(healthy.image, self.run):
            self._begin(wanted)
            return None
        refused = record.refused
        if healthy.digest == wanted.digest:
            return self._stay(replace(record, refused=None), wanted)
        if refused and refused.digest == wanted.digest and not retry:
            return self._stay(record, wanted)
        return self._exchange(healthy, wanted, record)

    def hold(self) -> bool:
        """Have what was healthy last run, as nobody knows what is wanted; tell whether it does.

        Where nothing was, nothing is started. Raises as `settle` does.
        """
        record = self._finish_return(release.read(self.scope))
        healthy = record.healthy
        if healthy is None or not image.exists(healthy.image, self.run):
            return False
        self._stay(record, healthy)
        return True

    def _finish_return(self, record: Record) -> Record:
        """Finish what an earlier run was killed at, if it was taking a release back."""
        if not record.returning:
            return record
        self.say("what was taken back is put back")
        self.pod.stop()  # whatever it is that runs, and wherever its API listens
        self.pod.close_socket()
        self._put_back(record)
        record = replace(record, trying=None, returning=False)
        release.write(self.scope, record)
        return record

    def _begin(self, wanted: Release) -> None:
        """Start with nothing to fall back to."""
        # An earlier run may have been killed before systemd has read what it had placed.
        self._start(self.pod.place(wanted, unsure=True))
        self._commit(Record(healthy=wanted, was_open=self._is_open(Record())), installed=wanted)

    def _stay(self, record: Record, wanted: Release) -> Refusal | None:
        """Have what was healthy last run, as `wanted` is just that, or is refused."""
        if record.trying is None:
            assert record.healthy is not None  # noqa: S101  (the caller has looked)
            self._start(self.pod.place(record.healthy))
        else:
            self._put_back(record)
            self._start(_ALL)
        record = replace(record, was_open=self._is_open(record), trying=None)
        self._commit(record, installed=wanted)
        return record.refused

    def _exchange(self, healthy: Release, wanted: Release, record: Record) -> Refusal | None:
        is_other_version = healthy.image != wanted.image
        self.say(
            f"upgrading from {healthy.image}"
            if is_other_version
            else "the services are to run in another way"
        )
        # What an earlier run was killed at may run, and may have changed the store: what is known
        # of the healthy one is in the record, and in the copy.
        is_resumed = record.trying is not None
        was_open = record.was_open if is_resumed else self._is_open(record)
        moves_socket = healthy.http_socket != wanted.http_socket
        broken: Broken | None = None
        if moves_socket and not is_resumed:
            # Before anything is touched: a restart seals a store that has a passphrase.
            broken = http_socket.taken(wanted.http_socket, self.scope, self.run)
        if broken:
            refused = self._refusal(healthy, wanted, broken)
            return self._stay(replace(record, refused=refused), wanted)
        record = Record(healthy=healthy, was_open=was_open, trying=wanted.digest)
        with ExitStack() as closed:
            if is_resumed and store_copy.exists(self.scope.secrets_data):
                release.write(self.scope, record)
            else:
                self._prepare(record, closed, copies=healthy.store_schema != wanted.store_schema)
            try:
                placed = self.pod.place(wanted, unsure=is_resumed)
                closed.close()  # no earlier: what has written after the copy was made is `wanted`
                self._start(_ALL if is_resumed else placed)
                problem = health.broken_by(after := self.ask(self.scope), was_open=was_open)
                if not problem and moves_socket:
                    broken = http_socket.broken(self.scope, self.run)
                    problem = broken.why if broken else ""
            except StartCalledOff:
                raise  # nobody knows whether it is well, and what was before is not wanted either
            except LegerError as error:
                problem = error.why
            except OSError as error:  # a full disk, most likely; what runs is not to suffer from it
                problem = f"{error.filename}: {reason_of(error)}."
        if not problem:
            self._commit(
                Record(healthy=wanted, was_open=after.is_open(last_known=was_open)),
                installed=wanted,
            )
            return None
        new, old = "that", "what was before"
        if is_other_version:
            new, old = wanted.image, healthy.image
        self.say(f"{new} is not well, so {old} is put back. {problem}")
        refused = self._refusal(healthy, wanted, broken or problem)
        record = replace(record, refused=refused)
        self._start(self._put_back(record))
        self._commit(replace(record, trying=None), installed=wanted)
        return refused

    def _refusal(self, healthy: Release, wanted: Release, problem: Broken | str) -> Refusal:
        """Return why `wanted` is not to run: a socket that is broken, or what else is wrong."""
        what: Literal["version", "configuration"] = "configuration"
        mend = "Correct leger.toml"
        if isinstance(problem, Broken):
            problem, mend = problem
        elif not installed.is_same_version(healthy, wanted):
            what, mend = "version", "Install a version that works"
        return Refusal(
            digest=wanted.digest,
            image=wanted.image,
            time=self.clock(),
            why=problem,
            next_step=f"{mend}, or try the same again: `{RETRY}`.",
            what=what,
        )

    def _prepare(self, record: Record, closed: ExitStack, *, copies: bool) -> None:
        """Note what is tried next, and have a copy of the store, or none.

        A store that is copied is closed until `closed` is. Where that fails, what runs goes on.
        Raises HostCommandFailed, StoreInUse, OSError.
        """
        state = self.scope.secrets_data
        try:
            # One of an upgrade that was not begun is not what the store is now.
            store_copy.drop(state)
            if copies:
                closed.enter_context(self._closed_store())
                store_copy.make(state)
            release.write(self.scope, record)
        except (OSError, LegerError):
            closed.close()
            store_copy.drop(state)
            if copies:
                self.pod.start()
            raise

    def _put_back(self, record: Record) -> Placed:
        """Place what was healthy last, and have the store as it was then; start nothing.

        Its units come first: they are what a boot starts on a store that is put back. When the
        copy is gone the store is whole.
        """
        assert record.healthy is not None  # noqa: S101  (the callers have looked)
        release.write(self.scope, replace(record, returning=True))
        placed = self.pod.place(record.healthy, unsure=True)
        if store_copy.exists(self.scope.secrets_data):
            with self._closed_store():
                store_copy.put_back(self.scope.secrets_data)
        return placed

    @contextmanager
    def _closed_store(self) -> Iterator[None]:
        """Stop the services and keep the store closed. Raises HostCommandFailed, StoreInUse."""
        with ExitStack() as closed:
            for tries_left in reversed(range(_TRIES)):
                try:
                    self.pod.stop()
                    closed.enter_context(store_copy.closed(self.scope.secrets_data))
                    break
                # A socket, or a stack, has started them in between, or called off their stop.
                except (HostCommandFailed, StoreInUse):
                    if not tries_left:
                        raise
            yield

    def _start(self, placed: Placed) -> None:
        self.say(f"units are {'placed' if placed.anything else 'in place'}")
        # A restart is due only for a pod that runs something else than what is placed now.
        if placed.anything:
            self.pod.restart(placed)
        else:
            self.pod.start()

    def _is_open(self, record: Record) -> bool:
        return self.ask(self.scope).is_open(last_known=record.was_open)

    def _commit(self, record: Record, *, installed: Release) -> None:
        """Note what is healthy, and drop what only a way back needed."""
        assert record.healthy is not None  # noqa: S101  (every caller has one)
        if record != release.read(self.scope):
            release.write(self.scope, record)
        store_copy.drop(self.scope.secrets_data)
        for left in image.discard(
            self.scope, self.run, keep=[record.healthy.image, installed.image]
        ):
            self.say(f"podman still uses {left}, which is removed at another time")
