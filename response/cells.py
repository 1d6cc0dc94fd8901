"""The primary metric by cells of customers (bands of pressure, scores of value), the arms together beside the control."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, case, func, literal, select

from engine.metrics import MetricSpec
from response.beside import beside
from response.exact import product_sums, whole
from response.happenings import base
from response.metrics import caps, unit_of
from response.sides import Sides, outcome_of
from response.sources import Sources
from response.statistics.heterogeneity import heterogeneity_p_value
from response.statistics.means import difference_of_means, means_p_value
from response.statistics.moments import Moments
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.ratios import difference_of_ratios, ratio, ratio_p_value
from response.statistics.sums import UNDEFINED, Effect, quantile

SMALL = 50  # customers in either group; below it a lift says next to nothing, and its cell is greyed

NAMELESS = 5  # customers; of fewer a rate could say what one person did
LIKELY = 0.05  # below this chance, lifts differ from each other more than noise explains

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The sums of one cell of customers: who belonged to the arms, and who to the control. `opt_outs` are customers of the arms."""

    key: Key
    metric: MetricSpec
    test: Moments
    control: Moments
    opt_outs: int = 0

    @property
    def customers(self) -> int:
        """Customers assigned, on both sides."""
        return self.test.n + self.control.n

    @property
    def small(self) -> bool:
        """Whether either side has too few customers for a lift."""
        return min(self.test.n, self.control.n) < SMALL

    @property
    def lift(self) -> Effect:
        """Arms minus control, per customer assigned (of a ratio: by its base); undefined in a small cell."""
        return UNDEFINED if self.small else self.difference

    @property
    def difference(self) -> Effect:
        """The same however few they are: of all customers together, where nobody is one of a handful. Undefined when a side has nobody."""
        if not (self.test.n and self.control.n):
            return UNDEFINED
        if self.metric.per:
            return difference_of_ratios(self.test, self.control)
        difference = difference_of_proportions if self.metric.unit == "share" else difference_of_means
        return difference(self.test.outcome, self.control.outcome)

    @property
    def p_value(self) -> float | None:
        """Two-sided p of the lift; None in a small cell, or where there is no spread to judge by."""
        if self.small:
            return None
        if self.metric.per:
            return ratio_p_value(self.test, self.control)
        p_value = proportions_p_value if self.metric.unit == "share" else means_p_value
        return p_value(self.test.outcome, self.control.outcome)

    @property
    def rate(self) -> float | None:
        """The metric of the customers assigned to the arms; None where they are so few that it could be about one of them."""
        return self._rate(self.test)

    @property
    def control_rate(self) -> float | None:
        """The metric of the customers assigned to the control, likewise."""
        return self._rate(self.control)

    @property
    def opt_out_rate(self) -> float | None:
        """The part of the customers of the arms who opted out in the window, likewise."""
        return self.opt_outs / self.test.n if self.test.n >= NAMELESS else None

    def _rate(self, side: Moments) -> float | None:
        if side.n < NAMELESS:
            return None
        return ratio(side) if self.metric.per else side.outcome.mean


def cells(sources: Sources, sides: Sides, rows: FromClause) -> list[Cell]:
    """A cell for each value of the key, in order.

    `rows` has a row for each customer assigned: member_id, control (0, 1), and the key, which is all its other columns, whole numbers.
    """
    names = [column.name for column in rows.c if column.name not in ("member_id", "control")]
    facts: list[FromClause] = [outcome_of(sources, sides.metric), outcome_of(sources, sources.metrics["opt_out"], "opted_out")]
    if sides.metric.per:
        facts.append(base(sources.population, sides.metric, sources.report.currency).subquery("base"))
    each = beside(rows, *facts)
    y, x = _capped(sources, sides, each.c.y), each.c.x if sides.metric.per else literal(0, BigInteger)
    counted = (each.c.control, func.count(each.c.opted_out), func.count(), *_sums(y, x))
    grouped = [each.c[name] for name in names]
    statement = select(*grouped, *counted).group_by(*grouped, each.c.control).order_by(*grouped)
    places = len(names)
    found: dict[Key, dict[int, tuple[int, Moments]]] = {}
    for row in sources.session.connection().execute(statement):
        moments = _moments(sides.metric, *row[places + 2 :])
        found.setdefault(tuple(row[:places]), {})[row[places]] = (row[places + 1], moments)
    return [_cell(values, both, sides) for values, both in found.items()]


def together(parts: Iterable[Cell], key: Key) -> Cell:
    """Several cells as one."""
    each = list(parts)
    test, control = reduce(add, [cell.test for cell in each]), reduce(add, [cell.control for cell in each])
    return Cell(key, each[0].metric, test, control, sum(cell.opt_outs for cell in each))


def differing_p(parts: Iterable[Cell]) -> float | None:
    """Chance of lifts so far apart when all cells have the same lift (Cochran's test); small cells do not count. None when too few do.

    The variance of a lift is taken from the width of its interval, so that it suits shares, means and ratios alike.
    """
    effects = [(lift.estimate, lift.low, lift.high) for lift in (cell.lift for cell in parts)]
    known = [(estimate, high - low) for estimate, low, high in effects if estimate is not None and low is not None and high is not None]
    width = 2 * quantile(0.95)
    return heterogeneity_p_value([estimate for estimate, _ in known], [(wide / width) ** 2 for _, wide in known])


def _capped(sources: Sources, sides: Sides, y: ColumnElement[Any]) -> ColumnElement[Any]:
    """No more than what the metric cuts off at, as everywhere in the report."""
    cut = caps(sources.session, sources.population, sides.metric, sources.report.currency)
    most = cut.get(sides.node or "")
    return y if most is None else case((y > most, literal(most, BigInteger)), else_=y)


def _sums(y: ColumnElement[Any], x: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    return func.sum(y), *product_sums(y, y), func.sum(x), *product_sums(x, x), *product_sums(x, y)


def _moments(metric: MetricSpec, n: int, *sums: Any) -> Moments:
    y, yy_upper, yy_lower, x, xx_upper, xx_lower, xy_upper, xy_lower = sums
    yy, xx, xy = whole(yy_upper, yy_lower), whole(xx_upper, xx_lower), whole(xy_upper, xy_lower)
    return Moments(n, int(y or 0), yy, int(x or 0), xx, xy, unit_of(metric.of), unit_of(metric.per or metric.of))


def _cell(key: Key, both: dict[int, tuple[int, Moments]], sides: Sides) -> Cell:
    nobody = (0, _moments(sides.metric, 0, *[0] * 8))
    (opt_outs, test), (_, control) = both.get(0, nobody), both.get(1, nobody)
    return Cell(key, sides.metric, test, control, opt_outs)
