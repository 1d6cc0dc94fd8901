"""A calendar file (RFC 5545) with one event in it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

MEDIA_TYPE = "text/calendar; charset=utf-8"


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """An event as it is put into a calendar. Two days: it lasts whole days, and `ends` is the first one after it."""

    title: str
    starts: date | datetime
    ends: date | datetime
    place: str = ""
    details: str = ""


def calendar_file(entry: CalendarEntry, uid: str, now: datetime) -> bytes:
    """The file. The same `uid` again replaces the event in a calendar; times are written in UTC, so that no zone need be described."""
    from icalendar import Calendar, Event  # noqa: PLC0415 - a quarter of a second, for whoever asks for a file

    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", now)
    event.add("dtstart", _in_utc(entry.starts))
    event.add("dtend", _in_utc(entry.ends))
    event.add("summary", entry.title)
    for name, text in (("location", entry.place), ("description", entry.details)):
        if text:
            event.add(name, text)
    calendar = Calendar()
    calendar.add("prodid", "-//contactflow//pages//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _in_utc(moment: date | datetime) -> date | datetime:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment
