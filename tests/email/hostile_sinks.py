"""Mail servers that do the wrong thing at one stage of the protocol, down to the connection's encryption; a record of what each took."""

import asyncio
import os
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

STAGES = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "rset", "between")
REPLIES = ("421 4.3.2 Closing", "450 4.2.1 Later", "452 4.3.1 Full", "550 5.1.1 Nobody", "554 5.7.1 No", "354 Go on", "999 Huh", "Hm?")
LOSSES = ("drop", "hang", "cut record", "false record")
TALK = ("babble", "drip")  # for ever
_HALF_A_RECORD = b"\x17\x03\x03\x01\x00 and no more"  # TLS: application data, 256 bytes
_NO_RECORD = b"\x17\x03\x03\x00\x20" + b"x" * 32  # it was never encrypted with our keys


class GoneError(Exception):
    """The connection is over."""


@dataclass
class Sink:
    """One server: what it does wrong, at which stage and how often, and what it has taken for good."""

    stage: str
    action: str
    times: int
    secure: bool
    port: int = 0
    reached: int = 0
    kept: Counter[str] = field(default_factory=Counter)  # by X-Contactflow-Key, whether or not it could say so

    def acts(self, stage: str) -> bool:
        """Whether it does it now."""
        if stage != self.stage:
            return False
        self.reached += 1
        return self.reached <= self.times


@contextmanager
def listening(sinks: Sequence[Sink], certificate: tuple[Path, Path]) -> Iterator[None]:
    """All of them, in one thread."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # connections end badly here
    servers = [loop.run_until_complete(_listen(sink, context)) for sink in sinks]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_end(servers), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(sink: Sink, context: ssl.SSLContext) -> asyncio.Server:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Talk(sink, reader, writer, context).go_on()
        except (GoneError, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    return server


async def _end(servers: Sequence[asyncio.Server]) -> None:
    for server in servers:
        server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # transports say to their protocols that they are closed


class _Talk:
    """One connection."""

    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
        self._sink, self._reader, self._writer, self._context = sink, reader, writer, context
        self._is_secure = self._has_sender = self._has_recipient = False

    async def go_on(self) -> None:
        await self._answer("greeting", "220 sink")
        while line := await self._reader.readline():
            await self._obey(line.decode("utf-8", "replace").split()[0].upper())

    async def _obey(self, verb: str) -> None:
        match verb:
            case "EHLO":
                await self._answer("ehlo", self._features())
            case "STARTTLS":
                if await self._answer("starttls", "220 Go on"):
                    await self._writer.start_tls(self._context)
                    self._is_secure = True
            case "AUTH":
                await self._answer("auth", "235 2.7.0 Welcome")
            case "MAIL":
                self._has_sender, self._has_recipient = await self._answer("mail", "250 OK"), False
            case "RCPT":
                await self._recipient()
            case "DATA":
                await self._data()
            case "RSET":
                await self._answer("rset", "250 OK")
            case "QUIT":
                raise GoneError
            case _:
                await self._say("500 What?")

    def _features(self) -> str:
        more = "AUTH PLAIN" if self._is_secure or not self._sink.secure else "STARTTLS"
        return f"250-sink\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 {more}"

    async def _recipient(self) -> None:
        if not self._has_sender:
            await self._say("503 5.5.1 Who are you?")
        elif self._sink.stage == "rset" and self._sink.reached < self._sink.times:
            self._has_sender = False
            await self._say("450 4.2.0 Later")  # so that there is something to reset
        else:
            self._has_recipient = await self._answer("rcpt", "250 OK")

    async def _data(self) -> None:
        if not self._has_recipient:
            await self._say("503 5.5.1 To whom?")
        elif await self._answer("data", "354 Go on"):
            if self._sink.acts("body"):
                await self._reader.readexactly(20)
                await self._misbehave()
            mail = await self._reader.readuntil(b"\r\n.\r\n")
            await self._taken(mail)
        self._has_sender = self._has_recipient = False

    async def _taken(self, mail: bytes) -> None:
        refuses = self._sink.stage == "dot" and self._sink.action[0] in "45" and self._sink.reached < self._sink.times
        if not refuses:
            key = next(line for line in mail.split(b"\r\n") if line.startswith(b"X-Contactflow-Key:"))
            self._sink.kept[key.partition(b":")[2].strip().decode()] += 1
        await self._answer("dot", "250 2.0.0 OK")
        if self._sink.acts("between"):
            await self._misbehave()

    async def _answer(self, stage: str, reply: str) -> bool:
        """Answer as is right, True; or do what it does wrong, False."""
        if self._sink.acts(stage):
            await self._misbehave()
            return False
        await self._say(reply)
        return True

    async def _misbehave(self) -> None:
        action = self._sink.action
        if action in LOSSES:
            await self._lose(action)
        while action in TALK:
            self._writer.write(b"250-and another thing\r\n" if action == "babble" else b"2")
            await self._writer.drain()
            await asyncio.sleep(0 if action == "babble" else 0.02)
        await self._say(action)
        if action.startswith("421"):
            raise GoneError

    async def _lose(self, how: str) -> NoReturn:
        if how == "hang":
            await asyncio.sleep(60)
        elif how.endswith("record"):
            await self._writer.drain()
            os.write(self._writer.get_extra_info("socket").fileno(), _HALF_A_RECORD if how == "cut record" else _NO_RECORD)
        raise GoneError

    async def _say(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())
        await self._writer.drain()
