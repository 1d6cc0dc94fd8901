"""Looks at the primary experiment: what each arm and its control amounted to, day by day until the closing date."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from response.daily import daily_sums
from response.facts import Experiment, Report
from response.population import Population
from response.statistics.day_by_day import Look, Looks
from response.statistics.looks import HYBRID_EARLY, any_time_p
from response.statistics.sums import Sums


def looks_of(session: Session, report: Report, population: Population, experiment: Experiment, closes_at: datetime | None) -> Looks:
    """Arm to its looks until the day that `closes_at` lies in, in two statements.

    Of every day on which both groups have customers, and somebody of them has done something. Nothing of a ratio; amounts are not cut off.
    """
    spec, others = replace(report.specs[0], winsorise=None), [arm for arm in experiment.arms if arm.arm != experiment.control]
    if spec.per or report.window.first_entry_at is None:
        return {}
    daily = daily_sums(session, report, population, spec, experiment.node)
    last = closes_at.astimezone(ZoneInfo(report.zone)).date() if closes_at else date.max
    days = [day for day in daily.days if day <= last]
    alpha, control = HYBRID_EARLY / max(1, len(others)), daily.arms.get(experiment.control, ())
    known = {arm.arm: daily.arms.get(arm.arm, ()) for arm in others if arm.assigned}
    looks = {arm: _looks(days, sums, control, alpha, share=spec.unit == "share") for arm, sums in known.items()}
    return {arm: found for arm, found in looks.items() if found}


def _looks(days: Sequence[date], arm: Sequence[Sums], control: Sequence[Sums], alpha: float, *, share: bool) -> tuple[Look, ...]:
    found, smallest = [], 1.0 if share else None
    for day, one, other in zip(days, arm, control, strict=False):
        if one.n and other.n and (one.y or other.y):
            if smallest is not None:
                smallest = min(smallest, any_time_p((int(one.y), int(other.y)), (one.n, other.n)))
            found.append(Look(day, one, other, alpha, smallest))
    return tuple(found)
