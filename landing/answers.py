"""Answers to forms, written for many visitors at once: what comes while others are being written goes together into the next transaction.

An answer alone takes as many statements as many do, and far longer than all else of its request. Whoever answers is thanked when the
transaction is committed. When one cannot be (somebody in it is being changed elsewhere), each of it tries by itself.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from customers.contact_log import Entry, Kind, log
from customers.stated import Occasion, Statement, keep_said, take_back
from customers.tables import Contact, table_of
from engine.wake import wake
from landing.drafts import FilledPage, keep_page
from landing.fields import Value
from landing.recipients import GONE, Recipient
from landing.responses import as_seen, entry_of, held, spoken
from landing.seen import Seen, write_down
from store.errors import StorageError, TokenError
from store.together import MOST_TOGETHER, Together

# After a group, before the next: those who were kept waiting by it come together then, and not in a small group and a large one.
LINGER_SECONDS = 0.001
BRIEF_SECONDS = 0.05  # that many wait for a row which somebody else is changing, before each waits alone
_CONTACT = table_of(Contact).c
_ANSWERS = (
    select(
        _CONTACT.message_id,
        _CONTACT.detail,
        func.count().over(partition_by=_CONTACT.message_id).label("number"),
        func.row_number().over(partition_by=_CONTACT.message_id, order_by=_CONTACT.id.desc()).label("place"),
    )
    .where(
        _CONTACT.customer_id.in_(bindparam("customers", expanding=True)),
        _CONTACT.message_id.in_(bindparam("messages", expanding=True)),
        _CONTACT.kind == Kind.ANSWERED.value,
    )
    .subquery()
)
# Built once, as in recipients.py.
_LAST = select(_ANSWERS.c.message_id, _ANSWERS.c.number, _ANSWERS.c.detail).where(_ANSWERS.c.place == 1)


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered, by field, and each question as it was shown."""

    values: Mapping[str, Value]
    questions: Mapping[str, str]

    @property
    def detail(self) -> dict[str, Any]:
        """How it stands in the contact log: ``{"answers": {FIELD: VALUE}, "questions": {FIELD: TEXT}}``."""
        return {"answers": dict(self.values), "questions": dict(self.questions)}


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole form that somebody sent; `filled` is its last page, where it has several."""

    seen: Seen
    answers: Answers
    at: datetime
    filled: FilledPage | None = None

    @property
    def recipient(self) -> Recipient:
        """Who sent it."""
        return self.seen.recipient


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody who answered, and what they wait for: whether it was kept, or None when they are to try by themselves."""

    answered: Answered
    kept: "asyncio.Future[bool | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class AnswerDesk:
    """Keeps answers, those together that come together. For one event loop. `told` hears of each new one, from a worker thread."""

    def __init__(self, together: Together, told: Callable[[Recipient], None]) -> None:
        self._together, self._told = together, told
        self._waiting: list[_Waiting] = []
        self._at_work: asyncio.Task[None] | None = None

    async def keep(self, answered: Answered) -> None:
        """Go on when the answer is committed. Raises TokenError when the customer was erased in the meantime, and what databases raise."""
        mine = _Waiting(answered)
        self._waiting.append(mine)
        if self._at_work is None:
            self._at_work = asyncio.create_task(self._keep_all())
        kept = await mine.kept
        if kept is None:
            kept = (await run_in_threadpool(self._write, [answered], None))[0]
        if not kept:
            raise TokenError(GONE)

    async def _keep_all(self) -> None:
        while group := self._next_group():
            try:
                kept = await run_in_threadpool(self._write, [each.answered for each in group], BRIEF_SECONDS)
            except StorageError as error:  # the database was waited for in vain already, or took back all that was written
                _settle(group, error)
            except Exception:  # noqa: BLE001 - whatever it is, each of them will be told their own
                _settle(group, None)
            else:
                _settle(group, kept)
            await asyncio.sleep(LINGER_SECONDS)
        self._at_work = None

    def _next_group(self) -> list[_Waiting]:
        """Those who wait, the first of each customer only: what comes twice at once is to find the first one written."""
        first: dict[int, _Waiting] = {}
        for each in self._waiting[:MOST_TOGETHER]:
            first.setdefault(each.answered.recipient.customer_id, each)
        self._waiting = [each for each in self._waiting if first.get(each.answered.recipient.customer_id) is not each]
        return list(first.values())

    def _write(self, group: Sequence[Answered], patience_seconds: float | None) -> list[bool]:
        """Whether each was kept; False when the customer was erased since the page looked."""
        with self._together.writing(patience_seconds) as session:
            there = held(session, [each.recipient.customer_id for each in group])
            mine = [each for each in group if each.recipient.customer_id in there]
            for each in mine:
                if each.filled:
                    keep_page(session, each.recipient, each.filled, each.at)
            new = log_answers(session, mine)
            for each in mine:
                write_down(session, each.seen, each.at)
        for each in new:
            self._told(each.recipient)
        return [each.recipient.customer_id in there for each in group]


def _settle(group: Sequence[_Waiting], outcome: Sequence[bool] | Exception | None) -> None:
    for number, each in enumerate(group):
        if each.kept.done():  # nobody waits any more: the server is being stopped
            continue
        if isinstance(outcome, Exception):
            each.kept.set_exception(outcome)
        else:
            each.kept.set_result(outcome[number] if outcome else None)


def log_answers(session: Session, group: Sequence[Answered]) -> list[Answered]:
    """Log answers of different customers, who are held, and wake whoever waits; gives those that are not what was answered last."""
    last = _last_answers(session, [each.recipient for each in group]) if group else {}
    new = [each for each in group if last.get(each.recipient.message_id, _NONE).detail != as_seen(each.recipient, each.answers.detail)]
    if not new:
        return []
    log(session, [_entry(each, last.get(each.recipient.message_id, _NONE).number + 1) for each in new])
    said = [(_occasion(each), _statements(each.answers)) for each in new]
    for occasion, statements in said:
        if occasion.message_id in last:
            take_back(session, occasion, statements)
    keep_said(session, said)
    wake(session, [each.recipient.customer_id for each in new], max(each.at for each in new))
    return new


@dataclass(frozen=True, slots=True)
class _Last:
    """How many answers there were, and the last one's detail."""

    number: int
    detail: Any


_NONE = _Last(0, None)


def _last_answers(session: Session, recipients: Sequence[Recipient]) -> dict[int, _Last]:
    """By message; of those that were answered before."""
    asked = {"customers": [each.customer_id for each in recipients], "messages": [each.message_id for each in recipients]}
    return {row.message_id: _Last(row.number, row.detail) for row in session.connection().execute(_LAST, asked)}


def _entry(answered: Answered, number: int) -> Entry:
    recipient = answered.recipient
    return entry_of(recipient, Kind.ANSWERED, answered.at, f"answered:{recipient.message_id}:{number}", detail=answered.answers.detail)


def _occasion(answered: Answered) -> Occasion:
    recipient = answered.recipient
    return Occasion(recipient.customer_id, answered.at, recipient.campaign, recipient.message_id)


def _statements(answers: Answers) -> list[Statement]:
    return [Statement(name, answers.questions[name], spoken(value)) for name, value in answers.values.items()]
