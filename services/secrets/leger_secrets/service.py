"""The running service, from its start to its end."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from leger_runtime import notify
from leger_runtime.errors import LegerError
from leger_runtime.server import UnixServer

from leger_secrets import policy
from leger_secrets.adapters.credential_socket import CredentialSocket
from leger_secrets.domain.sealing import Seal
from leger_secrets.domain.value import SecretValue
from leger_secrets.domain.watch_slots import WatchSlots

if TYPE_CHECKING:
    from leger_secrets.http.server import HttpServer

log = logging.getLogger(__name__)

_OPEN = "Serving secrets."


class SecretsService:
    """The running service: `start` it, and `stop` it gracefully.

    A store that cannot be opened does not keep it from running: sealed, it answers why.
    """

    def __init__(
        self,
        *,
        seal: Seal,
        server: UnixServer,
        credentials: CredentialSocket,
        http: "HttpServer | None",
        watch_slots: Sequence[WatchSlots],
        opened: ExitStack,
    ) -> None:
        self._seal = seal
        self._server = server
        self._credentials = credentials
        self._http = http
        self._watch_slots = watch_slots
        self._opened = opened
        self._started = False
        self.status = _OPEN

    def start(self) -> None:
        """Open the store if that needs nobody, then serve on every socket.

        All are bound before anything else runs (see `binding`). Raises OSError when one cannot be.
        """
        self._server.bind()
        self._credentials.bind()
        with (
            suppress(LegerError),  # `seal_changed` is told
            self._seal.unsealing(SecretValue(b""), accept_rollback=False, begin_audit_log=None),
        ):
            pass
        self._server.start()
        self._credentials.start()
        if self._http:
            self._http.start()
        self._started = True

    def seal_changed(self, cause: LegerError | None) -> None:
        """Tell the journal, systemd and health checks that the store was sealed, and why.

        None: that it was opened.
        """
        status = f"Sealed: {cause.what}" if cause else _OPEN
        if status == self.status:
            return
        self.status = status
        if self._started:  # before, it is told together with the readiness
            notify.notify(f"STATUS={status}")
        self._server.set_serving(serving=cause is None, services=policy.NEED_THE_STORE)
        if cause is None:
            log.info("The store is open.")
        else:
            for part in (cause.what, cause.why, cause.next_step):
                log.error(part)

    def stop(self) -> None:
        """Finish what is being served, then close the store and the audit log."""
        for slots in self._watch_slots:
            slots.end()
        if self._http:
            self._http.stop()
        self._server.stop()
        self._credentials.stop()
        self._opened.close()
