"""My data: asked for from the preference centre, seen behind a link that comes by mail, and there saved, corrected or erased.

The pages only write down what is asked; the engine carries it out, and has gathered what is shown here. A mail scanner that opens the
link sees nothing, because it presses no button.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy import bindparam, select
from sqlmodel import Session

from customers.contact_log import Kind
from customers.corrections import CORRECTABLE, Corrected, corrected, terms_of
from customers.tables import table_of
from engine.asked import RequestKind, Wanted, ask, offered
from engine.nodes.request import MY_DATA
from engine.tables import Request
from landing.behind_links import BehindLinks
from landing.dossier_lines import Speech
from landing.dossier_page import DossierPage
from landing.my_data_words import TOLD
from landing.recipients import Recipient
from landing.render import Visitor
from landing.seals import Seals
from landing.site import SEE_OTHER, Form
from store.session import reading
from store.tokens import Signer

FILE_NAME = "my-data.json"
_REQUEST = table_of(Request).c
# Built once, as in recipients.py.
_GATHERED = (
    select(_REQUEST.document)
    .where(_REQUEST.customer_id == bindparam("customer"), _REQUEST.kind == RequestKind.MY_DATA.value)
    .where(_REQUEST.member_id == bindparam("member"), _REQUEST.document.is_not(None))
    .order_by(_REQUEST.id.desc())
    .limit(1)
)


def may_ask(session: Session, recipient: Recipient) -> bool:
    """Whether a customer can be sent their data: a campaign answers it, and there is an address for its mail."""
    return "email" in recipient.attributes and bool(offered(session, MY_DATA))


class MyData(BehindLinks):
    """The pages of one workspace on which people see what is kept of them. `on_response` hears of what is asked for."""

    @cached_property
    def _seals(self) -> Seals:
        return Seals(Signer(self._settings.keys))

    def ask(self, token: str) -> Response:
        """Write down that somebody wants to see their data, once a day; what they are told is the same each time."""
        now = self._clock.now()
        self._links.message_of("preferences", token, now)  # a wrong link does not take a turn at writing
        with self._together.writing() as session:
            recipient = self._recipient(session, "preferences", token, now)
            may = may_ask(session, recipient)
            if may:
                day = now.astimezone(self._settings.zone).date().isoformat()
                self._write(session, recipient, RequestKind.MY_DATA, f"my_data:{recipient.customer_id}:{day}", now)
        if may:
            self._tell(recipient, Kind.EVENT, self._clock.now())
        return self._notice(recipient, "asked") if may else RedirectResponse(self._address("preferences", token), SEE_OTHER)

    def show_door(self, token: str) -> Response:
        """A button, and nothing of anybody."""
        recipient = self._found(token)
        if recipient.is_erased:
            return self._notice(recipient, "erased")
        said = self._said(recipient)
        text = said["door"].format(sender=self._sender(self._language(recipient)))
        return self._html("my_data_door.html", recipient, {"told": said, "text": text, "action": self._address("my_data", token)})

    def open_door(self, token: str) -> Response:
        """Lead to the data, at an address that works for an hour."""
        seal = self._seals.sitting(self._found(token).message_id, 0, self._clock.now())
        return RedirectResponse(f"{self._address('my_data', token)}/{seal}", SEE_OTHER)

    def show(self, token: str, seal: str) -> Response:
        """What is kept, and the form to correct it with."""
        return self._page(token, seal, {})

    def show_corrected(self, token: str, seal: str) -> Response:
        """The same, after corrections were taken."""
        return self._page(token, seal, {"corrected": True})

    def save(self, token: str, seal: str) -> Response:
        """All of it as a file."""
        seen = self._seen(token, seal)
        if isinstance(seen, Response):
            return seen
        document = json.dumps(seen[1], ensure_ascii=False, indent=2)
        return Response(document, media_type="application/json", headers={"Content-Disposition": f'attachment; filename="{FILE_NAME}"'})

    def take_corrections(self, token: str, seal: str, typed: Form) -> Response:
        """Write down what was corrected, or show again what was not understood."""
        seen = self._seen(token, seal)
        if isinstance(seen, Response):
            return seen
        recipient, document = seen
        changed = self._changed(recipient, document, typed)
        if changed.wrong:
            return self._page(token, seal, {"typed": typed, "wrong": changed.wrong}, 422)
        if changed.values:
            self._ask_to_correct(recipient, document, changed.values)
        return RedirectResponse(f"{self._address('my_data', token)}/{seal}/corrected", SEE_OTHER)

    def ask_erasure(self, token: str, seal: str) -> Response:
        """Say what goes and what stays, and ask for the one press."""
        seen = self._seen(token, seal)
        if isinstance(seen, Response):
            return seen
        back = f"{self._address('my_data', token)}/{seal}"
        return self._html("my_data_erase.html", seen[0], {"told": self._said(seen[0]), "action": f"{back}/erase", "back": back})

    def take_erasure(self, token: str, seal: str) -> Response:
        """Write down that somebody is to be erased."""
        seen, now = self._seen(token, seal), self._clock.now()
        if isinstance(seen, Response):
            return seen
        with self._together.writing() as session:
            self._write(session, seen[0], RequestKind.ERASE, f"erase:{seen[0].customer_id}", now)
        self._tell(seen[0], Kind.EVENT, now)
        return self._notice(seen[0], "erasing")

    def _page(self, token: str, seal: str, told: Mapping[str, Any], status: int = 200) -> Response:
        seen = self._seen(token, seal)
        if isinstance(seen, Response):
            return seen
        recipient, document = seen
        said, base = self._said(recipient), f"{self._address('my_data', token)}/{seal}"
        page = self._shown(recipient, document)
        shown = {
            "intro": said["intro"].format(sender=self._sender(self._language(recipient)), moment=page.made_at),
            "person": page.person(),
            "sections": list(page.sections()),
            "nothing_of": page.nothing_of(),
            "wrong": [(name, page.speech.word(name)) for name in CORRECTABLE if name in told.get("wrong", ())],
            "fields": list(page.fields(CORRECTABLE, told.get("typed", {}), told.get("wrong", frozenset()))),
        }
        # Not a plain dictionary: what is somebody's own is not kept as a page that others may get too (landing/alike.py).
        values: dict[str, Any] = {
            "told": said,
            "base": base,
            "shown": MappingProxyType(shown),
            "corrected": bool(told.get("corrected")),
            "file_name": FILE_NAME,
        }
        return self._html("my_data.html", recipient, values, status)

    def _seen(self, token: str, seal: str) -> tuple[Recipient, Mapping[str, Any]] | Response:
        """Who looks and what was gathered of them; or the page that is shown instead."""
        with reading(self._database) as session:
            recipient = self._recipient(session, "my_data", token, self._clock.now(), also_erased=True)
            if recipient.is_erased:
                return self._notice(recipient, "erased")
            if self._seals.sitting_of(recipient.message_id, seal, self._clock.now()) is None:
                return RedirectResponse(self._address("my_data", token), SEE_OTHER)
            about = {"customer": recipient.customer_id, "member": recipient.member_id}
            document = session.connection().execute(_GATHERED, about).scalar_one_or_none()
        return self._notice(recipient, "gone", 404) if document is None else (recipient, document)

    def _changed(self, recipient: Recipient, document: Mapping[str, Any], typed: Mapping[str, str]) -> Corrected:
        """What differs from what the page was shown with, and only that."""
        page = self._shown(recipient, document)
        given = {name: typed[name] for name in CORRECTABLE if name in typed and typed[name].strip() != page.field(name)}
        return corrected(given, document["customer"].get("country"), terms_of(self._settings.zone, self._clock.now()))

    def _ask_to_correct(self, recipient: Recipient, document: Mapping[str, Any], values: Mapping[str, str | None]) -> None:
        # Of what was shown at one moment the same correction is one request, however often the button is pressed.
        told = json.dumps([document["made_at"], values], sort_keys=True).encode()
        key = f"correct:{recipient.message_id}:{hashlib.blake2b(told, digest_size=8).hexdigest()}"
        with self._together.writing() as session:
            self._write(session, recipient, RequestKind.CORRECT, key, self._clock.now(), dict(values))
        self._tell(recipient, Kind.EVENT, self._clock.now())

    def _write(self, session: Session, recipient: Recipient, kind: RequestKind, key: str, now: datetime, given: Any = None) -> None:
        ask(session, Wanted(key, kind, now, customer_id=recipient.customer_id, message_id=recipient.message_id, given=given))

    def _found(self, token: str) -> Recipient:
        with reading(self._database) as session:
            return self._recipient(session, "my_data", token, self._clock.now(), also_erased=True)

    def _shown(self, recipient: Recipient, document: Mapping[str, Any]) -> DossierPage:
        language = self._language(recipient)
        return DossierPage(document, Speech(language, self._settings.offered))

    def _said(self, recipient: Recipient) -> Mapping[str, str]:
        return TOLD[self._language(recipient)]

    def _notice(self, recipient: Recipient, name: str, status: int = 200) -> Response:
        said = self._said(recipient)
        return self._html("notice.html", recipient, {"title": said[f"{name}_title"], "text": said[name], "link": None}, status)

    def _html(self, template: str, recipient: Recipient, values: Mapping[str, Any], status: int = 200) -> Response:
        return self._rendered(template, Visitor(self._language(recipient)), values, status)
