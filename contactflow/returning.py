"""What comes back by mail is taken in: read, given to the engine, and put away, in this order."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from channels.email.incoming import Other, Ours, ReturnPaths, Why, feedback_of, mail_id, read, written_at
from channels.email.incoming.mailroom import FOLDER, Mailroom
from channels.feedback import Feedback, Happening
from contactflow.bootstrap import secrets_of
from contactflow.settings import Settings, read_settings, secret_keys
from engine.feedback import Taken, take_in
from store.errors import StorageError
from store.session import writing
from store.tokens import Signer

BATCH = 200  # mails a transaction


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it came, and the name under which it is put away."""

    raw: bytes = field(repr=False)
    name: str = ""


PutAway = Callable[[str, bool], object]  # the name, and whether a person should look at it


@dataclass(frozen=True, slots=True)
class Tally:
    """What was taken in, counted by mails but for `happenings`, which a mail may tell several of."""

    mails: int = 0
    happenings: Counter[Happening] = field(default_factory=Counter)
    not_ours: int = 0  # about no message and no customer of ours
    unreadable: int = 0
    repeated: int = 0  # pieces that were known already
    unproven: int = 0  # pieces that may be invented
    resolved: int = 0  # messages that were unknown, and did leave
    customers: frozenset[int] = frozenset()  # who may be due now
    troubles: frozenset[str] = frozenset()  # what kind of error made mails unreadable

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.mails + other.mails,
            self.happenings + other.happenings,
            self.not_ours + other.not_ours,
            self.unreadable + other.unreadable,
            self.repeated + other.repeated,
            self.unproven + other.unproven,
            self.resolved + other.resolved,
            self.customers | other.customers,
            self.troubles | other.troubles,
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """A mail that was read; None: it cannot be."""

    name: str
    pieces: tuple[Feedback, ...] | None


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes mails in. `ours` is how our own messages are known again."""

    database: Engine
    ours: Ours

    def take_in(self, mails: Iterable[Mail], now: datetime, put_away: PutAway = lambda *_: None) -> Tally:
        """Take mails in, some hundred a transaction, and put each away behind its own.

        The same mail twice is one, so that a kill between the two costs nothing. A mail that cannot be read stops no other. Raises
        StorageError or OperationalError when the database cannot be written: what was not put away is for the next time.
        """
        told, read_ones = Tally(), (self._read(mail, now) for mail in mails)
        while batch := list(islice(read_ones, BATCH)):
            told += self._batch(batch, now, put_away)
        return told

    def _read(self, mail: Mail, now: datetime) -> _Read:
        incoming = read(mail.raw, self.ours)
        unreadable = isinstance(incoming, Other) and incoming.why is Why.UNREADABLE
        return _Read(mail.name, None if unreadable else feedback_of(incoming, mail_id(mail.raw), written_at(mail.raw, now)))

    def _batch(self, mails: Sequence[_Read], now: datetime, put_away: PutAway) -> Tally:
        pieces = [piece for mail in mails for piece in mail.pieces or ()]
        try:
            with writing(self.database) as session:
                taken = take_in(session, pieces, now)
        except (StorageError, OperationalError):
            raise  # no mail's fault
        except Exception as error:  # noqa: BLE001 - one mail that nobody thought of must not keep back all that come after it
            if len(mails) > 1:
                middle = len(mails) // 2
                return self._batch(mails[:middle], now, put_away) + self._batch(mails[middle:], now, put_away)
            put_away(mails[0].name, True)
            return Tally(mails=1, unreadable=1, troubles=frozenset({type(error).__name__}))
        for mail in mails:
            put_away(mail.name, mail.pieces is None)
        return _tally(mails, pieces, taken)


def take_in_returned(root: Path, intake: Intake, now: datetime) -> Tally:
    """Take in all that waits in the workspace."""
    room = Mailroom(root / FOLDER)
    waiting = (Mail(raw, name) for name in room.waiting() if (raw := room.read(name)) is not None)
    return intake.take_in(waiting, now, lambda name, flagged: room.put_away(name, for_a_person=flagged))


def intake_of(root: Path, database: Engine) -> Intake:
    """What takes mail in for a workspace."""
    return Intake(database, ours_of(read_settings(root), secret_keys(secrets_of(root))))


def ours_of(settings: Settings, keys: Sequence[bytes]) -> Ours:
    """By what the workspace knows its own mails again."""
    email = settings.email
    domains = {email.sender.rpartition("@")[2], email.bounces_to or ""}
    return Ours(ReturnPaths(Signer(keys)), frozenset(domain.lower() for domain in domains if domain))


def _tally(mails: Sequence[_Read], pieces: Sequence[Feedback], taken: Taken) -> Tally:
    return Tally(
        mails=len(mails),
        happenings=Counter(piece.happening for piece in pieces),
        not_ours=sum(mail.pieces == () for mail in mails) + taken.strange,
        unreadable=sum(mail.pieces is None for mail in mails),
        repeated=taken.repeated,
        unproven=taken.unproven,
        resolved=taken.resolved,
        customers=taken.customers,
    )
