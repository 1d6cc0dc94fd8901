"""Were the groups alike before the start? A part of the section on trust: differences in what is dated before each customer's entry."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from response.balance import KNOWN, known_before, look_back
from response.facts import Experiment
from response.metrics import ArmKey
from response.parts import As, Chart, Column, Items, Kind, Part, Say, Table, Word, say
from response.sources import Sources
from response.statistics.allocation import MISMATCH_BELOW
from response.statistics.balance import ALIKE_BELOW, chance_of_unlike, standardised_difference
from response.statistics.means import means_p_value
from response.statistics.several import holm
from response.statistics.sums import Effect, Sums
from store.clock import DAY_MICROS

Finding = Literal[
    "alike",  # below a tenth of a standard deviation
    "chance",  # above it, which groups of this size show by chance
    "odd",  # below it, and yet more than chance explains
    "unlike",  # above it, and more than chance explains
]
_NOBODY = Sums(0, 0, 0)
_KINDS: Mapping[str, Kind] = {"bought_before": "share", "spend": "money"}  # the others are numbers


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of one arm against the control's. `p_value` is corrected for all facts and arms of the experiment (Holm)."""

    arm: str
    known: str
    mean: float
    control_mean: float
    difference: Effect  # in standard deviations
    p_value: float | None
    by_chance: float  # how often groups of this size differ by a tenth or more

    @property
    def finding(self) -> Finding:
        """What the difference means, the number of facts looked at in mind."""
        far = abs(self.difference.estimate or 0.0) >= ALIKE_BELOW
        if self.p_value is not None and self.p_value < MISMATCH_BELOW:
            return "unlike" if far else "odd"
        return "chance" if far else "alike"


@dataclass(frozen=True, slots=True)
class Balance:
    """All facts of one experiment on which anybody differs from anybody."""

    experiment: Experiment
    rows: tuple[Row, ...]

    @property
    def far(self) -> int:
        """How many differ by a tenth of a standard deviation or more."""
        return sum(row.finding in ("chance", "unlike") for row in self.rows)

    @property
    def unlike(self) -> tuple[Row, ...]:
        """Those that differ more than chance explains."""
        return tuple(row for row in self.rows if row.finding in ("odd", "unlike"))


def compared(sources: Sources) -> Mapping[int, Balance]:
    """The balance of each experiment, by its place in the report."""
    known = known_before(sources.session, sources.population, sources.report.currency)
    return {place: Balance(each, _rows(each, known)) for place, each in enumerate(sources.report.experiments)}


def parts(sources: Sources, compared: Mapping[int, Balance]) -> Iterator[Part]:
    """What is said and shown of the primary experiment, and the figures of all others."""
    primary, *others = compared.values()
    days = As("number", look_back(sources.population) // DAY_MICROS)
    if not primary.rows:
        yield say("balance.nothing", "soft")
        return
    yield _said(primary)
    if primary.unlike:
        yield Items(say("balance.list"), tuple(_unlike(row) for row in primary.unlike))
    table = _table("balance", [primary], days)
    title = say("balance.chart", control=Word("arm", primary.experiment.control))
    yield Chart("balance-chart", "intervals", title, table, "known", "smd", "group", minimum=ALIKE_BELOW)
    yield table
    if any(each.rows for each in others):
        yield from (_said_elsewhere(each) for each in others if each.unlike)
        yield _table("balance-others", others, days, folded=True)


def _rows(experiment: Experiment, known: Mapping[str, Mapping[ArmKey, Sums]]) -> tuple[Row, ...]:
    arms = [arm.arm for arm in experiment.arms if arm.arm != experiment.control]
    pairs = [(arm, name, *_pair(known[name], experiment, arm)) for arm in arms for name in KNOWN]
    told = [each for each in pairs if min(each[2].n, each[3].n) > 1 and standardised_difference(each[2], each[3]).estimate is not None]
    corrected = holm([means_p_value(test, control) for _, _, test, control in told])
    return tuple(
        Row(arm, name, test.mean, control.mean, standardised_difference(test, control), p, chance_of_unlike(test.n, control.n))
        for (arm, name, test, control), p in zip(told, corrected, strict=True)
    )


def _pair(sums: Mapping[ArmKey, Sums], experiment: Experiment, arm: str) -> tuple[Sums, Sums]:
    return sums.get((experiment.node, arm), _NOBODY), sums.get((experiment.node, experiment.control), _NOBODY)


def _said(found: Balance) -> Say:
    none = prod(1 - row.by_chance for row in found.rows)
    counts = {"facts": As("count", len(found.rows)), "far": As("count", found.far), "chance": As("share", 1 - none)}
    key = "unlike" if found.unlike else "chance" if found.far else "alike"
    key += ".one" if len(found.rows) == 1 and key != "unlike" else ""
    return say(f"balance.{key}", "alarm" if found.unlike else "", **counts).behind("balance", "balance")


def _said_elsewhere(found: Balance) -> Say:
    key, facts = "balance.elsewhere.one" if len(found.unlike) == 1 else "balance.elsewhere", As("count", len(found.unlike))
    return say(key, "alarm", node=found.experiment.node, facts=facts).behind("balance-others", "balance")


def _unlike(row: Row) -> Say:
    kind = _KINDS.get(row.known, "number")
    means = {"mean": As(kind, row.mean), "control_mean": As(kind, row.control_mean)}
    return say("balance.fact", "", known=Word("known", row.known), arm=Word("arm", row.arm), **means)


def _table(name: str, found: Sequence[Balance], days: As, *, folded: bool = False) -> Table:
    columns = (
        Column("assigned_at", "text"),
        Column("group", "text", words="arm"),
        Column("known", "text", words="known", define="known"),
        Column("mean", "number"),
        Column("control_mean", "number"),
        Column("smd", "change", define="balance"),
        Column("corrected_p", "p", define="balance"),
        Column("finding", "text", words="balance_finding", define="balance"),
    )
    rows = tuple((each.experiment.node, *_cells(row)) for each in found for row in each.rows)
    return Table(name, columns, rows, title=say(f"balance.table.{'others' if folded else 'primary'}", days=days), folded=folded)


def _cells(row: Row) -> tuple[str | As | Effect | float | None, ...]:
    kind = _KINDS.get(row.known, "number")
    means = (As(kind, row.mean), As(kind, row.control_mean))
    return (row.arm, row.known, *means, row.difference, row.p_value, row.finding)
