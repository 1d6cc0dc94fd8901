"""Behind the link of the mail that asks whether it was them: one button. Looking changes nothing, because mail scanners look."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy import func, select
from sqlmodel import Session

from customers.consent import EVERYTHING, ConsentChange, Source, consent_of, record_consent
from customers.contact_log import Kind, log
from customers.tables import Consent, table_of
from engine.asked import RequestKind
from engine.tables import Request
from engine.wake import wake
from landing.behind_links import BehindLinks
from landing.join_words import SAID
from landing.recipients import Recipient, recipient_of
from landing.responses import entry_of, hold
from landing.site import OPEN_AFTER_CODE, SEE_OTHER
from store.errors import TokenError
from store.session import reading

CHANNEL = "email"
_REQUEST = table_of(Request).c


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asked to join, when, and what the form said; and what stands now."""

    recipient: Recipient
    at: datetime
    form: str
    said: str
    is_granted: bool
    has_stopped: bool  # after they asked

    @property
    def purpose(self) -> str:
        """What they asked for."""
        return self.recipient.header.purpose or ""


class Confirming(BehindLinks):
    """The pages of the second half of a double opt-in."""

    def show(self, token: str) -> Response:
        """Ask for the one press."""
        with reading(self._database) as session:
            asked = self._asked(session, token)
        if asked.is_granted:
            return self._page("joined.html", asked, "done", preferences=self._preferences(asked))
        if asked.has_stopped:
            return self._stopped(asked)
        return self._page("confirm.html", asked, "confirm", agreed=asked.said, action=self._address("confirm", token))

    def take(self, token: str) -> Response:
        """Allow what was asked for, in person; but not what was refused after it was asked for."""
        now = self._clock.now()
        self._links.message_of("confirm", token, now)  # a wrong link does not take a turn at writing
        with self._together.writing() as session:
            asked = self._asked(session, token, held=True)
            is_new = not (asked.is_granted or asked.has_stopped)
            if is_new:
                _confirm(session, asked, now)
        if is_new:
            self._tell(asked.recipient, Kind.OPTED_IN, now)
        return RedirectResponse(self._address("confirm", token), SEE_OTHER)

    def _asked(self, session: Session, token: str, *, held: bool = False) -> _Asked:
        recipient = recipient_of(session, self._links.message_of("confirm", token, self._clock.now()))
        if recipient and held:
            hold(session, recipient.customer_id)
        row = session.execute(_request_of(recipient)).one_or_none() if recipient else None
        if recipient is None or row is None:
            raise TokenError("There is nothing to confirm behind this link.")
        said = row.document if isinstance(row.document, dict) else {}
        purpose = recipient.header.purpose or ""
        granted = bool(consent_of(session, np.array([recipient.customer_id]), purpose, CHANNEL).granted[0])
        stopped = not granted and _refused_at(session, recipient, purpose, row.at)
        return _Asked(recipient, row.at, said.get("form", ""), said.get("said", ""), granted, stopped)

    def _stopped(self, asked: _Asked) -> Response:
        form = f"{self._settings.path}/join/{asked.recipient.campaign}"
        said = SAID[self._language(asked.recipient)]
        return self._html(
            "notice.html", asked, {"title": said["stopped_title"], "text": said["stopped"], "link": form, "link_text": said["join"]}
        )

    def _page(self, template: str, asked: _Asked, word: str, **values: Any) -> Response:
        language = self._language(asked.recipient)
        purpose = self._settings.offered.title(asked.purpose, language)
        text = SAID[language][word].format(purpose=purpose, sender=self._sender(language))
        return self._html(template, asked, {"text": text, **values})

    def _html(self, template: str, asked: _Asked, values: dict[str, Any]) -> Response:
        visitor = self._visitor(asked.recipient)
        return self._rendered(template, visitor, {"say": SAID[visitor.language], **values})

    def _preferences(self, asked: _Asked) -> str:
        return urlsplit(self._links.link("preferences", asked.recipient.message_id, self._clock.now() + OPEN_AFTER_CODE)).path


def _request_of(recipient: Recipient) -> Any:
    mine = (_REQUEST.customer_id == recipient.customer_id, _REQUEST.member_id == recipient.member_id)
    newest = select(_REQUEST.at, _REQUEST.document).where(*mine, _REQUEST.kind == RequestKind.JOIN.value).order_by(_REQUEST.id.desc())
    return newest.limit(1)


def _refused_at(session: Session, recipient: Recipient, purpose: str, since: datetime) -> bool:
    """Whether they refused it after they asked for it: that is the younger word."""
    consent = table_of(Consent).c
    about = (consent.purpose.in_((purpose, EVERYTHING)), consent.channel.in_((CHANNEL, EVERYTHING)), consent.granted.is_(False))
    last = select(func.max(consent.since)).where(consent.customer_id == recipient.customer_id, *about)
    refused: datetime | None = session.execute(last).scalar()
    return refused is not None and refused > since


def _confirm(session: Session, asked: _Asked, now: datetime) -> None:
    recipient = asked.recipient
    about = {"message_id": recipient.message_id, "campaign": recipient.campaign, "node": recipient.node, "page": "join"}
    evidence = {**about, "form": asked.form, "said": asked.said, "asked_at": asked.at.isoformat()}
    change = ConsentChange(recipient.customer_id, asked.purpose, CHANNEL, granted=True, at=now, source=Source.PAGE, evidence=evidence)
    record_consent(session, [change])
    detail = {"purpose": asked.purpose, "channel": CHANNEL, "source": Source.PAGE.value}
    log(session, [entry_of(recipient, Kind.OPTED_IN, now, f"confirmed:{recipient.message_id}", detail=detail)])
    wake(session, [recipient.customer_id], now)
