"""How long a visitor may take: whoever sends or reads too slowly is cut off, so that nobody holds the server by doing nothing."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SENDING_SECONDS = 20.0  # for a whole request, headers and body: 64 kB at the speed of a bad telephone line
READING_SECONDS = 60.0  # for taking what is waiting: a picture of 150 kB at 20 kbit/s
MOST_CONNECTIONS = 1_000  # beyond them visitors are asked to come back, at once
LONGEST_HEAD = 16_384  # bytes of a request line with all headers


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, with an end to waiting. uvicorn by itself only ends connections that are silent between two requests."""

    sending_seconds = SENDING_SECONDS
    reading_seconds = READING_SECONDS
    _sending: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        # Closing waits until all has been read, which may be never.
        self.loop.call_later(self.reading_seconds, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading = self._reading or self.loop.call_later(self.reading_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reading = _stop(self._reading)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sending, self._reading = _stop(self._sending), _stop(self._reading)
        super().connection_lost(exc)

    def _look(self) -> None:
        """Time what is being received from its first byte; more bytes earn no more time."""
        if not self._is_receiving():
            self._sending = _stop(self._sending)
        elif self._sending is None:
            self._sending = self.loop.call_later(self.sending_seconds, self.transport.abort)

    def _is_receiving(self) -> bool:
        begun = self.conn.trailing_data[0] or self.cycle is None  # the first request is expected as soon as one connects
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(begun))


def _stop(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """What a stopped timer leaves: none."""
    if timer:
        timer.cancel()
    return None
