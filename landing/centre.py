"""The preference centre behind a personal link, and the reason that may be given after an opt-out. Looking changes nothing."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse

from customers.choices import ChoiceKind
from customers.consent import EVERYTHING
from customers.preferred import PartOfDay
from landing.behind_links import BehindLinks
from landing.leading import way_to_choices
from landing.moments import date_in_words
from landing.my_data import may_ask
from landing.my_data_words import TOLD
from landing.offered import Offered, spoken
from landing.preference_words import SAID, WHY
from landing.preferences import (
    END,
    MOMENT,
    PAUSES,
    RHYTHMS,
    Stance,
    allow_name,
    changes_in,
    channels_of,
    picked,
    rhythm_name,
    stance_of,
    topic_name,
    write_changes,
    written,
)
from landing.render import Visitor
from landing.responses import hold, tell_why
from landing.settings import LandingSettings
from landing.site import SEE_OTHER, Form
from landing.words import WORDS
from store.clock import from_micros, to_micros
from store.session import reading


class Centre(BehindLinks):
    """The pages where a recipient decides what comes next."""

    def show(self, token: str) -> Response:
        """What stands, to be changed."""
        return self._page(token, saved=False)

    def show_saved(self, token: str) -> Response:
        """The same, after it was saved."""
        return self._page(token, saved=True)

    def take(self, token: str, typed: Form) -> Response:
        """Write down what was changed, and show what stands now."""
        now, settings = self._clock.now(), self._settings
        self._links.message_of("preferences", token, now)  # a wrong link does not take a turn at writing
        with self._together.writing() as session:
            recipient = self._recipient(session, "preferences", token, now)
            hold(session, recipient.customer_id)
            changes = changes_in(settings.offered, typed, stance_of(session, recipient.customer_id), now, settings.zone)
            if changes:
                write_changes(session, recipient, changes, now)
        if changes.kind:
            self._tell(recipient, changes.kind, now)
        return RedirectResponse(f"{self._address('preferences', token)}/saved", SEE_OTHER)

    def take_reason(self, token: str, typed: Form) -> Response:
        """Log why somebody opted out; it opts nobody out."""
        now = self._clock.now()
        self._links.message_of("opt_out", token, now)  # as above
        with self._together.writing() as session:
            recipient = self._recipient(session, "opt_out", token, now)
            if typed.get("why") in WHY:
                tell_why(session, recipient, typed["why"], now)
            link = way_to_choices(session, self._links, recipient, now)
        visitor = Visitor(self._language(recipient))  # whoever has stopped is not asked to
        said = SAID[visitor.language]
        values = {"title": said["told_title"], "text": said["told"], "link": link, "link_text": said["preferences"]}
        return self._rendered("notice.html", visitor, values)

    def _page(self, token: str, *, saved: bool) -> Response:
        now = self._clock.now()
        with reading(self._database) as session:
            recipient = self._recipient(session, "preferences", token, now)
            stance, may = stance_of(session, recipient.customer_id), may_ask(session, recipient)
        visitor = self._visitor(recipient)
        shown = Shown(self._settings, channels_of(recipient, stance), stance, visitor.language, now)
        values = {"say": SAID[visitor.language], "shown": shown.values(), "saved": saved, "action": self._address("preferences", token)}
        return self._rendered("preferences.html", visitor, {**values, "my_data": TOLD[visitor.language] if may else None})


class Shown:
    """What the page of the preference centre shows of what stands."""

    def __init__(self, settings: LandingSettings, channels: tuple[str, ...], stance: Stance, language: str, now: datetime) -> None:
        self._settings, self._offered, self._channels = settings, settings.offered, channels
        self._stance, self._language, self._now = stance, language, now
        self._said = SAID[language]

    def values(self) -> dict[str, Any]:
        """For preferences.html."""
        purposes = [self._purpose(purpose) for purpose in self._offered.purposes]
        topics = list(self._topics(self._offered))
        boxes = [box for each in purposes for box in each["boxes"]] + topics
        ticked = (box["name"] for box in boxes if box["ticked"])
        rhythms = (picked(rhythm_name(each), self._stance.choice(ChoiceKind.RHYTHM, each)) for each in self._offered.purposes)
        part = self._stance.choice(ChoiceKind.MOMENT, EVERYTHING)
        sender = self._settings.sender_name or WORDS[self._language]["us"]  # type: ignore[index]  # a language of WORDS, as a visitor has
        return {
            "intro": self._said["intro"].format(sender=sender),
            "purposes": purposes,
            "topics": topics,
            "moments": [(int(each), self._said[f"moment_{each.name.lower()}"], each == part) for each in PartOfDay],
            "was": written((*ticked, *rhythms, picked(MOMENT, part))),
        }

    def _purpose(self, purpose: str) -> dict[str, Any]:
        boxes = [self._box(allow_name(purpose, channel), channel, (purpose, channel) in self._stance.granted) for channel in self._channels]
        rhythm = self._stance.choice(ChoiceKind.RHYTHM, purpose)
        return {
            "rhythm": rhythm_name(purpose),
            "name": purpose,
            "title": self._offered.title(purpose, self._language),
            "boxes": boxes,
            "rhythms": [(days, self._said[f"rhythm_{days}"], days == rhythm) for days in RHYTHMS],
            "pauses": list(self._pauses(purpose)),
        }

    def _pauses(self, purpose: str) -> Iterator[tuple[str, str]]:
        """The choices, the first of which changes nothing."""
        until = self._stance.choice(ChoiceKind.PAUSE, purpose)
        if until > to_micros(self._now):
            yield "", self._said["pause_until"].format(day=self._day(from_micros(until)))
            yield END, self._said["pause_end"]
        else:
            yield "", self._said["pause_none"]
        yield from ((str(days), self._said[f"pause_{days}"]) for days in PAUSES)

    def _topics(self, offered: Offered) -> Iterator[dict[str, Any]]:
        for topic, text in offered.topics.items():
            ticked = bool(self._stance.choice(ChoiceKind.TOPIC, topic))
            yield {"name": topic_name(topic), "label": spoken(text, self._language), "ticked": ticked}

    def _box(self, name: str, channel: str, ticked: bool) -> dict[str, Any]:
        return {"name": name, "label": self._said[channel], "ticked": ticked}

    def _day(self, moment: datetime) -> str:
        return date_in_words(moment.astimezone(self._settings.zone).date(), self._language)
