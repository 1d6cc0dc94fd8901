"""The primary experiment as two sides, for sections that look at kinds of customers: all who got something else, and the control."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Subquery, case, literal_column, select

from engine.metrics import MetricSpec
from response.happenings import outcome
from response.population import assigned, micros, of_campaign
from response.sources import Sources


@dataclass(frozen=True, slots=True)
class Sides:
    """`arms` together against `control`; without an experiment there is no control, and everybody is on one side."""

    metric: MetricSpec
    node: str | None = None
    arms: tuple[str, ...] = ()
    control: str | None = None

    @property
    def together(self) -> str:
        """The names of the arms that stand against the control, as they were written."""
        return " + ".join(self.arms)


def sides_of(sources: Sources) -> Sides:
    """The sides of the primary experiment on the primary metric. A broken split has no sides: a comparison would mislead."""
    metric = sources.metrics[sources.report.metrics[0]]
    experiment = next((each for each in sources.report.experiments if each.primary), None)
    if experiment is None or experiment.broken:
        return Sides(metric)
    assigned_to = {arm.arm: arm.assigned for arm in experiment.arms}
    arms = tuple(arm for arm, customers in assigned_to.items() if customers and arm != experiment.control)
    if not (arms and assigned_to.get(experiment.control)):
        return Sides(metric)
    return Sides(metric, experiment.node, arms, experiment.control)


def people(sources: Sources, sides: Sides) -> Subquery:
    """A row for each customer assigned, or who came in where there is no experiment.

    Columns: member_id, customer_id, entered_at (micros), control (0, 1).
    """
    if sides.node is None:
        nobody = literal_column("0", BigInteger).label("control")
        member = sources.population.members
        columns = (member.c.id.label("member_id"), member.c.customer_id, micros(member.c.entered_at).label("entered_at"), nobody)
        return of_campaign(sources.population, select(*columns)).where(member.c.entry == 1).subquery("people")
    arms = assigned(sources.population)
    control = case((arms.c.arm == sides.control, 1), else_=0).label("control")
    return select(arms.c.member_id, arms.c.customer_id, arms.c.entered_at, control).where(arms.c.node == sides.node).subquery("people")


def outcome_of(sources: Sources, metric: MetricSpec, name: str = "y") -> Subquery:
    """(member_id, y under this name) for each member whose y is not 0, in the metric's own window."""
    found = outcome(sources.population, metric, sources.report.currency).subquery(f"outcome_{metric.of}")
    return select(found.c.member_id, found.c.y.label(name)).subquery(f"{name}_of_{metric.of}")


def people_of(sources: Sources, sides: Sides) -> tuple[int, int]:
    """Customers assigned to the arms together, and to the control, as the report's own table has them."""
    assigned_to = {arm.arm: arm.assigned for each in sources.report.experiments if each.node == sides.node for arm in each.arms}
    return sum(assigned_to.get(arm, 0) for arm in sides.arms), assigned_to.get(sides.control or "", 0)


def money_of(sources: Sources) -> MetricSpec:
    """The workspace's margin where it declares one, else turnover."""
    margins = (each for each in sources.metrics.values() if each.of == "margin" and each.per is None)
    return next(margins, sources.metrics["spend"])
