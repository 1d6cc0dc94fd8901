"""The few pieces of SQL that SQLite and PostgreSQL write differently, each with one meaning."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from customers.conditions.instants import Day

# Letters beyond ASCII whose capitals and small letters are taken for the same: Latin-1, Latin Extended-A, Greek and Cyrillic,
# wherever Unicode pairs one capital with one small letter. SQLite knows ASCII only and PostgreSQL what its locale knows: both are told.
_PAIRS = {
    chr(code): chr(code).lower()
    for low, high in ((0xC0, 0x17F), (0x386, 0x3CE), (0x400, 0x45F))
    for code in range(low, high + 1)
    if len(chr(code).lower()) == 1 and chr(code).lower() != chr(code) and chr(code).lower().upper() == chr(code)
}
_NEAR = "þ"  # the last letter of Latin-1 whose capital is in Latin-1 too
_ASCII = {chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}
TO_LOWER = str.maketrans({**_PAIRS, **_ASCII})
TO_UPPER = str.maketrans({small: capital for capital, small in {**_PAIRS, **_ASCII}.items()})


class ByCodePoint(FunctionElement[str]):
    """A text, to be ordered by its code points whatever the server's rules."""

    inherit_cache = True
    type = Text()


class Folded(FunctionElement[str]):
    """A text in small letters or capitals. `letters` are the capitals beyond ASCII that can matter; all of them when not given."""

    inherit_cache = False  # the letters are part of the statement
    type = Text()

    def __init__(self, text: ColumnElement[Any], *, upper: bool = False, letters: str | None = None) -> None:
        capitals = "".join(_PAIRS) if letters is None else letters
        small = capitals.translate(TO_LOWER)
        self.upper = upper
        self.from_letters, self.to_letters = (small, capitals) if upper else (capitals, small)
        super().__init__(text)


class DayNumber(FunctionElement[Any]):
    """A date column as days since 1970-01-01."""

    inherit_cache = True
    type = Day()


class Rounded(FunctionElement[float]):
    """A double to the nearest whole number, halves away from zero."""

    inherit_cache = True
    type = Double()


class FormField(FunctionElement[str]):
    """A field of the answers in a contact's detail, as text; NULL when it is not there."""

    inherit_cache = True
    type = Text()


class EventName(FunctionElement[str]):
    """The name of the event in a contact's detail; NULL when there is none."""

    inherit_cache = True
    type = Text()


class AgeDigits(FunctionElement[int]):
    """A date column as the whole number YYYYMMDD."""

    inherit_cache = True
    type = BigInteger()


def letters_of(*texts: str) -> str:
    """The capitals beyond ASCII, of those that can be folded, that occur in these texts in either form."""
    wanted = set("".join(texts).translate(TO_LOWER))
    return "".join(capital for capital, small in _PAIRS.items() if small in wanted)


@compiles(ByCodePoint)
def _by_code_point(element: ByCodePoint, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(ByCodePoint, "postgresql")
def _by_code_point_postgresql(element: ByCodePoint, compiler: SQLCompiler, **kw: Any) -> str:
    return f'({compiler.process(element.clauses, **kw)}) COLLATE "C"'


@compiles(Folded)
def _folded(element: Folded, compiler: SQLCompiler, **kw: Any) -> str:
    function = "upper" if element.upper else "lower"
    folded = f"{function}({compiler.process(element.clauses, **kw)})"
    if not element.from_letters:
        return folded
    # One replacement a letter, in a loop and not nested: SQLite's parser takes some thirty brackets at the most. First (n is -1) it is
    # looked how many letters can matter: none in a text of as many bytes as characters, few in one of the west of Europe.
    count = len(element.from_letters)
    near = sum(max(pair) <= _NEAR for pair in zip(element.from_letters, element.to_letters, strict=True))
    beyond = f"s GLOB '*[^' || char(1) || '-{_NEAR}]*'"
    first = f"CASE WHEN length(s) = length(CAST(s AS BLOB)) THEN 0 WHEN {beyond} THEN {count} ELSE {near} END"
    step = f"replace(s, substr('{element.from_letters}', n, 1), substr('{element.to_letters}', n, 1))"
    return (
        f"(WITH RECURSIVE folding(s, n) AS (SELECT {folded}, -1 UNION ALL "  # noqa: S608  # letters of our own; the text is a parameter
        f"SELECT CASE n WHEN -1 THEN s ELSE {step} END, CASE n WHEN -1 THEN {first} ELSE n - 1 END FROM folding WHERE n <> 0"
        ") SELECT s FROM folding WHERE n = 0)"
    )


@compiles(Folded, "postgresql")
def _folded_postgresql(element: Folded, compiler: SQLCompiler, **kw: Any) -> str:
    function = "upper" if element.upper else "lower"
    folded = f'{function}(({compiler.process(element.clauses, **kw)}) COLLATE "C")'
    return f"translate({folded}, '{element.from_letters}', '{element.to_letters}')" if element.from_letters else folded


@compiles(DayNumber)
def _day_number(element: DayNumber, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(julianday({compiler.process(element.clauses, **kw)}) - 2440587.5 AS INTEGER)"


@compiles(DayNumber, "postgresql")
def _day_number_postgresql(element: DayNumber, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(({compiler.process(element.clauses, **kw)}) - DATE '1970-01-01')::bigint"


@compiles(AgeDigits)
def _age_digits(element: AgeDigits, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(strftime('%Y%m%d', {compiler.process(element.clauses, **kw)}) AS INTEGER)"


@compiles(AgeDigits, "postgresql")
def _age_digits_postgresql(element: AgeDigits, compiler: SQLCompiler, **kw: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **kw)}, 'YYYYMMDD')::bigint"


@compiles(Rounded)
def _rounded(element: Rounded, compiler: SQLCompiler, **kw: Any) -> str:
    return f"round({compiler.process(element.clauses, **kw)})"


@compiles(Rounded, "postgresql")
def _rounded_postgresql(element: Rounded, compiler: SQLCompiler, **kw: Any) -> str:
    # PostgreSQL's own round takes halves to the even number. From 2**52 on every double is whole.
    value = compiler.process(element.clauses, **kw)
    return f"(CASE WHEN abs({value}) < 4503599627370496 THEN trunc(({value}) + 0.5::float8 * sign({value})) ELSE {value} END)"


@compiles(FormField)
def _form_field(element: FormField, compiler: SQLCompiler, **kw: Any) -> str:
    detail, name = (compiler.process(each, **kw) for each in element.clauses)
    path = f"'$.answers.\"' || {name} || '\"'"
    kind = f"json_type({detail}, {path})"
    return f"(CASE WHEN {kind} IN ('true', 'false') THEN {kind} ELSE CAST(json_extract({detail}, {path}) AS TEXT) END)"


@compiles(FormField, "postgresql")
def _form_field_postgresql(element: FormField, compiler: SQLCompiler, **kw: Any) -> str:
    detail, name = (compiler.process(each, **kw) for each in element.clauses)
    return f"((({detail})::jsonb -> 'answers') ->> ({name})::text)"


@compiles(EventName)
def _event_name(element: EventName, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **kw)}, '$.name')"


@compiles(EventName, "postgresql")
def _event_name_postgresql(element: EventName, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(({compiler.process(element.clauses, **kw)})::jsonb ->> 'name')"
