"""A mail server for what comes back: SMTP or LMTP, for addresses of ours and nobody else's.

It says 250 when a mail is on the disk. Whoever is not ours is refused at once (550), so that it can neither be used to send mail on nor
be made to send mail back to people who wrote none.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.email.incoming.greeting import Greeting
from channels.email.incoming.mailroom import Mailroom
from channels.email.incoming.return_path import ReturnPaths
from store.errors import StorageError
from store.looping import RunningServer, serve_in_thread

Protocol = Literal["smtp", "lmtp"]
NAME = "contactflow"
MOST_MAILS_WRITING = 4  # at the same time: more would not be written sooner
_LINE = 100_000  # bytes; servers quote lines that are longer than allowed
_FULL = b"421 4.3.2 Too many connections, try again later\r\n"


@dataclass(frozen=True, slots=True)
class Door:
    """Where it listens, how patient it is, and how much it takes. `also`: addresses taken beside the signed ones, in lower case."""

    host: str
    port: int  # 0: any that is free
    protocol: Protocol = "lmtp"
    also: Collection[str] = ()
    idle_seconds: float = 60.0  # without a command, or within a mail
    longest_seconds: float = 900.0  # for a connection: whoever sends a byte a minute is not waited for
    most_bytes: int = 10_000_000  # of a mail
    most_connections: int = 200


def start_listener(door: Door, paths: ReturnPaths, room: Mailroom, noticed: Callable[[], object] = lambda: None) -> RunningServer:
    """Take mail for addresses that `paths` reads into `room`; `noticed` hears of each. Raises StorageError when the port is taken.

    When it is stopped, mails that were answered with 250 are kept; others were not taken.
    """
    loop = asyncio.new_event_loop()
    desk = _Desk(door, paths, room, noticed)
    try:
        server = loop.run_until_complete(_listen(desk, door, loop))
    except OSError as error:
        loop.close()
        raise StorageError(f"Mail that comes back cannot be taken on {door.host}:{door.port}: {error.strerror}. Choose another.") from error
    return serve_in_thread(loop, server, "returned-mail")


async def _listen(desk: "_Desk", door: Door, loop: asyncio.AbstractEventLoop) -> asyncio.Server:
    kind = _Lmtp if door.protocol == "lmtp" else _Smtp
    return await loop.create_server(
        lambda: kind(
            desk,
            hostname=NAME,
            ident=door.protocol.upper(),
            data_size_limit=door.most_bytes,
            enable_SMTPUTF8=True,
            timeout=door.idle_seconds,
            loop=loop,
        ),
        door.host,
        door.port,
    )


class _Bounded(SMTP):
    """aiosmtpd, with an end to everything that a stranger could go on with."""

    line_length_limit = _LINE
    event_handler: "_Desk"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._came = 0
        self._end: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        assert isinstance(transport, asyncio.WriteTransport)
        self.event_handler.connections += 1
        if self.event_handler.connections > self.event_handler.door.most_connections:
            transport.write(_FULL)
            transport.close()
        self._end = self.loop.call_later(self.event_handler.door.longest_seconds, transport.abort)

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.connections -= 1
        if self._end:
            self._end.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        # A line that never ends would be kept by aiosmtpd to its last byte.
        self._came += len(data)
        if self._came > 2 * self.event_handler.door.most_bytes:
            assert isinstance(self.transport, asyncio.WriteTransport)
            self.transport.abort()
            return
        self._reset_timeout()
        super().data_received(data)

    def _set_post_data_state(self) -> None:
        self._came = 0
        super()._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd annotates some of its methods


class _Smtp(_Bounded):
    pass


class _Lmtp(_Bounded, LMTP):
    pass


class _Desk(Greeting):
    """aiosmtpd's handler."""

    def __init__(self, door: Door, paths: ReturnPaths, room: Mailroom, noticed: Callable[[], object]) -> None:
        self.door = door
        self.connections = 0
        self._paths, self._room, self._noticed = paths, room, noticed
        self._writing = asyncio.Semaphore(MOST_MAILS_WRITING)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self._is_ours(address):
            return "550 5.1.1 No such address here"
        if envelope.rcpt_tos:  # LMTP wants an answer for each behind the mail, and a bounce has but one
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        assert isinstance(envelope.content, bytes)
        sender = (envelope.mail_from or "").strip("<>")
        try:
            async with self._writing:
                await asyncio.to_thread(self._room.deposit, envelope.content, envelope.rcpt_tos[0], sender)
        except StorageError:
            return "451 4.3.0 Cannot be written down now, try again later"
        self._noticed()
        return "250 2.0.0 Written down"

    async def handle_VRFY(self, server: SMTP, session: Session, envelope: Envelope, address: str) -> str:  # noqa: N802 - as above
        return "252 2.1.5 Send it and see"

    async def handle_exception(self, error: Exception) -> str:
        return f"451 4.3.0 {type(error).__name__}, try again later"  # its words may hold an address

    def _is_ours(self, address: str) -> bool:
        known = self._paths.key_of(address) or self._paths.unsubscribed_key_of(address)
        return bool(known) or address.lower() in self.door.also
