"""What a flow's own rule decides at the closing date of its learning goal: the winner becomes the routine, or nothing does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from contactflow.promoting import EditedSinceError, Wish, carry_out, evidence_of, prepare, report_of
from customers.tables import table_of
from engine.promote import Decided, decisions, write_down
from engine.running import Running
from engine.tables import FlowVersion, RegisteredGoal
from response.facts import Report
from store.errors import InputError
from store.session import reading, writing

PAUSE = timedelta(days=1)  # between two looks at a campaign of which nobody knows when it has its answer
NEVER = timedelta(days=36_500)


@dataclass(frozen=True)
class Ruling:
    """What was decided (None: nothing yet), and when to look again."""

    decided: Decided | None
    look_again_at: datetime


def decide(root: Path, running: Running, now: datetime, told: Callable[[str], object]) -> Ruling:
    """Promote the winner as soon as the rules of the learning goal call it better; without one, the closing date decides.

    `told` hears why nothing is promoted. Whatever was decided on this goal before, by a person or a rule, stands; and a routine that
    a decision made is not decided on again: its shares are another goal, but nobody asked that question.
    """
    decided, own = _settled(running)
    if own in decided:
        return Ruling(None, now + NEVER)
    report = report_of(root, running.workspace, running.names[0], now)
    # Decided on: then nobody has come in under the goal that runs, and the one before it is answered.
    if report.headline is None or (report.goal and report.goal.digest in decided):
        return Ruling(None, now + PAUSE)
    try:
        prepared = prepare(root, running.workspace, Wish(report.campaign), now)
        return Ruling(carry_out(running.workspace, prepared, now, by_rule=True), now + NEVER)
    except EditedSinceError as error:
        told(f"{report.campaign}: the rule of the learning goal waits. {error}")
        return Ruling(None, now + PAUSE)
    except InputError as error:
        if not _is_finished(report):
            return Ruling(None, _next_look(report, now))
        told(f"{report.campaign}: nothing is promoted. {error}")
        return Ruling(_keep(running, report, str(error), now), now + NEVER)


def _keep(running: Running, report: Report, reason: str, now: datetime) -> Decided:
    assert report.headline
    node = report.headline.node
    about = [each for each in report.comparisons if each.node == node and each.metric == report.headline.metric]
    evidence = {**evidence_of(report, about), "because": reason}
    decided = Decided(now, "kept", node, None, "rule", running.graph.version, None, evidence)
    with writing(running.workspace.database) as session:
        write_down(session, report.campaign, decided)
    return decided


def _settled(running: Running) -> tuple[set[str], str | None]:
    """The goals (digests) that were decided on, or that a decision made; and the goal of the version that runs."""
    campaign, version = running.names
    stored, goals = table_of(FlowVersion), table_of(RegisteredGoal)
    asked = select(stored.c.version, goals.c.digest).join(goals, goals.c.id == stored.c.goal_id).where(stored.c.campaign == campaign)
    with reading(running.workspace.database) as session:
        taken, digests = decisions(session, campaign), dict(session.execute(asked).tuples().all())
    made = {digests[each.version_to] for each in taken if each.version_to in digests}
    return made | {each.evidence["goal"] for each in taken if each.evidence.get("goal")}, digests.get(version)


def _is_finished(report: Report) -> bool:
    """Whether the registered window has closed: everybody planned for has come in, and has had their time."""
    window, headline = report.window, report.headline
    if headline is None or window.open_customers or headline.open_customers or headline.why in ("window_open", "planned_open"):
        return False
    return not window.goes_on or (report.goal is not None and report.goal.planned is not None)


def _next_look(report: Report, now: datetime) -> datetime:
    closes = report.window.closes_at
    return min(closes, now + PAUSE) if closes and closes > now else now + PAUSE
