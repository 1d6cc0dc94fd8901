"""The blocks that a page may have above its form. A block type is one class: its keys in the page file, and what is shown of it.

Its look is the macro of the same name in html/blocks.html.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from landing.calendar_file import CalendarEntry
from landing.fields import Words
from landing.moments import Moment, in_words, span_in_words
from landing.words import WORDS, Language

A_DAY, AN_HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sight:
    """Who looks at a page, and when: what its blocks are shown with."""

    line: Callable[[Words | None], Markup]
    paragraphs: Callable[[Words | None], list[Markup]]
    file: Callable[[str], str]  # the address of a file under templates/
    language: Language
    now: datetime
    here: ZoneInfo  # the customer's
    home: ZoneInfo  # the organisation's

    def say(self, name: str, **blanks: str) -> str:
        """One of our own words."""
        return WORDS[self.language][name].format(**blanks)

    def day(self, day: date) -> str:
        """A day in words."""
        return in_words(day, self.language, self.now.astimezone(self.here).date())

    def span(self, span: timedelta, unit: str) -> str:
        """A length of time in words."""
        return span_in_words(span, unit, self.language)


class Block(BaseModel):
    """A part of a page above its form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    word: ClassVar[str]  # the key that makes a mapping this type of block

    def shown(self, sight: Sight) -> Mapping[str, Any]:
        """What its macro shows."""
        raise NotImplementedError  # pragma: no cover - each type has its own

    def pictures(self) -> dict[str, str]:
        """Its pictures under templates/, by the key that names them."""
        return {}

    def films(self) -> dict[str, str]:
        """Its films and captions under templates/, by the key that names them."""
        return {}


class TextBlock(Block):
    """Paragraphs."""

    word: ClassVar[str] = "text"

    text: Words = Field(description="Paragraphs; an empty line begins a new one.")

    def shown(self, sight: Sight) -> Mapping[str, Any]:
        return {"paragraphs": sight.paragraphs(self.text)}


class ImageBlock(Block):
    """A picture, with the words for whoever cannot see it."""

    word: ClassVar[str] = "image"

    image: str = Field(description="A picture's file under templates/.")
    alt: Words | None = Field(None, description="What the picture shows, for whoever cannot see it. Left out: it only adorns.")

    def shown(self, sight: Sight) -> Mapping[str, Any]:
        return {"image": sight.file(self.image), "alt": sight.line(self.alt)}

    def pictures(self) -> dict[str, str]:
        return {"image": self.image}


class VideoBlock(Block):
    """A film of one's own, or a picture that leads to one elsewhere: nothing is fetched from others before somebody asks for it."""

    word: ClassVar[str] = "video"

    video: str = Field(description="A film's file under templates/, or the address of a page elsewhere that begins with https://.")
    poster: str = Field(description="The picture that stands there before it plays: a file under templates/.")
    title: Words = Field(description="What the film shows.")
    captions: dict[Language, str] = Field(default_factory=dict, description="Subtitles by language: .vtt files under templates/.")

    @field_validator("video")
    @classmethod
    def _is_ours_or_secure(cls, address: str) -> str:
        parts = urlsplit(address)
        if (parts.scheme or parts.netloc) and (parts.scheme != "https" or not parts.hostname):
            raise ValueError(f"'{address[:60]}' is neither a file nor a secure address. Write a file under templates/, or https://...")
        return address

    @property
    def host(self) -> str | None:
        """Where the film is, when it is elsewhere."""
        return urlsplit(self.video).hostname

    def shown(self, sight: Sight) -> Mapping[str, Any]:
        names = {language: WORDS[language]["own_name"] for language in self.captions}
        return {
            "title": sight.line(self.title),
            "poster": sight.file(self.poster),
            "address": self.video if self.host else sight.file(self.video),
            "elsewhere": sight.say("video_elsewhere", host=self.host) if self.host else "",
            "captions": [(language, names[language], sight.file(file)) for language, file in self.captions.items()],
            "language": sight.language,
        }

    def pictures(self) -> dict[str, str]:
        return {"poster": self.poster}

    def films(self) -> dict[str, str]:
        return ({} if self.host else {"video": self.video}) | {f"captions.{language}": file for language, file in self.captions.items()}


class CountdownBlock(Block):
    """How long something lasts, in words: no script counts. A day ends when it ends where the customer is."""

    word: ClassVar[str] = "countdown"

    countdown: Words = Field(description="What comes to its end.")
    until: Moment = Field(description="The last day, or the time on it by the organisation's clock.")
    over: Words | None = Field(None, description="What stands there afterwards.")

    def shown(self, sight: Sight) -> Mapping[str, Any]:
        end = self.until.ends(sight.home if self.until.at else sight.here).astimezone(sight.here)
        is_over = sight.now >= end
        left = sight.line(self.over) or sight.say("countdown_over") if is_over else self._left(sight, end)
        return {"title": sight.line(self.countdown), "left": left, "until": self._until(sight, end), "is_over": is_over}

    def _left(self, sight: Sight, end: datetime) -> str:
        here = sight.now.astimezone(sight.here)
        last = end.date() if self.until.at else self.until.day
        # Between moments of one zone Python counts by the clock on the wall; an hour that does not exist is not left.
        left = end.timestamp() - here.timestamp()
        if self.until.at and left < A_DAY.total_seconds():
            unit = "hour" if left >= AN_HOUR.total_seconds() else "minute"
            return sight.say("countdown_left", span=sight.span(timedelta(seconds=left), unit))
        if last == here.date():
            return sight.say("countdown_last_day")
        return sight.say("countdown_left", span=sight.span(last - here.date(), "day"))

    def _until(self, sight: Sight, end: datetime) -> str:
        if self.until.at:
            return sight.say("countdown_until_time", day=sight.day(end.date()), time=f"{end:%H:%M}")
        return sight.say("countdown_until", day=sight.day(self.until.day))


class EventBlock(Block):
    """Something to come to, with a file for one's own calendar."""

    word: ClassVar[str] = "event"

    event: Words = Field(description="What it is.")
    starts: Moment = Field(description="The day, or the time on it by the organisation's clock.")
    ends: Moment | None = Field(None, description="The last day, or the time; left out: the same day, or an hour later.")
    place: Words | None = Field(None, description="Where it is.")
    details: Words | None = Field(None, description="What else there is to know.")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends and bool(self.ends.at) != bool(self.starts.at):
            raise ValueError("one of `starts` and `ends` is a day and the other a time. Write both as days, or both as times.")
        if self.ends and self.ends.begins(_ANY) < self.starts.begins(_ANY):
            raise ValueError("the event ends before it starts. Let `ends` be later than `starts`.")
        return self

    def shown(self, sight: Sight) -> Mapping[str, Any]:
        return {
            "title": sight.line(self.event),
            "when": self._when(sight),
            "place": sight.line(self.place),
            "paragraphs": sight.paragraphs(self.details),
            "save": sight.say("event_save"),
        }

    def entry(self, sight: Sight) -> CalendarEntry:
        """What the calendar file says."""
        first, last = self._from_to(sight.home)
        is_timed = self.starts.at is not None
        return CalendarEntry(
            title=sight.line(self.event).unescape(),
            starts=first if is_timed else first.date(),
            ends=last if is_timed else last.date(),
            place=sight.line(self.place).unescape(),
            details="\n\n".join(each.replace("<br>", "\n").unescape() for each in sight.paragraphs(self.details)),
        )

    def _from_to(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The first moment, and the first one after it."""
        first, last = self.starts.begins(zone), (self.ends or self.starts).ends(zone)
        return first, last if last > first else datetime.fromtimestamp(first.timestamp() + AN_HOUR.total_seconds(), zone)

    def _when(self, sight: Sight) -> str:
        # Whoever travels to a place needs the clock that hangs there; without a place, everybody's own will do.
        zone = sight.home if self.place or self.starts.at is None else sight.here
        first, last = (each.astimezone(zone) for each in self._from_to(sight.home))
        if self.starts.at is None:
            days = sorted({self.starts.day, (self.ends or self.starts).day})
            return " – ".join(sight.day(day) for day in days)
        if not self.ends:
            return f"{sight.day(first.date())}, {first:%H:%M}"
        if first.date() == last.date():
            return f"{sight.day(first.date())}, {first:%H:%M}–{last:%H:%M}"
        return f"{sight.day(first.date())}, {first:%H:%M} – {sight.day(last.date())}, {last:%H:%M}"


class VoucherBlock(Block):
    """A code to use in the shop, shown large."""

    word: ClassVar[str] = "voucher"

    voucher: Words = Field(description="The code.")
    note: Words | None = Field(None, description="How it is used, and until when.")

    def shown(self, sight: Sight) -> Mapping[str, Any]:
        return {"voucher": sight.line(self.voucher), "note": sight.line(self.note), "label": sight.say("voucher")}


_ANY = ZoneInfo("UTC")  # to compare two times of one clock

BLOCK_TYPES: dict[str, type[Block]] = {kind.word: kind for kind in Block.__subclasses__()}
