"""What a report is made of, in no language: sections of sentences, tables and charts. Every format is made from these parts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from response.statistics.sums import Effect

Kind = Literal[
    "text",
    "count",  # customers, messages
    "share",  # 0..1, shown in per cent
    "points",  # a difference of shares, -1..1, shown with its sign in points
    "of_100",  # a difference of shares without its sign or unit: so many of every hundred
    "lift",  # a relative difference, shown with its sign in per cent
    "money",  # in the currency's unit
    "extra",  # a difference of money, shown with its sign
    "number",
    "change",  # a difference of numbers, shown with its sign
    "p",
    "day",
    "moment",
]
ChartKind = Literal[
    "intervals",  # an Effect for each x, against zero
    "lines",  # y over x, a line for each series
    "band",  # an Effect over x: a line within its band, for each series
    "bars",
    "heat",  # a colour for each x and y, with the figure in it
    "points",  # y against x
]
Tone = Literal["", "soft", "alarm", "better", "worse", "same", "inconclusive", "not-valid"]
Value = str | int | float | date | datetime | Effect | None


@dataclass(frozen=True, slots=True)
class As:
    """A value with a kind of its own. In a table only where the column's kind does not hold for every row.

    An Effect is shown as `estimate (low to high)`, and one without an estimate as `low to high`.
    """

    kind: Kind
    value: Value


@dataclass(frozen=True, slots=True)
class Word:
    """A code of ours that each language has a word for, by its key `prefix.code`; without one the code itself is shown."""

    prefix: str
    code: str


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence: the key of its wording and what is filled in. A plain string in `values` is shown as it is.

    A Say among the values is a sentence within the sentence. `table` names the table that its figures come from, and `define` the
    definition that it leans on: both become links.
    """

    key: str
    values: tuple[tuple[str, "As | Word | Say | str"], ...] = ()
    tone: Tone = ""
    table: str | None = None
    define: str | None = None

    def behind(self, table: str | None = None, define: str | None = None) -> "Say":
        """The same sentence with the table and the definition behind its figures."""
        return replace(self, table=table, define=define)


def say(key: str, tone: Tone = "", **values: "As | Word | Say | str") -> Say:
    """A sentence with its values as keyword arguments."""
    return Say(key, tuple(values.items()), tone)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `name` is its name in files, and `col.NAME` its heading.

    `words`: the cells are codes, said by the keys `words.CODE`. `define`: the key of the definition that the heading links to,
    `define.DEFINE`. An Effect in a cell becomes three columns in files: NAME, NAME_low and NAME_high.
    """

    name: str
    kind: Kind = "count"
    words: str | None = None
    define: str | None = None
    title: Word | None = None  # its heading, where that is a code of ours and not `col.NAME`


Cell = Value | As | Word | Say


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of raw values under typed columns. `name` is unique in a report: the file's name, and the anchor that figures link to.

    `sums`: names of columns whose cells add up to those of the row that `total` points at (a test adds them up). `title` stands
    above it. `facts`: two columns, shown as names and what is to be said of them, without heads.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int | None = None
    sums: tuple[str, ...] = ()
    folded: bool = False  # shown closed: the figures behind a chart, or many rows
    title: Say | None = None
    facts: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of a table's columns. `title` says what is seen, `name` is unique in a report.

    `muted` is the series that stands back (the control); `minimum` draws the band of what does not matter; `rule` a vertical line
    (such as the closing date). `note` is the column whose value stands small below the figure of a heat map's cell.
    """

    name: str
    kind: ChartKind
    title: Say
    table: Table
    x: str
    y: str
    series: str | None = None
    muted: str | None = None
    minimum: float | None = None
    rule: Value = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing that stands by itself, as SVG, with the sentence that says what is seen.

    A drawing holds words, and words are of a language: `svg` is in English, `others` are the same in other languages.
    """

    name: str
    title: Say
    svg: str
    others: tuple[tuple[str, str], ...] = ()

    def in_language(self, language: str) -> str:
        """The SVG in a language, or in English."""
        return dict(self.others).get(language, self.svg)


@dataclass(frozen=True, slots=True)
class Items:
    """Sentences one below the other, under a heading of their own."""

    title: Say
    says: tuple[Say, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure means. `name` is what columns and sentences name in `define`."""

    name: str
    term: Word | Say
    text: Say


@dataclass(frozen=True, slots=True)
class Query:
    """The SQL behind a section's figures, as it was sent, with its values filled in."""

    section: str
    statements: tuple[str, ...]


Part = Say | Table | Chart | Picture | Items | Definition | Query


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of a report: `section.NAME` is its title. It opens with the sentence that an analyst would say aloud."""

    name: str
    parts: tuple[Part, ...]

    @property
    def tables(self) -> Sequence[Table]:
        """All tables, those behind charts included, each once."""
        found = [part.table if isinstance(part, Chart) else part for part in self.parts if isinstance(part, Chart | Table)]
        return list({table.name: table for table in found}.values())


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report of any sort: of a campaign, a comparison of campaigns, a programme, a contact strategy."""

    name: str  # of the campaign or the page: the default file name
    title: Say
    as_of: datetime
    zone: str
    currency: str
    sections: tuple[Section, ...]
    headline: tuple[Say, ...] = ()  # what is said first of all, before any section

    @property
    def tables(self) -> Sequence[Table]:
        """All tables of all sections, in the order shown."""
        return [table for section in self.sections for table in section.tables]
