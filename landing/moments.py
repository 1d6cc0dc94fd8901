"""Days and times as a page file says them, and as a recipient reads them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from landing.words import WORDS, Language

DAY, MOMENT = "%Y-%m-%d", "%Y-%m-%d %H:%M"
_BABEL: dict[str, str] = {"en": "en_GB", "nl": "nl", "de": "de"}  # 8 March, as the rest of our English


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, or a time on a day: ``2026-03-08``, ``2026-03-08 18:00``. It says no zone; whoever reads it does."""

    day: date
    at: time | None = None

    def begins(self, zone: ZoneInfo) -> datetime:
        """When it comes: the time, or the first moment of the day."""
        return datetime.combine(self.day, self.at or time(), zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        """When it is over: the time, or the first moment of the next day."""
        return self.begins(zone) if self.at else datetime.combine(self.day + timedelta(days=1), time(), zone)

    @classmethod
    def _validate(cls, value: Any) -> "Moment":
        if isinstance(value, Moment):
            return value
        text = str(value).strip()
        for pattern in (DAY, MOMENT):
            try:
                found = datetime.strptime(text, pattern)  # noqa: DTZ007  # it has no zone yet
            except ValueError:
                continue
            if 1970 <= found.year < 9999:  # so that it has a next day in every zone
                return cls(found.date(), found.time() if pattern == MOMENT else None)
        raise ValueError(f"'{text[:30]}' is not a day or a time. Write 2026-03-08, or 2026-03-08 18:00.")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._validate)


def zone_named(name: str | None, default: ZoneInfo) -> ZoneInfo:
    """The time zone of a name; `default` when there is none of that name."""
    try:
        return ZoneInfo(name) if name else default
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return default


def in_words(day: date, language: Language, today: date) -> str:
    """A day with the name of its weekday; the year is said when it is another than today's."""
    from babel.dates import format_date  # noqa: PLC0415 - `contactflow check` says no day

    pattern = WORDS[language]["day"] + ("" if day.year == today.year else " y")
    return format_date(day, pattern, locale=_BABEL[language])


def date_in_words(day: date, language: str) -> str:
    """A day with its year."""
    from babel.dates import format_date  # noqa: PLC0415 - as above

    return format_date(day, "long", locale=_BABEL[language])


def span_in_words(span: timedelta, unit: str, language: Language) -> str:
    """``3 days``, in whole units: ``day``, ``hour`` or ``minute``; at least one."""
    from babel.dates import format_timedelta  # noqa: PLC0415 - as above

    size = timedelta(**{f"{unit}s": 1})
    # A threshold that is never reached keeps the unit: 45 days stay days.
    return format_timedelta(max(span // size, 1) * size, granularity=unit, threshold=float("inf"), locale=_BABEL[language])  # type: ignore[arg-type]  # its units are a Literal
