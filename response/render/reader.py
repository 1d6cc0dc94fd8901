"""Reads the parts of a report aloud in one language: sentences, headings, and figures as people write them."""

import re
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from response.numbers import UNDEFINED, Numbers, places_of_numbers, places_of_points
from response.parts import As, Cell, Chart, Column, Document, Kind, Say, Section, Table, Value, Word
from response.statistics.sums import Effect
from response.words import LANGUAGES, table

TEXTUAL: frozenset[Kind] = frozenset({"text", "day", "moment"})
_SPACES = re.compile(" {2,}")


class Reader:
    """A language, with the document's own zone and currency. A language that is not known is answered in English."""

    def __init__(self, language: str, document: Document) -> None:
        self.language = language if language in LANGUAGES else "en"
        self.numbers = Numbers(self.language, document.currency)
        self._writers = _writers(self.numbers)
        self._table = table(self.language)
        self._zone = ZoneInfo(document.zone)

    def __call__(self, key: str, /, **values: object) -> str:
        """The wording of `key`. Raises KeyError for a key that no file has."""
        return _SPACES.sub(" ", self._table[key].format(**values)).strip()

    def say(self, sentence: Say) -> str:
        """A sentence with its figures in it. One that opens with a word of ours opens with a capital."""
        text = self._within(sentence)
        opens_with_word = any(
            self._table[sentence.key].startswith(f"{{{name}}}") for name, value in sentence.values if isinstance(value, Word)
        )
        return text[:1].upper() + text[1:] if opens_with_word else text

    def word(self, prefix: str, code: str) -> str:
        """The word for a code out of an open list, or the code itself."""
        return self._table.get(f"{prefix}.{code}", code.replace("_", " "))

    def title(self, section: Section) -> str:
        """The heading of a section."""
        return self.word("section", section.name)

    def name(self, it: Table | Chart) -> str:
        """What a table or chart is called, for those who do not see it."""
        return self.say(it.title) if it.title else self.word("table", it.name)

    def heading(self, column: Column) -> str:
        """A column's heading, with the unit where the cells leave it out."""
        unit = self("unit.points") if column.kind == "points" else ""
        name = self.word(column.title.prefix, column.title.code) if column.title else self.word("col", column.name)
        return f"{name}, {unit}" if unit else name

    def in_column(self, value: Cell, column: Column) -> str:
        """A cell under its column's heading."""
        text, limits = self.with_limits(value, column)
        return f"{text} ({limits})" if limits else text

    def with_limits(self, value: Cell, column: Column) -> tuple[str, str]:
        """A cell under its column's heading: the text, and apart from it an interval's limits, or nothing."""
        if column.words and isinstance(value, str):
            return self.word(column.words, value), ""
        it = value if isinstance(value, As) else As(column.kind, value) if isinstance(value, Effect) else None
        if it and isinstance(it.value, Effect) and it.value.estimate is not None:
            return self._parts(it.value, it.kind, alone=isinstance(value, As))
        return self.cell(value, column.kind, alone=False), ""

    def cell(self, value: Cell, kind: Kind, *, alone: bool) -> str:
        """A value in words. `alone`: no heading says the unit."""
        match value:
            case Say():
                return self._within(value)
            case Word():
                return self.word(value.prefix, value.code)
            case As():
                return (
                    self._effect(value.value, value.kind, alone=True) if isinstance(value.value, Effect) else self.value(value, alone=True)
                )
            case Effect():
                return self._effect(value, kind, alone=alone)
            case _:
                return self.value(As(kind, value), alone=alone)

    def value(self, it: As, *, alone: bool) -> str:
        """One value of a kind."""
        match it.value:
            case None:
                return UNDEFINED
            case datetime():
                return self.moment(it.value)
            case date():
                return self.day(it.value)
            case str():
                return it.value
            case Effect():
                return self._effect(it.value, it.kind, alone=alone)
            case _:
                return self._with_unit(self._figure(it.value, it.kind, self._places(it.kind, it.value)), it.kind, alone=alone)

    def moment(self, at: datetime) -> str:
        """A day and a time in the document's zone, as people write it."""
        local = at.astimezone(self._zone)
        return f"{self.day(local.date())}, {local:%H:%M}"

    def day(self, day: date) -> str:
        """A day as people write it."""
        return self("day", day=day.day, month=self(f"month.{day.month}"), year=day.year)

    def _within(self, sentence: Say) -> str:
        return self(sentence.key, **{name: self.cell(value, "text", alone=True) for name, value in sentence.values})

    def _effect(self, effect: Effect, kind: Kind, *, alone: bool) -> str:
        estimate, limits = self._parts(effect, kind, alone=alone)
        if effect.estimate is None:
            return self._with_unit(limits, kind, alone=alone) if limits else UNDEFINED
        return f"{estimate} ({limits})" if limits else estimate

    def _parts(self, effect: Effect, kind: Kind, *, alone: bool) -> tuple[str, str]:
        places = self._places(kind, effect.estimate, effect.low, effect.high)
        estimate, low, high = (
            UNDEFINED if each is None else self._figure(each, kind, places) for each in (effect.estimate, effect.low, effect.high)
        )
        limits = self("interval", low=low, high=high) if effect.low is not None and effect.high is not None else ""
        return self._with_unit(estimate, kind, alone=alone), limits

    def _with_unit(self, text: str, kind: Kind, *, alone: bool) -> str:
        return f"{text} {self('unit.points')}" if kind == "points" and alone else text

    @staticmethod
    def _places(kind: Kind, *values: Value) -> int:
        known = [float(value) for value in values if isinstance(value, int | float)]
        return places_of_points(known) if kind in ("points", "of_100") else places_of_numbers(known)

    def _figure(self, value: float, kind: Kind, places: int) -> str:
        return self._writers[kind](value, places) if kind in self._writers else str(value)


def _writers(numbers: Numbers) -> dict[Kind, Callable[[float, int], str]]:
    """How a figure of each kind is written, given so many decimals where the kind does not say it."""
    return {
        "count": lambda value, _: numbers.count(value),
        "share": lambda value, _: numbers.percent(value),
        "points": lambda value, places: numbers.signed(100 * value, places),
        "of_100": lambda value, places: numbers.plain(abs(100 * value), places),
        "lift": lambda value, _: numbers.signed_percent(value),
        "money": lambda value, _: numbers.money(value),
        "extra": lambda value, _: numbers.signed_money(value),
        "number": numbers.plain,
        "change": numbers.signed,
        "p": lambda value, _: numbers.p(value),
    }
