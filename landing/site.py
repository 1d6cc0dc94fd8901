"""What each address does. Reading, deciding and writing are elsewhere; here is the order of things."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from customers.consent import Source
from customers.contact_log import Kind
from engine.links import LinkPurpose, Links
from landing.alike import personal
from landing.answers import AnswerDesk, Answered, Answers
from landing.attempts import PAUSE, Attempts
from landing.bodies import read_form
from landing.drafts import NOTHING_YET, Draft, drafted, drop_draft, keep_page
from landing.glances import Glance, glance_at
from landing.leading import way_to_choices
from landing.looks import Ask, Looks
from landing.machines import is_machine
from landing.page import Page
from landing.page_files import PageShelf
from landing.pictures import SHOWN_FILES, shown_path
from landing.preference_words import SAID, WHY
from landing.recipients import GONE, Recipient, message_with_code, recipient_of
from landing.render import Renderer, Visitor
from landing.responses import PATIENCE_SECONDS, CustomerResponse, Scope, log_visit, opt_out, story_of, visited_key
from landing.results import Results
from landing.seals import BAIT, SHOWN, SITTING, STEP, Seals
from landing.seen import Seen, seen_by, write_down
from landing.settings import LandingSettings
from landing.surveys import END
from landing.turns import Sent, Spot, resume, send, turn_to
from landing.vouchers import with_voucher
from landing.words import WORDS
from store.clock import Clock
from store.errors import TokenError
from store.session import reading
from store.together import Together
from store.tokens import Signer, normalise_code

Form = Annotated[dict[str, str], Depends(read_form)]
OnResponse = Callable[[CustomerResponse], None]
OPEN_AFTER_CODE = timedelta(days=1)
ONE_CLICK = ("List-Unsubscribe", "One-Click")  # RFC 8058
SEE_OTHER = 303
_STOPS: tuple[LinkPurpose, ...] = ("opt_out", "one_click")


class Site:
    """The landing pages of one workspace."""

    def __init__(
        self,
        together: Together,
        settings: LandingSettings,
        clock: Clock,
        on_response: OnResponse,
        links: Links,
        renderer: Renderer,
    ) -> None:
        self._database, self._together = together.database, together
        self.looks = Looks(together.database, PATIENCE_SECONDS)
        self._settings = settings
        self._clock = clock
        self._on_response = on_response
        self._links = links
        self._renderer = renderer
        self._shelf = PageShelf(settings.templates)
        self._attempts = Attempts()
        self._results = Results()
        self._seals = Seals(Signer(settings.keys))
        self._answers = AnswerDesk(together, lambda recipient: self._tell(recipient, Kind.ANSWERED))

    async def show_page(self, token: str, request: Request) -> Response:
        """The campaign's page, made for the recipient; the visit is logged."""
        now = self._clock.now()
        human = not is_machine(request.method, request.headers)
        message_id = self._links.message_of("page", token, now)
        key = visited_key(message_id, now, self._settings.zone, human=human)

        def shown(ask: Ask) -> tuple[Glance, Seen, Response | None]:
            glance = glance_at(ask, message_id, key)
            if glance is None:
                raise TokenError(GONE)
            seen = seen_by(ask, self._shelf, glance.recipient)
            return glance, seen, None if self._lacks_voucher(glance.recipient) else self._begun(ask, token, glance, seen)

        glance, seen, page = await self.looks.found(shown)
        while page is None:  # given and then read again: two who open it at once are to see the same voucher
            await run_in_threadpool(self._with_voucher, glance.recipient)
            glance, seen, page = await self.looks.found(shown)
        if not glance.is_logged or (human and not seen.is_written):
            await run_in_threadpool(self._log_visit, seen, now, key, human=human)
        return page

    def _begun(self, ask: Ask, token: str, glance: Glance, seen: Seen) -> Response:
        """The page where this recipient begins, or goes on."""
        page = seen.page
        draft = drafted(ask, glance.recipient.message_id) if page.pages else NOTHING_YET
        spot = resume(page.survey, draft, glance.recipient.attributes.get("country"))
        return self._form_page(token, glance.recipient, page, spot, {"answered": glance.has_answered})

    def _lacks_voucher(self, recipient: Recipient) -> bool:
        return recipient.voucher is None and self._shelf.page(recipient.header.page).shows_voucher

    def _with_voucher(self, recipient: Recipient) -> Recipient:
        """The recipient with the voucher that their page shows; most were given one with the message."""
        if not self._lacks_voucher(recipient):
            return recipient
        with self._together.writing() as session:
            return with_voucher(session, recipient, self._clock.now())

    def _log_visit(self, seen: Seen, now: datetime, key: str, *, human: bool) -> None:
        """What a machine sees is not written down as anybody's variant: most open every link, whatever is behind it."""
        with self._together.writing() as session:
            logged = log_visit(session, seen.recipient, now, key, human=human)
            if human:
                write_down(session, seen, now)
        if logged and human:
            self._tell(seen.recipient, Kind.VISITED)

    def show_part(self, token: str, part: str, sitting: str) -> Response:
        """A page of a form over several, for whoever fills it in now; anybody else is led to where the link leads."""
        seen, draft = self._form_of(self.looks.ask, token)
        page, recipient = seen.page, seen.recipient
        number = self._seals.sitting_of(recipient.message_id, sitting, self._clock.now())
        spot = None if number is None else turn_to(page.survey, draft, recipient.attributes.get("country"), part, number)
        if spot is None:
            return RedirectResponse(self._address("page", token), SEE_OTHER)
        return self._form_page(token, recipient, page, spot, {"sitting": sitting})

    def begin_again(self, token: str) -> Response:
        """Forget what was filled in of a form that is not finished."""
        self._links.message_of("page", token, self._clock.now())  # a wrong link does not take a turn at writing
        with self._together.writing() as session:
            drop_draft(session, self._recipient(session, "page", token))
        return RedirectResponse(self._address("page", token), SEE_OTHER)

    async def take_answer(self, token: str, typed: Form) -> Response:
        """Keep what was answered and lead to the next page of the form or to the thanks; or show again what is not right."""
        now, address = self._clock.now(), self._address("page", token)
        seen, draft = await self.looks.found(lambda ask: self._form_of(ask, token))
        page, recipient = seen.page, seen.recipient
        sitting = self._seals.sitting_of(recipient.message_id, typed.get(SITTING, ""), now)
        sent = send(page.survey, draft, typed, recipient.attributes.get("country"), sitting)
        doubted = self._seals.is_a_machines(recipient.message_id, typed, now)
        if doubted or not sent.is_right or not page.form:
            told = {"sitting": typed.get(SITTING, "") if sitting is not None else "", "doubted": doubted}
            return self._form_page(token, recipient, page, sent.spot, told, 422)
        if sent.target == END:
            await self._answers.keep(self._answered(seen, sent, now))
            return RedirectResponse(f"{address}/thanks", SEE_OTHER)
        number = await run_in_threadpool(self._keep_page, seen, sent, now)
        return RedirectResponse(f"{address}/{sent.target}/{self._seals.sitting(recipient.message_id, number, now)}", SEE_OTHER)

    def show_thanks(self, token: str) -> Response:
        """What comes after the answer; whoever has not answered is led to the page."""
        with reading(self._database) as session:
            recipient = self._recipient(session, "page", token)
            answered = story_of(session, recipient).answered
        address = self._address("page", token)
        if not answered:
            return RedirectResponse(address, SEE_OTHER)
        page = seen_by(self.looks.ask, self._shelf, recipient).page
        with reading(self._database) as session:
            counts = self._results.counts(session, recipient.campaign, page, self._clock.now())
        visitor = self._visitor(self._with_voucher(recipient))
        shown = self._renderer.thanks(page, visitor, counts)
        return self._html("thanks.html", visitor, {"shown": shown, "back": address})

    def ask_opt_out(self, token: str) -> Response:
        """Ask for the one press; looking at it changes nothing, because mail scanners look."""
        with reading(self._database) as session:
            recipient = self._recipient(session, "opt_out", token)
            preferences = way_to_choices(session, self._links, recipient, self._clock.now())
        visitor = Visitor(self._visitor(recipient).language)
        texts: dict[str, object] = {name: self._about(recipient, visitor, name) for name in ("stop_why", "stop_channel", "stop_all")}
        more = {"preferences": preferences, "say": SAID[visitor.language]}
        return self._html("stop.html", visitor, {"action": self._address("opt_out", token), **texts, **more})

    def take_opt_out(self, token: str, typed: Form) -> Response:
        """Opt out of this channel, or with `scope=all` of every channel, for the campaign's purpose."""
        return self._opt_out("opt_out", token, "all" if typed.get("scope") == "all" else "channel", Source.PAGE)

    def lead_to_opt_out(self, token: str) -> Response:
        """A person who follows the link that a mail program would post to is asked like everybody else."""
        with reading(self._database) as session:
            recipient = self._recipient(session, "one_click", token)
        return RedirectResponse(self._link("opt_out", recipient.message_id, None), SEE_OTHER)

    def take_one_click(self, token: str, typed: Form) -> Response:
        """RFC 8058: opt out at once when a mail program says so; anything else is led to the question."""
        if typed.get(ONE_CLICK[0]) != ONE_CLICK[1]:
            return self.lead_to_opt_out(token)
        return self._opt_out("one_click", token, "channel", Source.ONE_CLICK)

    def ask_code(self, request: Request) -> Response:
        """The front page: type the short code of a letter."""
        return self._code_page(request, "", wrong=False)

    def take_code(self, request: Request, typed: Form) -> Response:
        """Lead to the page behind a short code; guessing is limited."""
        now, address = self._clock.now(), request.client.host if request.client else ""
        if not self._attempts.may_try(address, now):
            return self._pause(request)
        text = typed.get("code", "")
        try:
            code = normalise_code(text)
        except TokenError:
            return self._code_page(request, text, wrong=True)
        with reading(self._database) as session:
            message_id = message_with_code(session, code, now, timedelta(days=self._settings.code_days))
        if message_id is None:
            self._attempts.missed(address, now)
            return self._code_page(request, text, wrong=True)
        return RedirectResponse(self._link("page", message_id, now + OPEN_AFTER_CODE), SEE_OTHER)

    def stylesheet(self) -> Response:
        """The style; its address changes with its content."""
        return Response(self._renderer.css, media_type="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})

    def picture(self, name: str, request: Request) -> Response:
        """A picture or a film under templates/; of a film also a part of it, as players ask for."""
        path = shown_path(self._settings.templates, name, SHOWN_FILES)
        if path is None:
            return self.notice(request.headers.get("accept-language", ""), 404)
        return FileResponse(path, media_type=SHOWN_FILES[path.suffix.lower()], headers={"Cache-Control": "public, max-age=3600"})

    def notice(self, languages: str, status: int) -> Response:
        """A page that says what is the matter, the same for everybody: nothing of anyone is in it."""
        visitor = self._renderer.anybody(languages)
        words = WORDS[visitor.language]
        name = {413: "large", 429: "code_wait", 500: "broken", 503: "away"}.get(status, "lost")
        link = self._settings.path + "/" if name == "lost" else None
        values = {"title": words[f"{name}_title"], "text": words[name], "link": link, "link_text": words["lost_code"]}
        response = self._html("notice.html", visitor, values, status)
        if status in (429, 503):
            response.headers["Retry-After"] = str(PAUSE // timedelta(seconds=1) if status == 429 else 60)
        return response

    def slower(self, languages: str, status: int) -> Response:
        """The page for whoever sends too much at once."""
        visitor = self._renderer.anybody(languages)
        words = WORDS[visitor.language]
        response = self._html("notice.html", visitor, {"title": words["slower_title"], "text": words["slower"], "link": None}, status)
        response.headers["Retry-After"] = "60"
        return response

    def _form_of(self, ask: Ask, token: str) -> tuple[Seen, Draft]:
        seen = seen_by(ask, self._shelf, self._known(ask, token))
        return seen, drafted(ask, seen.recipient.message_id) if seen.page.pages else NOTHING_YET

    def _form_page(
        self, token: str, recipient: Recipient, page: Page, spot: Spot, told: Mapping[str, object], status: int = 200
    ) -> Response:
        visitor, address = self._visitor(recipient), self._address("page", token)
        hidden = {STEP: spot.step, SITTING: told.get("sitting"), SHOWN: self._seals.shown(recipient.message_id, self._clock.now())}
        values = {
            "shown": self._renderer.page(page, visitor, self._clock.now(), spot),
            "answered": False,
            "doubted": False,
            "action": personal(address),
            "hidden": {name: personal(str(value)) for name, value in hidden.items() if value},
            "bait": BAIT,
            "back": spot.back and personal(f"{address}/{spot.back}/{told.get('sitting')}"),
            "again": personal(f"{address}/again"),
        }
        return self._html("page.html", visitor, {**values, **told}, status)

    def _answered(self, seen: Seen, sent: Sent, now: datetime) -> Answered:
        questions = self._renderer.questions(seen.page, self._visitor(seen.recipient))
        answers = Answers(sent.values, {name: questions[name] for name in sent.values})
        return Answered(seen, answers, now, sent.filled if seen.page.pages else None)

    def _keep_page(self, seen: Seen, sent: Sent, now: datetime) -> int:
        """Keep a page of a form over several, and give the number of its sitting."""
        with self._together.writing() as session:
            number = keep_page(session, seen.recipient, sent.filled, now)
            write_down(session, seen, now)
        return number

    def _opt_out(self, purpose: LinkPurpose, token: str, scope: Scope, source: Source) -> Response:
        now = self._clock.now()
        self._links.message_of(purpose, token, now)  # as above
        with self._together.writing() as session:
            recipient = self._recipient(session, purpose, token)
            changed = opt_out(session, recipient, scope, source, now)
            preferences = way_to_choices(session, self._links, recipient, now)
        if changed:
            self._tell(recipient, Kind.OPTED_OUT)
        visitor = Visitor(self._visitor(recipient).language)
        words = WORDS[visitor.language]
        text = self._about(recipient, visitor, "stopped", every=scope == "all")
        # A reason may be given now that it is done, never before.
        why = {"why_action": f"{self._link('opt_out', recipient.message_id, None)}/why", "whys": WHY, "say": SAID[visitor.language]}
        link = {"link": preferences, "link_text": SAID[visitor.language]["preferences"]}
        values = {"title": words["stopped_title"], "text": text, **link, **why}
        return self._html("stopped.html", visitor, values)

    def _about(self, recipient: Recipient, visitor: Visitor, word: str, *, every: bool = False) -> str:
        """A sentence about what a customer receives: channel, purpose and sender, and nothing about the customer."""
        words, purpose = WORDS[visitor.language], recipient.header.purpose
        channel = words.get("channel_all" if every else f"channel_{recipient.channel}", recipient.channel)
        text = words[word if purpose else f"{word}_all"]
        title = self._settings.offered.title(purpose or "", visitor.language)
        return text.format(channel=channel, purpose=title, sender=self._settings.sender_name or words["us"])

    def _known(self, ask: Ask, token: str) -> Recipient:
        """Who stands behind the link of a page, in one statement."""
        glance = glance_at(ask, self._links.message_of("page", token, self._clock.now()), "")
        if glance is None:
            raise TokenError(GONE)
        return glance.recipient

    def _recipient(self, session: Session, purpose: LinkPurpose, token: str) -> Recipient:
        # Whoever has been erased and still presses "stop" in an old mail is told that nothing more comes.
        recipient = recipient_of(session, self._links.message_of(purpose, token, self._clock.now()), also_erased=purpose in _STOPS)
        if recipient is None:
            raise TokenError(GONE)
        return recipient

    def _visitor(self, recipient: Recipient) -> Visitor:
        return self._renderer.known(recipient, self._link("opt_out", recipient.message_id, None))

    def _link(self, purpose: LinkPurpose, message_id: int, expires: datetime | None) -> str:
        """A link without the host, so that whoever came over another name of it stays there."""
        return urlsplit(self._links.link(purpose, message_id, expires)).path

    def _address(self, purpose: LinkPurpose, token: str) -> str:
        """The address of the page that is being shown, below the path that we are reached at."""
        return f"{self._settings.path}/{self._links.path(purpose)}/{token}"

    def _code_page(self, request: Request, typed: str, *, wrong: bool) -> Response:
        visitor = self._renderer.anybody(request.headers.get("accept-language"))
        values = {"action": f"{self._settings.path}/c", "typed": typed, "wrong": wrong}
        return self._html("code.html", visitor, values, 422 if wrong else 200)

    def _pause(self, request: Request) -> Response:
        return self.notice(request.headers.get("accept-language", ""), 429)

    def _html(self, template: str, visitor: Visitor, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
        return HTMLResponse(self._renderer.render(template, visitor, values), status)

    def _tell(self, recipient: Recipient, kind: Kind) -> None:
        at = self._clock.now()
        self._on_response(CustomerResponse(recipient.customer_id, recipient.message_id, recipient.campaign, kind, at))
