"""Forms that are not finished, kept a page at a time, so that they can be gone on with later and on another device."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, bindparam, insert, select, type_coerce, update
from sqlmodel import Session

from customers.contact_log import Kind, log
from customers.tables import table_of
from landing.looks import Ask, Question
from landing.recipients import Recipient
from landing.responses import entry_of, hold, story_of
from landing.seals import MOST_SITTINGS
from landing.surveys import Typed
from landing.tables import FormDraft
from store.columns import json_or_none

_DRAFT = table_of(FormDraft)
_ASKED = select(_DRAFT.c.sittings, _DRAFT.c.given).where(_DRAFT.c.message_id == bindparam("message"))
_LOOKED = Question(_ASKED)
KEPT_FOR = timedelta(days=30)  # after the last page that was sent


@dataclass(frozen=True, slots=True)
class Draft:
    """What was filled in so far. `given` has what was typed on each page, `sitting` in which sitting that was."""

    given: Mapping[str, Typed] = field(default_factory=dict)
    sitting: Mapping[str, int] = field(default_factory=dict)
    sittings: int = 0

    def typed(self, step: str, sitting: int | None) -> Typed:
        """What was typed on a page in this very sitting; nothing of any other."""
        return self.given[step] if sitting is not None and self.sitting.get(step) == sitting else {}


NOTHING_YET = Draft()


def draft_of(session: Session, message_id: int) -> Draft:
    """The draft of a message's form; one statement."""
    row = session.connection().execute(_ASKED, {"message": message_id}).one_or_none()
    return _draft(row.sittings, row.given) if row else NOTHING_YET


def drafted(ask: Ask, message_id: int) -> Draft:
    """The same for a page that is looked at."""
    rows = ask(_LOOKED, {"message": message_id}).rows
    sittings, given = rows[0] if rows else (0, None)
    return _draft(sittings, json.loads(given) if isinstance(given, str) else given) if rows else NOTHING_YET


@dataclass(frozen=True, slots=True)
class FilledPage:
    """A page of a form that was filled in. Without a sitting it begins one; begun anew, what was there before is forgotten."""

    step: str
    typed: Typed
    sitting: int | None
    is_begun_anew: bool


def keep_page(session: Session, recipient: Recipient, page: FilledPage, at: datetime) -> int:
    """Keep a page, and give the number of its sitting. A form that is begun is logged once a message."""
    hold(session, recipient.customer_id)
    draft = draft_of(session, recipient.message_id)
    number = page.sitting if page.sitting is not None else (draft.sittings + 1) % MOST_SITTINGS
    kept = {} if page.is_begun_anew else {step: _kept(typed, draft.sitting[step]) for step, typed in draft.given.items()}
    given = kept | {page.step: _kept(page.typed, number)}
    values = {"sittings": max(number, draft.sittings), "given": given, "changed_at": at}
    if draft is NOTHING_YET:
        about = {"message_id": recipient.message_id, "customer_id": recipient.customer_id}
        session.connection().execute(insert(_DRAFT).values(**about, **values))
        _log_begun(session, recipient, at)
    else:
        session.connection().execute(update(_DRAFT).where(_DRAFT.c.message_id == recipient.message_id).values(**values))
    return number


def drop_draft(session: Session, recipient: Recipient) -> None:
    """Forget what was filled in: the recipient begins again."""
    hold(session, recipient.customer_id)
    row = update(_DRAFT).where(_DRAFT.c.message_id == recipient.message_id)
    session.connection().execute(row.values(given={}))


def forget_drafts(session: Session, now: datetime) -> int:
    """Forget what was filled in and then left alone for a month; gives in how many forms. One statement.

    The count of sittings stays: the seal of an old one must not open a new one.
    """
    left_alone = (_DRAFT.c.changed_at < now - KEPT_FOR, type_coerce(_DRAFT.c.given, Text) != json_or_none({}))
    return session.connection().execute(update(_DRAFT).where(*left_alone).values(given={})).rowcount


def _log_begun(session: Session, recipient: Recipient, at: datetime) -> None:
    key = f"form_started:{recipient.message_id}"
    if key not in story_of(session, recipient).keys:
        log(session, [entry_of(recipient, Kind.FORM_STARTED, at, key)])


def _kept(typed: Typed, sitting: int) -> dict[str, Any]:
    return {"typed": dict(typed), "sitting": sitting}


def _draft(sittings: int, given: Any) -> Draft:
    typed = {step: each["typed"] for step, each in given.items()}
    return Draft(typed, {step: each["sitting"] for step, each in given.items()}, sittings)
