"""What was known of a bounded sample of customers when they came in, as columns of numbers for a model."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from sqlalchemy import Column, FromClause, MetaData, Select, Table, inspect, select
from sqlalchemy.types import Integer

from customers.tables import Customer, Profile, table_of
from engine.metrics import MetricSpec
from engine.nodes.split import Split
from engine.nodes.update import Update
from response.before import contacts_before, purchases_before
from response.beside import beside
from response.metrics import unit_of
from response.population import member
from response.sides import Sides, outcome_of, people
from response.sources import Sources

MOST = 200_000  # customers in the sample: some seconds, and some hundred megabytes
CATEGORIES = 20  # values of a text that get a column of their own
LEAKS_BELOW = 0.001  # chance, over all columns together, of groups so unlike before the start
_BATCH = 20_000
_PRIME, _FACTORS = 2_147_483_647, (48_271, 69_621)  # of Park and Miller's generators (1988): products fit 64 bits
_UNDATED = ("birth_date", "country", "language")

Numbers = NDArray[np.float64]
customer = table_of(Customer)


@dataclass(frozen=True, slots=True)
class Known:
    """A row for each customer of the sample, in order of their numbers.

    `features` are numbers without gaps, each column named in `names`. `left_out` are attributes that were not used: the groups differ on
    them more than chance explains, so that they were changed after the campaign began. `outcome` and `value` are in the metrics' own units.
    `is_sample` when as many were taken as may be: there are others.
    """

    features: Numbers
    names: tuple[str, ...]
    left_out: tuple[str, ...]
    treated: NDArray[np.bool_]
    outcome: Numbers
    value: Numbers
    is_sample: bool


def known_on_entry(sources: Sources, sides: Sides, metric: MetricSpec, money: MetricSpec, most: int = MOST) -> Known:
    """At most `most` customers of both sides; one statement, and one that asks which attributes there are.

    What is dated (purchases, messages, the segment on entry) is taken from before the entry. The workspace's own attributes and the
    customer's country, language and birth date carry no date: they are taken as they stand, without those that a flow of this campaign
    writes or assigns arms by, and without those that the groups differ on.
    """
    own = _attributes(sources)
    rows = _columns(sources, _statement(sources, _sample(people(sources, sides), most), (metric, money), own))
    treated = rows.pop("control").astype(float) == 0
    outcome, value = (_filled(rows.pop(name)) / unit_of(spec.of) for name, spec in (("y", metric), ("worth", money)))
    columns: dict[str, list[tuple[str, Numbers]]] = {name: list(_encoded(name, column)) for name, column in rows.items()}
    leaking = _leaking({name: columns[name] for name in (*_UNDATED, *own)}, treated)
    kept = [each for name, parts in columns.items() if name not in leaking for each in parts]
    features = np.column_stack([column for _, column in kept]) if kept else np.zeros((len(treated), 0))
    return Known(features, tuple(name for name, _ in kept), tuple(leaking), treated, outcome, value, len(treated) == most)


def _attributes(sources: Sources) -> list[str]:
    """The workspace's own attributes that no version of this campaign's flow writes, or assigns arms by."""
    nodes = [node for flow in sources.flows.values() for node in flow.nodes.values()]
    written = {name for node in nodes if isinstance(node, Update) for name in node.update}
    written |= {node.by for node in nodes if isinstance(node, Split) and node.by}
    stored = inspect(sources.session.connection()).get_columns(Profile.__tablename__)
    return [each["name"] for each in stored if each["name"] != "customer_id" and each["name"] not in written]


def _statement(sources: Sources, sample: FromClause, metrics: tuple[MetricSpec, MetricSpec], own: Sequence[str]) -> Select[Any]:
    profile = Table(Profile.__tablename__, MetaData(), *_profile_columns(sources, own))
    bought = purchases_before(sample, sources.report.currency).subquery("bought")
    written = contacts_before(sample).subquery("written")
    outcomes = (outcome_of(sources, spec, name) for spec, name in zip(metrics, ("y", "worth"), strict=True))
    each = beside(sample, bought, written, *outcomes)
    joined: FromClause = each.join(member, member.c.id == each.c.member_id).join(customer, customer.c.id == each.c.customer_id)
    joined = joined.outerjoin(profile, profile.c.customer_id == each.c.customer_id)
    columns = [
        *(each.c[name] for name in ("control", "y", "worth", "days", "orders", "cents", "short", "long")),
        member.c.segment,
        *(customer.c[name] for name in _UNDATED),
        *(profile.c[name] for name in own),
    ]
    return select(*columns).select_from(joined).order_by(each.c.member_id)


def _sample(everyone: FromClause, most: int) -> FromClause:
    """At most so many customers, drawn by a fixed rule of their numbers, so that a second report draws the same."""
    # A square in the middle, for multiples of small numbers in a row are in a row themselves.
    spread = everyone.c.customer_id % _PRIME * _FACTORS[0] % _PRIME
    drawn = spread * spread % _PRIME * _FACTORS[1] % _PRIME
    return select(everyone).order_by(drawn, everyone.c.member_id).limit(most).subquery("sample")


def _profile_columns(sources: Sources, own: Sequence[str]) -> Iterator[Column[Any]]:
    stored = {each["name"]: each["type"] for each in inspect(sources.session.connection()).get_columns(Profile.__tablename__)}
    yield Column("customer_id", Integer())
    for name in own:
        yield Column(name, stored[name])


def _columns(sources: Sources, statement: Select[Any]) -> dict[str, NDArray[Any]]:
    """Name to a column of objects, read in batches so that no more than one lies there as rows."""
    result = sources.session.connection().execute(statement, execution_options={"stream_results": True})
    names = list(result.keys())
    batches = [[np.array(column, object) for column in zip(*rows, strict=True)] for rows in result.partitions(_BATCH)]
    empty = [np.array([], object) for _ in names]
    return dict(zip(names, map(np.concatenate, zip(*batches, strict=True)) if batches else empty, strict=True))


def _filled(column: NDArray[Any]) -> Numbers:
    """A column of numbers, 0 where there is nothing."""
    return np.array([each or 0 for each in column], float)


def _encoded(name: str, column: NDArray[Any]) -> Iterator[tuple[str, Numbers]]:
    """A fact as columns of numbers: amounts by their logarithm, texts by their most frequent values, gaps by a column of their own."""
    known = np.array([each is not None for each in column], bool)
    if not known.any():
        return
    values = column[known]
    if name in _LONG_TAILED:
        yield name, np.log1p(np.maximum(_filled(column), 0))
    elif isinstance(values[0], str):
        yield from _by_value(name, column)
        return
    else:
        yield name, _numbers(column, known)
    if not known.all():
        yield f"{name} known", known.astype(float)


def _numbers(column: NDArray[Any], known: NDArray[np.bool_]) -> Numbers:
    """Numbers, dates as days; gaps get the median, and what lies outside of 98 in 100 its limit."""
    values = np.array([_number(each) for each in column[known]], float)
    filled = np.full(len(column), np.median(values))
    filled[known] = values
    low, high = np.quantile(values, (0.01, 0.99))
    clipped: Numbers = np.clip(filled, low, high)
    return clipped


def _number(value: Any) -> float:
    return float(value.toordinal()) if isinstance(value, date) else float(value)


def _by_value(name: str, column: NDArray[Any]) -> Iterator[tuple[str, Numbers]]:
    counted = Counter(each for each in column if each is not None)
    for value, _ in counted.most_common(CATEGORIES):
        yield f"{name} {value}", (column == value).astype(float)


def _leaking(columns: Mapping[str, Sequence[tuple[str, Numbers]]], treated: NDArray[np.bool_]) -> list[str]:
    """The facts on which the sides differ more than chance explains: lot cannot have done that, so something did afterwards."""
    tests = sum(len(parts) for parts in columns.values())
    return [name for name, parts in columns.items() if any(_differs(column, treated) * tests < LEAKS_BELOW for _, column in parts)]


def _differs(column: Numbers, treated: NDArray[np.bool_]) -> float:
    """Two-sided p of a difference of means, by the normal distribution: sides are large here."""
    test, control = column[treated], column[~treated]
    error = np.sqrt(test.var() / len(test) + control.var() / len(control))
    return float(2 * ndtr(-abs(test.mean() - control.mean()) / error)) if error else 1.0


_LONG_TAILED = frozenset({"days", "orders", "cents", "short", "long"})
