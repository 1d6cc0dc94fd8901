"""Dates and moments."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from customers.importing.problems import Problem
from store.clock import to_micros

Ymd = tuple[int, int, int]
ORDERS = {
    "year-month-day": ("year", "month", "day"),
    "day-month-year": ("day", "month", "year"),
    "month-day-year": ("month", "day", "year"),
}
_NO_DATE = Problem("not a date", "write it as 2026-03-31, or say in the mapping how dates are written: `dates: day-month-year`")
_NO_MOMENT = Problem("not a moment", "write it as 2026-03-31 14:30 (in the workspace's time zone) or 2026-03-31T14:30:00+02:00")
_NO_BIRTH = Problem("a birth date that cannot be", "look at the year")
_YEARS = range(1900, 2200)
_ISO = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
_MIDNIGHT = re.compile(r"[ T]0{1,2}:00(?::00(?:\.0+)?)?")
_OTHER = re.compile(r"(\d{1,4})[-./ ](\d{1,2})[-./ ](\d{1,4})")
_DAY_AND_TIME = re.compile(r"([^\s,T]+)(?:,? +|T)(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?")

DateReader = Callable[[str], date | None]


def date_reader(form: str) -> DateReader:
    """Reads dates in an order of ORDERS or a form such as ``%d %b %y``; ISO dates always. None where there is no date."""
    if "%" in form:
        return lambda text: _iso(text) or _in_form(text, form)
    names = ORDERS[form]
    return lambda text: _iso(text) or _in_order(text, names)


class Dates:
    """Cleans dates; what was read is given as the text 2026-03-31."""

    def __init__(self, read: DateReader, today: date) -> None:
        self._read = read
        self._today = today

    def day(self, text: str) -> str | Problem:
        """A date; a time of midnight behind it is left out."""
        read = self._read(_MIDNIGHT.sub("", text))
        return read.isoformat() if read else _NO_DATE

    def birth(self, text: str) -> str | Problem:
        """A date of birth."""
        read = self._read(_MIDNIGHT.sub("", text))
        if read is None:
            return _NO_DATE
        return read.isoformat() if read <= self._today else _NO_BIRTH


class Moments:
    """Cleans moments, to microseconds UTC. Without a zone they are in `zone`; a date alone is its first moment there."""

    def __init__(self, read: DateReader, zone: ZoneInfo, form: str) -> None:
        self._read = read
        self._zone = zone
        self._form = form if any(sign in form for sign in ("%H", "%I", "%X", "%c")) else None

    def micros(self, text: str) -> int | Problem:
        """The moment in microseconds since 1970 UTC."""
        moment = self._moment(text)
        if moment is None or moment.year not in _YEARS:
            return _NO_MOMENT
        return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=self._zone))

    def _moment(self, text: str) -> datetime | None:
        if self._form or text[4:5] == "-":
            try:
                return datetime.strptime(text, self._form) if self._form else datetime.fromisoformat(text)  # noqa: DTZ007  # micros() adds the zone
            except ValueError:
                pass  # it may still be a date of another form
        day = self._read(text)
        if day:
            return datetime.combine(day, time())
        match = _DAY_AND_TIME.fullmatch(text)
        day = self._read(match[1]) if match else None
        return _at(day, match) if day and match else None


def _at(day: date, match: re.Match[str]) -> datetime | None:
    try:
        return datetime.combine(day, time(int(match[2]), int(match[3]), int(match[4] or 0)))
    except ValueError:
        return None


def _iso(text: str) -> date | None:
    match = _ISO.fullmatch(text)
    return _date(int(match[1]), int(match[2]), int(match[3])) if match else None


def _in_order(text: str, names: tuple[str, ...]) -> date | None:
    match = _OTHER.fullmatch(text)
    if not match:
        return None
    names = ORDERS["year-month-day"] if len(match[1]) == 4 else names
    parts = dict(zip(names, map(int, match.groups()), strict=True))
    return _date(parts["year"], parts["month"], parts["day"])


def _in_form(text: str, form: str) -> date | None:
    try:
        read = datetime.strptime(text, form).date()  # noqa: DTZ007  # a date has no zone
    except ValueError:
        return None
    return read if read.year in _YEARS else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if year in _YEARS else None
    except ValueError:
        return None
