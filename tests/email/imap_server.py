"""A mailbox over IMAP: as much of RFC 3501 as a client needs that reads what is new. Literals, flags and refusals are real."""

import re
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Box:
    """A folder: mails by UID, and which were seen."""

    mails: dict[int, bytes]
    folder: str = "INBOX"
    user: str = "anna@shop.example"
    password: str = 'pass "word" \\'
    seen: set[int] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    cut_at: str = ""  # the command at which the connection breaks


class ImapServer(socketserver.ThreadingTCPServer):
    """Serves one box on a free port of this machine."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, box: Box) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.box = box
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def stop(self) -> None:
        """Answer nobody any more."""
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: ImapServer
    known: ClassVar[dict[str, Callable[["_Session", str], str | None]]]

    def handle(self) -> None:
        self._say("* OK ready")
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            tag, _, rest = line.partition(" ")
            name = next((each for each in self.known if rest.upper().startswith(each)), "")
            self.server.box.commands.append(name)
            if name == self.server.box.cut_at and name:
                return
            fault = self.known[name](self, rest[len(name) :].strip()) if name else "what?"
            self._say(f"{tag} {'NO ' + fault if fault else 'OK done'}")
            if name == "LOGOUT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _capability(self, _: str) -> None:
        self._say("* CAPABILITY IMAP4rev1")

    def _login(self, rest: str) -> str | None:
        user, password = (re.sub(r"\\(.)", r"\1", each) for each in re.findall(r'"((?:[^"\\]|\\.)*)"', rest))
        box = self.server.box
        return None if (user, password) == (box.user, box.password) else "[AUTHENTICATIONFAILED] Invalid credentials"

    def _select(self, rest: str) -> str | None:
        box = self.server.box
        self._say(f"* {len(box.mails)} EXISTS")
        return None if rest.strip('"') == box.folder else "no such folder"

    def _search(self, _: str) -> None:
        box = self.server.box
        self._say("* SEARCH" + "".join(f" {uid}" for uid in box.mails if uid not in box.seen))

    def _fetch(self, rest: str) -> None:
        uid, most = (int(each) for each in re.fullmatch(r"(\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", rest).groups())  # type: ignore[union-attr]  # a test may fail here
        self._say("* 1 FETCH (UID 1 FLAGS (\\Recent))")  # what a server may say at any time
        self._say("* 1 FETCH (UID 1 ENVELOPE {5}\r\nother)")
        if uid in self.server.box.mails:
            raw = self.server.box.mails[uid][:most]
            self.wfile.write(b"* 2 FETCH (UID %d BODY[]<0> {%d}\r\n%s)\r\n" % (uid, len(raw), raw))

    def _store(self, rest: str) -> None:
        uids, what = rest.split(" ", 1)
        assert what == r"+FLAGS.SILENT (\Seen)"
        self.server.box.seen |= {int(uid) for uid in uids.split(",")}

    def _logout(self, _: str) -> None:
        self._say("* BYE")


_Session.known = {
    "CAPABILITY": _Session._capability,
    "LOGIN": _Session._login,
    "SELECT": _Session._select,
    "UID SEARCH UNSEEN": _Session._search,
    "UID FETCH": _Session._fetch,
    "UID STORE": _Session._store,
    "LOGOUT": _Session._logout,
}
