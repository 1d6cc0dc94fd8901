"""Mail servers that misbehave on purpose: real SMTP on a real socket, with a record of what they took."""

import asyncio
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

ALWAYS: Callable[[int], bool] = lambda _: True  # noqa: E731 - reads as a word where it is used


@dataclass
class Behaviour:
    """What the server does at a stage (mail, rcpt, data, body, dot): ``drop``, ``hang``, or an answer of its own."""

    stage: str = ""
    action: str = ""
    when: Callable[[int], bool] = ALWAYS  # by the how manieth time that this stage is reached, from 1
    pipelining: bool = True
    size: int | None = 10_000_000
    most_messages: int | None = None  # then it closes the connection without a word
    utf8: bool = True
    seconds: float = 0  # that it thinks about each message


@dataclass
class Server:
    """The record of one server."""

    behaviour: Behaviour
    port: int = 0
    kept: Counter[str] = field(default_factory=Counter)  # by X-Contactflow-Key: every 250 or lost answer after the final dot
    mails: list[bytes] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    under_way: Counter[str] = field(default_factory=Counter)  # by the recipient's domain, and the most at one moment
    most_under_way: Counter[str] = field(default_factory=Counter)
    heal: bool = False

    def action(self, stage: str) -> str:
        """What to do now, and count it."""
        self.stages[stage] += 1
        acts = not self.heal and self.behaviour.stage == stage and self.behaviour.when(self.stages[stage])
        return self.behaviour.action if acts else ""

    def comes(self, recipient: str) -> None:
        """A message to somebody is under way."""
        domain = recipient.rstrip("> ").rpartition("@")[2]
        self.under_way[domain] += 1
        self.most_under_way[domain] = max(self.most_under_way[domain], self.under_way[domain])

    def goes(self, recipient: str) -> None:
        """It is not any more."""
        self.under_way[recipient.rpartition("@")[2]] -= 1


def certificate_in(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine's, which nobody vouches for, and its key."""
    key, file = folder / "key.pem", folder / "certificate.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(file), *names]
    subprocess.run(command, check=True, capture_output=True)
    return file, key


@contextmanager
def server(behaviour: Behaviour | None = None) -> Iterator[Server]:
    """A server in a thread of its own."""
    record = Server(behaviour or Behaviour())
    with listening(lambda loop: _Naughty(record, loop)) as port:
        record.port = port
        yield record


@contextmanager
def listening(factory: Callable[[asyncio.AbstractEventLoop], SMTP], security: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server in a thread of its own."""
    loop = asyncio.new_event_loop()
    opened = loop.run_until_complete(loop.create_server(lambda: factory(loop), "127.0.0.1", 0, ssl=security))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield opened.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        opened.close()
        if security:
            loop.run_until_complete(asyncio.sleep(0.2))  # an encrypted connection takes its time to say goodbye
        loop.run_until_complete(_end(asyncio.all_tasks(loop)))
        loop.close()


async def _end(tasks: set["asyncio.Task[object]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Naughty(SMTP):
    line_length_limit = 1_000_000

    def __init__(self, record: Server, loop: asyncio.AbstractEventLoop) -> None:
        behaviour = record.behaviour
        super().__init__(
            _Handler(record), hostname="localhost", loop=loop, data_size_limit=behaviour.size, enable_SMTPUTF8=behaviour.utf8, timeout=30
        )
        self.record = record
        self._taken = 0
        record.connections += 1

    @syntax("MAIL")
    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802 - aiosmtpd finds it by this name
        most = self.record.behaviour.most_messages
        if most is not None and self._taken >= most:
            self._drop()
        elif not await self._misbehaves("mail"):
            self.record.senders.append(arg)
            await super().smtp_MAIL(arg)

    @syntax("RCPT")
    async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802 - aiosmtpd finds it by this name
        if not await self._misbehaves("rcpt"):
            self.record.comes(arg)
            await super().smtp_RCPT(arg)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd finds it by this name
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
        elif not await self._misbehaves("data"):
            if self.record.action("body") == "drop":
                await self.push("354 Go on")
                await self._reader.readexactly(100)
                self._drop()
            else:
                self._taken += 1
                await super().smtp_DATA(arg)

    async def _misbehaves(self, stage: str) -> bool:
        action = self.record.action(stage)
        if action == "drop":
            self._drop()
        elif action == "hang":
            await asyncio.sleep(30)
        elif action:
            await self.push(action)
            if action.startswith("421"):
                self._drop(flush=True)
        return bool(action)

    def _drop(self, *, flush: bool = False) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        if flush:
            self.transport.close()
        else:
            self.transport.abort()


class _Handler:
    def __init__(self, record: Server) -> None:
        self._record = record

    async def handle_EHLO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]) -> list[str]:  # noqa: N802 - aiosmtpd finds it by this name
        session.host_name = hostname
        extra = ["250-PIPELINING"] if self._record.behaviour.pipelining else []
        return [*responses[:-1], *extra, responses[-1]]

    async def handle_DATA(self, server: "_Naughty", session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd finds it by this name
        assert isinstance(envelope.content, bytes)
        await asyncio.sleep(self._record.behaviour.seconds)
        self._record.goes(envelope.rcpt_tos[0])
        action = self._record.action("dot")
        if action[:1] in ("4", "5"):
            if action.startswith("421"):
                server.loop.call_later(0.02, server._drop)
            return action
        # It has the mail; whether it says so is another matter.
        self._record.mails.append(envelope.content)
        key = next(line[18:].decode() for line in envelope.content.split(b"\r\n") if line.startswith(b"X-Contactflow-Key:"))
        self._record.kept[key.strip()] += 1
        if action == "drop":
            server._drop()
            await asyncio.sleep(0.2)
        elif action == "hang":
            await asyncio.sleep(30)
        return "250 2.0.0 OK"
