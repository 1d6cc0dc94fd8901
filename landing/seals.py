"""What the pages sign for themselves: a sitting at a form, and when a form was shown.

A link to a page may have been forwarded, and what was answered is nobody else's business. So an answer is shown again only to
whoever gave it: each time that somebody begins to fill in, or goes on later, is a sitting, whose seal stands in the addresses of that
sitting's pages and is of no use after an hour or two. A forwarded link goes on where the answers stop, and shows none of them.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta

from store.clock import from_micros, to_micros
from store.errors import TokenError
from store.tokens import Signer

STEP, SITTING, SHOWN, BAIT, KEPT = "_step", "_sitting", "_shown", "_subject", "_kept_"  # what goes with a form; no question begins with _
TOO_FAST = timedelta(seconds=1)  # nobody reads a page and answers it in less
SITTING_LASTS = timedelta(hours=1)
MOST_SITTINGS = 1 << 12
_SITTING_BITS = 12


class Seals:
    """Signs and reads the seals of forms."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def sitting(self, message_id: int, number: int, now: datetime) -> str:
        """The seal of a message's sitting with this number, below MOST_SITTINGS."""
        return self._signer.sign(SITTING, message_id << _SITTING_BITS | number, now + SITTING_LASTS)

    def sitting_of(self, message_id: int, seal: str, now: datetime) -> int | None:
        """The number of a sitting; None when this is no seal of this message's, or its time is over."""
        try:
            subject = self._signer.read(SITTING, seal, now)
        except TokenError:
            return None
        return subject % MOST_SITTINGS if subject >> _SITTING_BITS == message_id else None

    def shown(self, message_id: int, now: datetime) -> str:
        """The seal that tells when a form was shown."""
        at = str(to_micros(now))
        return f"{at}.{urlsafe_b64encode(self._signer.mark(SHOWN, _told(message_id, at))).decode()}"

    def shown_at(self, message_id: int, seal: str) -> datetime | None:
        """When the form with this seal was shown; None when the seal is not ours."""
        at, _, mark = seal.partition(".")
        try:
            good = at.isdecimal() and at.isascii() and self._signer.is_marked(SHOWN, _told(message_id, at), urlsafe_b64decode(mark))
        except ValueError:
            return None
        return from_micros(int(at)) if good else None

    def is_a_machines(self, message_id: int, typed: Mapping[str, str], now: datetime) -> bool:
        """Whether a form was sent by a program: a field that nobody sees is filled in, or it came back in no time."""
        if typed.get(BAIT):
            return True
        if SHOWN not in typed:
            return False  # not sent from our page; the link by itself says who may answer
        at = self.shown_at(message_id, typed[SHOWN])
        # A clock that stands, as in a rehearsal, tells nothing.
        return at is None or (at != now and now - at < TOO_FAST)


def _told(message_id: int, at: str) -> bytes:
    return f"{message_id}:{at}".encode()
