"""Random conditions, each with a Python function that says what it means: the oracle of test_conditions_same_answer.py.

A function takes a Person and gives a value; None is unknown. Nothing of the product is used here.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from customers.contact_log import Kind
from tests.customers.condition_people import CITIES, COUNTRIES, NAMES, NOW, TODAY, ZONE, Person

Meaning = Callable[[Person], Any]


@dataclass(frozen=True)
class Written:
    """A piece of a condition as text, what it means, and whether it is a yes or no by itself."""

    text: str
    means: Meaning


def _purchases(person: Person) -> list[tuple[date, int]]:
    return sorted((at.astimezone(ZONE).date(), cents) for at, cents in person.purchases if at <= NOW)


def _age(person: Person) -> int | None:
    born = person.values["birth_date"]
    return None if born is None else TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))


def _reckonable(number: float | None) -> float | None:
    if number is None or abs(number) > 1e15:
        return None
    return 0.0 if abs(number) < 1e-15 else number


def _days_since_purchase(person: Person) -> int | None:
    bought = _purchases(person)
    return (TODAY - bought[-1][0]).days if bought else None


def _of(name: str) -> Meaning:
    return lambda person: person.values[name]


def _fixed(value: Any) -> Meaning:
    return lambda _: value


def _strict(function: Callable[..., Any], *inner: Meaning) -> Meaning:
    """Unknown when one of the arguments is."""

    def means(person: Person) -> Any:
        values = [each(person) for each in inner]
        return None if any(value is None for value in values) else function(*values)

    return means


def _first_known(inner: Sequence[Meaning]) -> Meaning:
    return lambda person: next((value for value in (each(person) for each in inner) if value is not None), None)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fold(text: str, function: Callable[[str], str]) -> str:
    """Only letters of the alphabets that are promised, and only where one capital goes with one small letter."""
    back = str.upper if function("a") == "a" else str.lower

    def one(letter: str) -> str:
        promised = ord(letter) < 0x180 or 0x386 <= ord(letter) <= 0x3CE or 0x400 <= ord(letter) <= 0x45F
        return function(letter) if promised and back(function(letter)) == letter else letter

    return "".join(map(one, text))


def _plain_text(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Written]:
    return texts.map(lambda text: Written(_quoted(text), _fixed(text)))


SOME_TEXTS = st.sampled_from(sorted({*NAMES, *CITIES, *COUNTRIES, "red", "it's"}))
TEXT_NAMES = st.sampled_from(["first_name", "city", "country", "colour"]).map(lambda name: Written(name, _of(name)))


def _coalesced(values: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    return st.lists(values, min_size=2, max_size=3).map(
        lambda parts: Written(f"coalesce({', '.join(part.text for part in parts)})", _first_known([part.means for part in parts]))
    )


def _folded(part: Written, function: str) -> Written:
    plain = str.lower if function == "lower" else str.upper
    return Written(f"{function}({part.text})", _strict(lambda text: _fold(text, plain), part.means))


UNFOLDED = st.one_of(TEXT_NAMES, TEXT_NAMES, _plain_text(SOME_TEXTS), _coalesced(st.one_of(TEXT_NAMES, _plain_text(SOME_TEXTS))))
TEXTS = st.one_of(UNFOLDED, UNFOLDED, st.builds(_folded, UNFOLDED, st.sampled_from(["lower", "upper"])))

# (meaning as it is, meaning when reckoned with)
_WHOLE = {
    "children": _of("children"),
    "age": _age,
    "purchase_count": lambda person: len(_purchases(person)),
    "days_since_purchase": _days_since_purchase,
}


@dataclass(frozen=True)
class Number(Written):
    """A number, which may mean something else when it is reckoned with."""

    reckoned: Meaning


def _whole(name: str) -> Number:
    return Number(name, _WHOLE[name], _strict(float, _WHOLE[name]))


def _spent(person: Person) -> float:
    return sum(cents for _, cents in _purchases(person)) / 100


def _literal(number: float) -> Number:
    text = repr(number) if number >= 0 else f"({number!r})"
    return Number(text, _fixed(number), _fixed(float(number)))


NUMBER_LEAVES = st.one_of(
    st.sampled_from(sorted(_WHOLE)).map(_whole),
    st.just(Number("total_spent", _spent, _spent)),
    st.just(Number("score", _of("score"), lambda person: _reckonable(person.values["score"]))),
    st.sampled_from([0, 1, 2, 3, -1, 7, 100, 0.5, 0.1, 2.5, 99.995, 1234.5]).map(_literal),
    UNFOLDED.map(lambda part: Number(f"length({part.text})", _strict(len, part.means), _strict(len, part.means))),
)


def _sum(left: Number, operator: str, right: Number) -> Number:
    def reckon(one: float, other: float) -> float | None:
        one, other = float(one), float(other)
        if operator == "/":
            return one / other if other else None
        return {"+": one + other, "-": one - other, "*": one * other}[operator]

    means = _strict(reckon, left.reckoned, right.reckoned)
    return Number(f"({left.text} {operator} {right.text})", means, means)


def _rounded(part: Number, decimals: int) -> Number:
    def nearest(number: float) -> float:
        scaled = float(number) * 10.0**decimals
        if abs(scaled) < 2**52:
            scaled = math.copysign(math.floor(abs(scaled) + 0.5), scaled)
        return scaled / 10.0**decimals

    means = _strict(nearest, part.reckoned)
    return Number(f"round({part.text}, {decimals})", means, means)


def _size(part: Number) -> Number:
    means = _strict(lambda number: abs(float(number)), part.reckoned)
    return Number(f"abs({part.text})", means, means)


SUMS = st.recursive(
    NUMBER_LEAVES,
    lambda inner: st.one_of(st.builds(_sum, inner, st.sampled_from(["+", "-", "*", "/"]), inner), inner.map(_size)),
    max_leaves=4,
)
NUMBERS = st.one_of(NUMBER_LEAVES, SUMS, st.builds(_rounded, SUMS, st.integers(0, 3)))


def _shifted(part: Written, operator: str, days: int) -> Written:
    change = timedelta(days=days if operator == "+" else -days)
    return Written(f"{part.text} {operator} {days}", _strict(lambda day: day + change, part.means))


SOME_DAYS = st.sampled_from([TODAY, date(2000, 2, 29), date(2026, 3, 29), date(1999, 12, 31), date(9, 1, 1), date(2025, 10, 26)])
DATE_NAMES = st.sampled_from(
    [
        Written("birth_date", _of("birth_date")),
        Written("joined_on", _of("joined_on")),
        Written("last_purchase_on", lambda person: _purchases(person)[-1][0] if _purchases(person) else None),
        Written("first_purchase_on", lambda person: _purchases(person)[0][0] if _purchases(person) else None),
        Written("created_on", lambda person: person.values["created_at"].astimezone(ZONE).date()),
        Written("today", _fixed(TODAY)),
    ]
)
DATE_LITERALS = SOME_DAYS.map(lambda day: Written(f"'{day.isoformat()}'", _fixed(day)))
LATE = DATE_NAMES.filter(lambda part: part.text != "birth_date")  # a day before the year 1 has no date in Python
DATES = st.one_of(DATE_NAMES, st.builds(_shifted, LATE, st.sampled_from(["+", "-"]), st.integers(0, 400)))
YES_NO = st.sampled_from(
    [Written("newsletter", _of("newsletter")), Written("coalesce(newsletter, false)", lambda p: bool(p.values["newsletter"]))]
)

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _comparable(values: Sequence[Any]) -> list[Any]:
    """All doubles where one is."""
    if any(isinstance(value, float) for value in values):
        return [None if value is None else float(value) for value in values]
    return list(values)


def _compared(left: Written, operator: str, right: Written) -> Written:
    def means(person: Person) -> bool:
        one, other = _comparable([left.means(person), right.means(person)])
        return one is not None and other is not None and _ORDER[operator](one, other)

    return Written(f"{left.text} {operator} {right.text}", means)


def _among(value: Written, options: list[Written], negated: bool) -> Written:
    def means(person: Person) -> bool:
        sought, *among = _comparable([value.means(person), *(option.means(person) for option in options)])
        if sought is None:
            return False
        if sought in [each for each in among if each is not None]:
            return not negated
        return negated and None not in among

    word = "not in" if negated else "in"
    return Written(f"{value.text} {word} ({', '.join(option.text for option in options)})", means)


def _between(value: Written, low: Written, high: Written, negated: bool) -> Written:
    def means(person: Person) -> bool:
        middle, least, most = _comparable([each.means(person) for each in (value, low, high)])
        below = None if middle is None or least is None else middle < least
        above = None if middle is None or most is None else middle > most
        outside = True if below or above else None if below is None or above is None else False
        return outside is negated

    word = "not between" if negated else "between"
    return Written(f"{value.text} {word} {low.text} and {high.text}", means)


def _fits(text: str, pattern: str) -> bool:
    """By hand: no regular expressions, which the product might have used too."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(_fits(text[skipped:], pattern[1:]) for skipped in range(len(text) + 1))
    return bool(text) and (pattern[0] == "_" or text[0] == pattern[0]) and _fits(text[1:], pattern[1:])


def _like(value: Written, pattern: str, negated: bool) -> Written:
    def means(person: Person) -> bool:
        text = value.means(person)
        return text is not None and _fits(_fold(text, str.lower), _fold(pattern, str.lower)) is not negated

    return Written(f"{value.text} {'not like' if negated else 'like'} {_quoted(pattern)}", means)


def _is_null(value: Written, negated: bool) -> Written:
    word = "is not null" if negated else "is null"
    return Written(f"{value.text} {word}", lambda person: (value.means(person) is None) is not negated)


def _is_truth(value: Written, truth: bool, negated: bool) -> Written:
    text = f"{value.text} is {'not ' if negated else ''}{str(truth).lower()}"
    return Written(text, lambda person: (value.means(person) is truth) is not negated)


PATTERNS = st.one_of(
    SOME_TEXTS,
    SOME_TEXTS.map(lambda text: text[:2] + "%"),
    SOME_TEXTS.map(lambda text: "%" + text[-2:]),
    SOME_TEXTS.map(lambda text: "_" + text[1:]),
    st.text("aAeEéÉüÜ%_!", max_size=5),
)
_OPERATORS = st.sampled_from(sorted(_ORDER))


def _about(values: st.SearchStrategy[Any], others: st.SearchStrategy[Any]) -> st.SearchStrategy[Written]:
    return st.one_of(
        st.builds(_compared, values, _OPERATORS, others),
        st.builds(_among, values, st.lists(others, min_size=1, max_size=3), st.booleans()),
        st.builds(_between, values, others, others, st.booleans()),
        st.builds(_is_null, values, st.booleans()),
    )


PHRASES = st.sampled_from(
    [
        Written("everyone", _fixed(True)),
        Written("purchase since entry", lambda p: any(p.entered_at <= at <= NOW for at, _ in p.purchases)),
        Written("purchase in last 30 days", lambda p: any(NOW - timedelta(days=30) <= at <= NOW for at, _ in p.purchases)),
        Written("in segment families", lambda p: (p.values["children"] or 0) > 0),
        Written(
            "contacted by email in last 20 days",
            lambda p: any(
                each.kind in (Kind.SENT, Kind.UNKNOWN) and each.channel == "email" and NOW - timedelta(days=20) <= each.at <= NOW
                for each in p.contacts
            ),
        ),
    ]
)
SIMPLE = st.one_of(
    _about(TEXTS, TEXTS),
    _about(NUMBERS, NUMBERS),
    _about(DATES, st.one_of(DATES, DATE_LITERALS)),
    st.builds(_compared, YES_NO, st.sampled_from(["=", "<>"]), YES_NO),
    st.builds(_like, UNFOLDED, PATTERNS, st.booleans()),
    st.builds(_is_truth, YES_NO, st.booleans(), st.booleans()),
    YES_NO.map(lambda value: Written(value.text, lambda person: value.means(person) is True)),
    PHRASES,
)


def _joined(parts: list[Written], word: str) -> Written:
    together = all if word == "and" else any
    return Written(f" {word} ".join(f"({part.text})" for part in parts), lambda person: together(part.means(person) for part in parts))


def _not(part: Written) -> Written:
    return Written(f"not ({part.text})", lambda person: not part.means(person))


CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(st.builds(_joined, st.lists(inner, min_size=2, max_size=3), st.sampled_from(["and", "or"])), inner.map(_not)),
    max_leaves=5,
)
