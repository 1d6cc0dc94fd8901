"""Durations, shares, moments and numbers as people write them. Each parser's error text says what is accepted."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

UNIT_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[a-z]+"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


YES_NO = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
KINDS = {"text": "a text", "integer": "a whole number", "number": "a number", "boolean": "yes or no", "date": "a date"}
KIND_EXAMPLES = {
    "text": "a text",
    "integer": "a number such as 3",
    "number": "a number such as 2.5",
    "boolean": "`yes` or `no`",
    "date": "a date such as 2026-12-01",
}
LONG = 2 * 366 * 86_400  # seconds: longer than any campaign
LONGEST_SECONDS = 10 * 366 * 86_400
YEARS = (2000, 2199)


class ValueFault(ValueError):  # noqa: N818  # it is a fault in a file, and pydantic collects ValueErrors
    """What is wrong with a value, and what to write instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class _Written:
    """A value that remembers how it was written, so that a picture and an error can show the author's own words."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        raise NotImplementedError  # pragma: no cover - each subclass has its own

    @classmethod
    def describe(cls) -> JsonSchemaValue:
        """The JSON Schema of what an author may write."""
        return {"type": "string"}

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return cls.describe()

    @classmethod
    def _validate(cls, value: Any) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError("expected text")  # noqa: TRY004  # pydantic collects ValueErrors only
        return cls.parse(" ".join(value.split()))


@dataclass(frozen=True, slots=True)
class Duration(_Written):
    """A length of time: ``5 days``, ``36 hours``, ``2 weeks``. Days are 24 hours."""

    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what is accepted."""
        match = re.fullmatch(r"([0-9]{1,6}) ?(minute|hour|day|week)s?", text.lower())
        if not match or int(match[1]) == 0:
            raise ValueFault(f"{_short(text)} is not a duration.", "Write a number and a unit: 30 minutes, 36 hours, 5 days or 2 weeks.")
        seconds = int(match[1]) * UNIT_SECONDS[match[2]]
        if seconds > LONGEST_SECONDS:
            raise ValueFault(f"{_short(text)} is longer than ten years.", "Write a shorter time.")
        return cls(text, seconds)

    @classmethod
    def describe(cls) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^[0-9]{1,6} ?(minute|hour|day|week)s?$", "examples": ["5 days", "36 hours"]}

    @property
    def delta(self) -> timedelta:
        """The duration as a timedelta."""
        return timedelta(seconds=self.seconds)

    @property
    def micros(self) -> int:
        """The duration in microseconds."""
        return self.seconds * 1_000_000


@dataclass(frozen=True, slots=True)
class Share(_Written):
    """A part of a whole: ``45%``, ``12.5%`` or ``1/3``."""

    fraction: float = 0.0  # 0..1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what is accepted."""
        percent = re.fullmatch(r"([0-9]{1,3}(?:[.,][0-9]{1,6})?) ?%", text)
        ratio = re.fullmatch(r"([0-9]{1,4}) ?/ ?([0-9]{1,4})", text)
        if percent:
            fraction = float(percent[1].replace(",", ".")) / 100
        elif ratio and int(ratio[2]):
            fraction = int(ratio[1]) / int(ratio[2])
        else:
            raise ValueFault(f"{_short(text)} is not a share.", "Write a percentage such as 45%, or a part such as 1/3.")
        if not 0 < fraction <= 1:
            raise ValueFault(f"{_short(text)} is not a share of a whole.", "Write more than 0% and at most 100%.")
        return cls(text, fraction)

    @classmethod
    def describe(cls) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^([0-9]{1,3}([.,][0-9]{1,6})? ?%|[0-9]{1,4} ?/ ?[0-9]{1,4})$", "examples": ["45%", "1/3"]}


@dataclass(frozen=True, slots=True)
class Lift(_Written):
    """A difference that is worth having: ``1 point`` (0.01 of a rate) or ``0.5`` in the metric's own unit."""

    amount: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what is accepted."""
        match = re.fullmatch(r"([0-9]{1,9}(?:[.,][0-9]{1,6})?)( ?points?)?", text.lower())
        amount = float(match[1].replace(",", ".")) if match else 0.0
        if not match or not amount:
            remedy = "Write points for a rate (1 point, 0.5 points) or an amount for money (0.50)."
            raise ValueFault(f"{_short(text)} is not a lift.", remedy)
        return cls(text, amount / (100 if match[2] else 1))

    @classmethod
    def describe(cls) -> JsonSchemaValue:
        text = {"type": "string", "pattern": r"^[0-9]{1,9}([.,][0-9]{1,6})?( ?points?)?$"}
        return {"anyOf": [text, {"type": "number", "exclusiveMinimum": 0}], "examples": ["1 point", "0.50"]}


@dataclass(frozen=True, slots=True)
class Count(_Written):
    """A number of customers: ``40000`` or ``40,000``."""

    number: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what is accepted."""
        match = re.fullmatch(r"[0-9]{1,9}|[0-9]{1,3}([,. ][0-9]{3}){1,2}", text)
        number = int(re.sub(r"[,. ]", "", text)) if match else 0
        if number < 2:
            raise ValueFault(f"{_short(text)} is not a number of customers to compare.", "Write a whole number from 2 on, such as 40000.")
        return cls(text, number)

    @classmethod
    def describe(cls) -> JsonSchemaValue:
        text = {"type": "string", "pattern": r"^([0-9]{1,9}|[0-9]{1,3}([,. ][0-9]{3}){1,2})$"}
        return {"anyOf": [text, {"type": "number", "minimum": 2}], "examples": ["40000", "40,000"]}


@dataclass(frozen=True, slots=True)
class Moment(_Written):
    """A moment in the customer's zone: ``2026-12-01 09:00``, ``monday 09:00``, ``next monday 09:00`` or ``09:00``.

    On a Monday at nine, ``monday 09:00`` is now, and ``next monday 09:00`` is a week later.
    """

    on: date | None = None
    weekday: int | None = None  # Monday is 0
    clock: time = time(0)
    later: bool = False  # `next`: not now, whatever the clock says

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what is accepted."""
        words = re.sub(r"^(until |on |next )*", "", text.lower())
        match = re.fullmatch(rf"(?:({_DAY})(?: at)? )?([0-9]{{1,2}}):([0-9]{{2}})|({_DAY})", re.sub(r"^at ", "", words), re.ASCII)
        try:
            clock = time(int(match[2]), int(match[3])) if match and match[2] else time(0)
            day = match[1] or match[4] if match else ""
            if day is None or day in WEEKDAYS:
                return cls(text, None, WEEKDAYS.index(day) if day else None, clock, later="next" in text.lower())
            on = date.fromisoformat(day)
        except ValueError:
            remedy = "Write a day and a time: 2026-12-01 09:00, monday 09:00, or only a time such as 09:00."
            raise ValueFault(f"{_short(text)} is not a moment.", remedy) from None
        if not YEARS[0] <= on.year <= YEARS[1]:
            raise ValueFault(f"{_short(text)} is not in this century.", "Write the year with four figures: 2026-12-01.")
        return cls(text, on, None, clock)

    @classmethod
    def describe(cls) -> JsonSchemaValue:
        clock = r"[0-9]{1,2}:[0-9]{2}"
        day = r"([0-9]{4}-[0-9]{2}-[0-9]{2}|" + "|".join(WEEKDAYS) + ")"
        pattern = rf"^((until|on|next) )*({day}( at)? {clock}|(at )?{clock}|{day})$"
        return {"type": "string", "pattern": pattern, "examples": ["monday 09:00", "2026-12-01 09:00", "09:00"]}

    def after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first time that it is this moment in `zone`, at or after `moment` (with `next`: after it); aware UTC.

        A date that has passed gives that date: whoever waits for it goes on at once. An hour that a clock change skips is
        the hour after it; one that it repeats is the first of the two.
        """
        if self.on is not None:
            return datetime.combine(self.on, self.clock, zone).astimezone(UTC)
        local = moment.astimezone(zone)
        for days in range(9):
            day = local.date() + timedelta(days=days)
            if self.weekday is None or day.weekday() == self.weekday:
                candidate = datetime.combine(day, self.clock, zone).astimezone(UTC)
                if candidate > moment or (candidate == moment and not self.later):
                    return candidate
        raise AssertionError("a weekday comes round within nine days")


def read_pause(value: object) -> object:
    """What a `wait` may say: a Duration, or a Moment behind the word `until`. Raises ValueFault."""
    if not isinstance(value, str):
        return value
    text = " ".join(value.split())
    if text.lower().startswith("until "):
        return Moment.parse(text)
    try:
        return Duration.parse(text)
    except ValueFault as fault:
        raise ValueFault(fault.message, f"{fault.remedy} Or a moment: until monday 09:00, until 2026-12-01 09:00.") from None


def value_of_kind(text: str, kind: str) -> str | int | float | bool | date | None:
    """An attribute's value from its text; None when it is empty. `kind` is text, integer, number, boolean or date. Raises ValueFault."""
    written = " ".join(text.split())
    if not written:
        return None
    try:
        match kind:
            case "integer" if re.fullmatch(r"[+-]?[0-9]{1,15}", written):
                return int(written)
            case "number" if re.fullmatch(r"[+-]?[0-9]{1,15}([.,][0-9]{1,9})?", written):
                return float(written.replace(",", "."))
            case "boolean" if written.lower() in YES_NO:
                return YES_NO[written.lower()]
            case "date" if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
                return date.fromisoformat(written)
            case "text":
                return text
    except ValueError:
        pass  # a date that no calendar has
    raise ValueFault(f"{_short(text)} is not {KINDS[kind]}.", f"Write {KIND_EXAMPLES[kind]}.")


def _short(text: str) -> str:
    return f"'{text[:57]}...'" if len(text) > 60 else f"'{text}'"
