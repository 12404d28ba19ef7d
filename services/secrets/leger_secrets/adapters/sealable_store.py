"""A store that can be closed, opened and given another file while requests come in."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TypeVar

from leger_runtime.errors import LegerError

from leger_secrets.adapters.key_wrapping import WrongKey
from leger_secrets.adapters.open_store import OpenStore
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore, StoreClosed
from leger_secrets.domain.errors import StoreSealed
from leger_secrets.domain.sealing_errors import StoreDamaged
from leger_secrets.domain.store import Reader, Writer
from leger_secrets.domain.stored import Author, Found
from leger_secrets.domain.value import SecretValue

View = TypeVar("View")


class SealableSecretStore:
    """Serves each request from the open store, or tells why there is none; the port's SecretStore.

    Being sealable costs a look-up nothing: it takes the open store from one attribute, and a store
    that was closed meanwhile says so. Then the request waits for what comes of the change, and
    starts over.

    A store that turns out to be damaged is sealed: SQLCipher refuses a connection everything once
    it has read one wrong page, so that requests would fail or not by chance.
    """

    def __init__(self, *, database: Path, on_change: Callable[[LegerError | None], None]) -> None:
        """Begin sealed. `on_change` is told why the store was sealed; None when it was opened."""
        self._database = database
        self._on_change = on_change
        self._state: OpenStore | LegerError = StoreSealed("It was not opened yet.")
        self.changing = threading.RLock()
        """Held by whoever seals, unseals or re-keys."""

    @property
    def state(self) -> OpenStore | LegerError:
        """The open store, or why it is sealed."""
        return self._state

    def put(self, state: OpenStore | LegerError) -> None:
        """Serve from this store from now on, or refuse for this cause."""
        self._state = state
        self._on_change(state if isinstance(state, LegerError) else None)

    def opened(self) -> OpenStore:
        """Return the open store. Raises StoreSealed."""
        state = self._state
        if isinstance(state, LegerError):
            raise StoreSealed(state.why if isinstance(state, StoreSealed) else str(state))
        return state

    def find(self, name: str, version: int) -> Found | None:
        """See SecretStore. Raises StoreSealed, StoreDamaged, StoreUnavailable."""
        while True:
            opened = self.opened()
            try:
                return opened.store.find(name, version)
            except StoreClosed:
                self._settle()
            except StoreDamaged as damage:
                raise self.give_up(opened, damage) from None

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """See SecretStore. Raises StoreSealed, StoreDamaged, StoreUnavailable."""
        with self._view(lambda store: store.reading()) as (_, view):
            yield view

    @contextmanager
    def writing(self, author: Author) -> Iterator[Writer]:
        """See SecretStore. Raises StoreSealed, StoreDamaged, StoreUnavailable."""
        with self._view(lambda store: store.writing(author)) as (opened, view):
            yield view
        opened.note_commit()

    def wait(self, *, after: int, timeout: float) -> bool:
        """See SecretStore. A store that is re-keyed goes on being waited for."""
        deadline = monotonic() + timeout
        while True:
            store = self.opened().store
            if store.wait(after=after, timeout=max(0.0, deadline - monotonic())):
                return True
            if not store.closed:
                return False
            self._settle()

    def recipient(self) -> str:
        """Return for whom to encrypt what this store alone should read. Raises StoreSealed."""
        return self.opened().keyring.recipient

    def identity(self) -> SecretValue:
        """Return the age identity of that recipient. Raises StoreSealed."""
        while True:
            keyring = self.opened().keyring
            # Not under the lock: the caller may hold what a change waits for.
            with suppress(WrongKey):  # it was wiped meanwhile
                return SecretValue(bytes(keyring.identity()))

    def close(self) -> None:
        """Seal the store because the service ends."""
        with self.changing:
            state = self._state
            self._state = StoreSealed("The service is stopping.")
            if isinstance(state, OpenStore):
                state.close()

    @contextmanager
    def _view(
        self, open_view: Callable[[SqlcipherSecretStore], AbstractContextManager[View]]
    ) -> Iterator[tuple[OpenStore, View]]:
        opened = self.opened()
        try:
            with ExitStack() as views:
                while True:
                    try:
                        view = views.enter_context(open_view(opened.store))
                        break
                    except StoreClosed:
                        self._settle()
                        opened = self.opened()
                yield opened, view
        except StoreDamaged as damage:  # also on leaving the view, which looks whether it was
            raise self.give_up(opened, damage) from None

    def _settle(self) -> None:
        """Wait until a change that is going on is over."""
        with self.changing:
            pass

    def give_up(self, damaged: OpenStore, damage: StoreDamaged) -> StoreDamaged:
        """Seal a damaged store; return the error that names its file."""
        cause = StoreDamaged(self._database, damage.why)
        # In a thread of its own, as this one may have a view open, which closing waits for.
        threading.Thread(target=self._seal, args=(damaged, cause), name="sealing").start()
        return cause

    def _seal(self, damaged: OpenStore, cause: StoreDamaged) -> None:
        with self.changing:
            if self._state is damaged:
                try:
                    self.put(cause)
                finally:
                    damaged.close()
