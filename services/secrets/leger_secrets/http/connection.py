"""One client's connection, which may take only so long."""

import asyncio
from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

MAX_CONNECTIONS = 256
"""More are cut off at once: descriptors are needed for the store and the other sockets, too."""


class Phase(Enum):
    """What a connection is at."""

    IDLE = "idle"
    HEAD = "head"
    # From the end of its head to the end of its answer, its body included.
    REQUEST = "request"


class Connection(H11Protocol):
    """uvicorn's connection with a limit for each phase.

    uvicorn itself limits only how long a connection is idle between two requests: a client that
    sends nothing, or a byte a minute, would stay for ever.
    """

    # Idle: as long as Go's client keeps a connection for its next request (http.DefaultTransport).
    seconds: ClassVar[Mapping[Phase, float]] = {
        Phase.IDLE: 90.0,
        Phase.HEAD: 10.0,
        Phase.REQUEST: 60.0,
    }

    _phase: tuple[Phase, RequestResponseCycle | None] | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to serve the client, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        else:
            self._note_phase()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        super().data_received(data)
        self._note_phase()

    def on_response_complete(self) -> None:
        """Go on to the next request."""
        super().on_response_complete()
        self._note_phase()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless the request that it belongs to was answered before."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """Leave it to the deadline: uvicorn's own timer is not set again where it should be."""

    def _note_phase(self) -> None:
        """Set the deadline anew if the connection has come to another phase."""
        phase = self._current_phase()
        if phase == self._phase:
            return
        self._cancel()
        if not self.transport.is_closing():
            self._phase = phase
            self._deadline = self.loop.call_later(self.seconds[phase[0]], self._expire)

    def _current_phase(self) -> tuple[Phase, RequestResponseCycle | None]:
        cycle: RequestResponseCycle | None = self.cycle
        is_served = cycle is not None and not cycle.response_complete
        # A body goes on being sent, and is thrown away, after an answer that needed none of it.
        if is_served or self.conn.their_state is h11.SEND_BODY:
            return Phase.REQUEST, cycle
        return (Phase.HEAD if self.conn.trailing_data[0] else Phase.IDLE), None

    def _expire(self) -> None:
        # Not close(), which waits until the client has read what is still to be sent.
        self.transport.abort()

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._phase = None
