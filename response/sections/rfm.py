"""Recency, frequency and monetary value on entry: who responds, and whether the campaign does more for some of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Subquery, func, select

from response.before import FIFTHS, rfm_scores
from response.beside import beside
from response.cells import LIKELY, Cell, cells, differing_p, together
from response.parts import As, Chart, Column, Part, Say, Section, Table, Word, say
from response.parts import Cell as Figure
from response.sayings import DIFFERENCES, RATES
from response.sides import Sides, people, sides_of
from response.sources import Sources
from response.statistics.several import benjamini_hochberg

SCORES = ("recency", "frequency", "monetary")
NEVER = 0  # the score of whoever had bought nothing
_LUMP = 0.3  # of all buyers in one fifth: so many are equal that it has to be told


def section(sources: Sources) -> Section | None:
    """The grid of recency by frequency, each score by itself, and all cells. None when nobody had bought before coming in."""
    sides = sides_of(sources)
    found = cells(sources, sides, _scored(sources, sides))
    buyers = [cell for cell in found if NEVER not in cell.key]
    if not buyers:
        return None
    # Where all bought equally often, frequency would be one row: value takes its place.
    place = 1 if len({cell.key[1] for cell in buyers}) > 1 else 2
    grid = _added(buyers, lambda cell: (cell.key[0], cell.key[place]))
    parts = [*_said(grid, sides), *_ties(buyers), *_grid(grid, SCORES[place], sides), _by_score(found, sides), _all_cells(found, sides)]
    return Section("rfm", tuple(parts))


def _scored(sources: Sources, sides: Sides) -> Subquery:
    """A row for each customer assigned, with the three scores; 0 for whoever had bought nothing."""
    everyone = people(sources, sides)
    each = beside(everyone, rfm_scores(everyone, sources.report.currency).subquery("scored"))
    scores = [func.coalesce(each.c[name], NEVER).label(name) for name in SCORES]
    return select(each.c.member_id, each.c.control, *scores).subquery("keyed")


def _added(found: Sequence[Cell], key: Callable[[Cell], tuple[Any, ...]]) -> list[Cell]:
    """Cells with the same key as one, in the order of the keys."""
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in found:
        groups.setdefault(key(cell), []).append(cell)
    return [together(groups[each], each) for each in sorted(groups)]


def _said(grid: Sequence[Cell], sides: Sides) -> Iterator[Say]:
    if not sides.control:
        yield _ends(grid, sides)
        yield say("rfm.no_control")
        return
    large = [cell for cell in grid if not cell.small]
    if len(large) < 2:  # the fifths of recency by themselves are larger
        large = [cell for cell in _added(grid, lambda cell: cell.key[:1]) if not cell.small]
    adjusted = benjamini_hochberg([cell.p_value for cell in large])
    found = [cell for cell, p in zip(large, adjusted, strict=True) if p is not None and p < LIKELY]
    yield _verdict(large, found, sides)
    yield _ends(grid, sides)
    if small := sum(cell.small for cell in grid):
        yield say("rfm.small", "soft", small=As("count", small), cells=As("count", len(grid))).behind(define="small_cell")


def _verdict(large: Sequence[Cell], found: Sequence[Cell], sides: Sides) -> Say:
    """Does the lift differ, and in how many cells is it there at all, corrected for looking at so many?"""
    p = differing_p(large)
    if p is None:
        return say("rfm.unknown")
    key = f"rfm.{'differs' if p < LIKELY else 'same'}.{'some' if found else 'none'}"
    metric, looked = Word("metric", sides.metric.name), As("count", len(large))
    return say(key, p=As("p", p), metric=metric, found=As("count", len(found)), cells=looked).behind("rfm-grid", "differing")


def _ends(grid: Sequence[Cell], sides: Sides) -> Say:
    """Who bought last and most often, against who bought longest ago and least often."""
    recent, gone = (_added([cell for cell in grid if cell.key[0] == score], lambda _: ()) for score in (FIFTHS, 1))
    if not (recent and gone):
        return say("rfm.one_fifth")
    kind = RATES[sides.metric.unit]
    return say("rfm.ends", metric=Word("metric", sides.metric.name), recent=As(kind, recent[0].rate), gone=As(kind, gone[0].rate)).behind(
        "rfm-scores", "recency"
    )


def _ties(buyers: Sequence[Cell]) -> Iterator[Say]:
    everyone = sum(cell.customers for cell in buyers)
    for place, name in enumerate(SCORES):
        fifths = _added(buyers, lambda cell, place=place: (cell.key[place],))  # type: ignore[misc]  # mypy cannot infer a default
        largest = max(fifths, key=lambda cell: cell.customers)
        if largest.customers > _LUMP * everyone:
            share, score = As("share", largest.customers / everyone), As("count", largest.key[0])
            yield say("rfm.ties", "soft", score=Word("rfm_score", name), fifth=score, share=share).behind("rfm-scores", name)


def _grid(grid: Sequence[Cell], down: str, sides: Sides) -> Iterator[Part]:
    """Recency across, frequency (or value) down: the lift, or without a control the rate."""
    table = Table("rfm-grid", _columns(("recency", down), sides), tuple(_row(cell.key, cell, sides) for cell in grid), folded=True)
    what = "absolute" if sides.control else "rate"
    title = say(f"rfm.chart.{what}", metric=Word("metric", sides.metric.name), down=Word("rfm_score", down))
    yield Chart("rfm-chart", "heat", title, table, "recency", down, what, note="customers")


def _by_score(found: Sequence[Cell], sides: Sides) -> Table:
    """Each score by itself."""
    rows = [
        _row((name, cell.key[0]), cell, sides)
        for place, name in enumerate(SCORES)
        for cell in _added(found, lambda cell, place=place: (cell.key[place],))  # type: ignore[misc]  # mypy cannot infer a default
        if cell.key[0] != NEVER
    ]
    never = [cell for cell in found if NEVER in cell.key]
    rows += [_row(("never", None), together(never, ()), sides)] if never else []
    score = Column("score", "text", words="col")
    return Table("rfm-scores", (score, *_columns(("fifth",), sides)), tuple(rows), title=say("rfm.scores"))


def _all_cells(found: Sequence[Cell], sides: Sides) -> Table:
    """Every cell of the three scores together, with the sum of all."""
    rows = [_row(cell.key, cell, sides) for cell in found]
    rows.append(_row((Word("page", "sum"), None, None), together(found, ()), sides))
    sums = ("customers", "assigned", "control_assigned") if sides.control else ("customers", "assigned")
    title = say("rfm.cells")
    return Table("rfm-cells", _columns(SCORES, sides), tuple(rows), total=len(rows) - 1, sums=sums, folded=True, title=title)


def _columns(names: Sequence[str], sides: Sides) -> tuple[Column, ...]:
    unit, metric = sides.metric.unit, sides.metric.name
    columns = [Column("customers", define="assigned"), Column("assigned", define="assigned"), Column("rate", RATES[unit], define=metric)]
    if sides.control:
        columns += [
            Column("control_assigned", define="assigned"),
            Column("control_rate", RATES[unit], define=metric),
            Column("absolute", DIFFERENCES[unit], define="small_cell"),
        ]
    return (*(Column(name, define=name if name in SCORES else "fifth") for name in names), *columns)


def _row(key: Sequence[Figure], cell: Cell, sides: Sides) -> tuple[Figure, ...]:
    control = (cell.control.n, cell.control_rate, cell.lift) if sides.control else ()
    return (*key, cell.customers, cell.test.n, cell.rate, *control)
