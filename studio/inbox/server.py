"""The SMTP server of the inbox: takes every mail on loopback, and says 250 when it is written down."""

import asyncio
import json
import os
import re
import smtplib
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax
from sqlalchemy import Engine

from channels.email.incoming.greeting import Greeting
from channels.email.incoming.mailroom import FOLDER, Mailroom
from store.clock import Clock, SystemClock
from store.errors import ContactflowError, StorageError
from store.looping import RunningServer, serve_in_thread
from studio.inbox.answers import AnswerBook
from studio.inbox.comebacks import coming_back
from studio.inbox.reading import decoded_header
from studio.inbox.records import Arrival, keep, open_records

HOST = "127.0.0.1"
NAME = "contactflow-inbox"  # in the greeting, so that nothing else on the port is taken for it
_PORT_FILE = "inbox.json"
_MOST_BYTES = 32 * 1024 * 1024
_MOST_SUBJECT = 998  # characters in the list, as long as a line may be; the mail itself keeps all
_REFUSALS = {
    "bounce": "550 5.1.1 No such person here (the inbox was told to bounce)",
    "defer": "451 4.7.1 Try again later (the inbox was told to defer)",
}
_NO_ANSWER = ""
_END = b"\r\n.\r\n"
_HEADERS = {
    name: re.compile(rf"^{header}:[ \t]*([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)".encode(), re.MULTILINE | re.IGNORECASE)
    for name, header in {
        "key": "X-Contactflow-Key",
        "campaign": "X-Contactflow-Campaign",
        "node": "X-Contactflow-Node",
        "subject": "Subject",
        "date": "Date",
    }.items()
}


def start_inbox(path: Path, port: int = 0, state: Path | None = None, clock: Clock | None = None) -> RunningServer:
    """Take mail on a port of this machine (0: any that is free) into the database at `path`.

    With `state`, a folder, other processes find the port by `running_port(state)`. When it is stopped, mails that were answered with 250
    stay; others were not taken. Raises StorageError when the port is taken.
    """
    database = open_records(path)
    loop = asyncio.new_event_loop()
    try:
        server = loop.run_until_complete(_listen(_Desk(database, path, clock or SystemClock(), loop), port))
    except OSError as error:
        loop.close()
        database.dispose()
        raise StorageError(f"Port {port} is taken. Stop what uses it, or give the inbox another port.") from error
    file = _announce(state, server.sockets[0].getsockname()[1]) if state else None

    def let_go() -> None:
        if file:
            file.unlink(missing_ok=True)
        database.dispose()

    return serve_in_thread(loop, server, NAME, let_go)


def running_port(state: Path) -> int | None:
    """The port of the inbox that announced itself in `state`, when it really answers there."""
    try:
        port = int(json.loads((state / _PORT_FILE).read_text())["port"])
        connection = smtplib.SMTP(timeout=2)
        greeting = connection.connect(HOST, port)[1]
    except (OSError, ValueError, KeyError, TypeError, smtplib.SMTPException):
        return None
    connection.close()
    return port if NAME.encode() in greeting else None


def _announce(state: Path, port: int) -> Path:
    state.mkdir(parents=True, exist_ok=True)
    file = state / _PORT_FILE
    beside = file.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps({"port": port, "pid": os.getpid()}))
    beside.replace(file)
    return file


async def _listen(desk: "_Desk", port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: _Protocol(desk, hostname="localhost", ident=NAME, data_size_limit=_MOST_BYTES, enable_SMTPUTF8=True, loop=loop), HOST, port
    )


class _Protocol(SMTP):
    """aiosmtpd, reading a message in one go instead of line by line: five times as fast."""

    line_length_limit = _MOST_BYTES

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd finds it by this name
        assert self.envelope is not None
        if arg:
            await self.push("501 Syntax: DATA")
        elif not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
        else:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            self.envelope.content = await self._message()
            status = await self.event_handler.handle_DATA(self, self.session, self.envelope)
            self._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd annotates some of its methods
            if status == _NO_ANSWER:
                assert isinstance(self.transport, asyncio.WriteTransport)
                self.transport.abort()
            else:
                await self.push(status)

    async def _message(self) -> bytes:
        data = bytearray()
        while not (data.endswith(_END) or data == _END[2:]):
            data += await self._reader.readuntil(_END[2:])
        text = bytes(data[:-3])
        return (text[1:] if text.startswith(b"..") else text).replace(b"\r\n..", b"\r\n.")


class _Desk(Greeting):
    """aiosmtpd's handler: mails that come while others are being written are written together."""

    def __init__(self, database: Engine, path: Path, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._database, self._clock, self._loop = database, clock, loop
        self._answers, self._room = AnswerBook(path), Mailroom(path.with_name(FOLDER))
        self._waiting: list[tuple[Arrival, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def handle_RCPT(  # noqa: N802 - as above
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        rule = self._answers.rule_for(address)
        if rule and rule.answer in _REFUSALS:
            return _REFUSALS[rule.answer]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        assert isinstance(envelope.content, bytes)
        rules = [rule for recipient in envelope.rcpt_tos if (rule := self._answers.rule_for(recipient))]
        if any(rule.answer == "drop" for rule in rules):
            return _NO_ANSWER
        if rules:
            await asyncio.sleep(max(rule.seconds for rule in rules))
        return await self._keep(envelope)

    async def _keep(self, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        written = self._loop.create_future()
        arrivals = [self._arrival(envelope.content, envelope, recipient) for recipient in envelope.rcpt_tos]
        self._waiting += [(arrival, written) for arrival in arrivals]
        if self._writer is None or self._writer.done():
            self._writer = self._loop.create_task(self._write())
        try:
            await written
        except ContactflowError:
            return "451 4.3.0 The inbox cannot write; try again"
        await self._send_back(arrivals)
        return "250 2.0.0 Written down"

    async def _send_back(self, arrivals: Sequence[Arrival]) -> None:
        """Put into the workspace's mailroom what the recipients were told to send back, as if it came from outside."""
        for arrival in arrivals:
            rule = self._answers.rule_for(arrival.recipient)
            mail = coming_back(rule.answer, arrival) if rule else None
            if mail:
                with suppress(StorageError):  # the mail itself was taken
                    await asyncio.to_thread(self._room.deposit, mail, arrival.sender)

    def _arrival(self, raw: bytes, envelope: Envelope, recipient: str) -> Arrival:
        head = raw.partition(b"\r\n\r\n")[0]
        headers = {name: _unfolded(pattern.search(head)) for name, pattern in _HEADERS.items()}
        return Arrival(
            received_at=self._clock.now(),
            sent_at=_date(headers["date"]),
            key=headers["key"] or None,
            campaign=headers["campaign"] or None,
            node=headers["node"] or None,
            sender=_storable(envelope.mail_from or ""),
            recipient=_storable(recipient),
            subject=decoded_header(headers["subject"])[:_MOST_SUBJECT],
            raw=raw,
        )

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure: Exception | None = None
            try:
                await asyncio.to_thread(keep, self._database, [arrival for arrival, _ in batch])
            except Exception as error:  # noqa: BLE001 - a full disk, a lost file: whatever it is, nobody is told 250
                failure = StorageError("The inbox cannot write.")
                failure.__cause__ = error
            for written in {future for _, future in batch if not future.done()}:
                written.set_exception(failure) if failure else written.set_result(None)


def _unfolded(match: re.Match[bytes] | None) -> str:
    return re.sub(r"\r\n(?=[ \t])", "", match[1].decode("utf-8", "replace")).strip() if match else ""


def _storable(address: str) -> str:
    return address.encode("utf-8", "replace").decode()  # aiosmtpd keeps bytes that are no UTF-8 as halves of characters


def _date(text: str) -> datetime | None:
    with suppress(ValueError, TypeError):
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    return None
