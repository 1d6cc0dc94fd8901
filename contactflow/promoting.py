"""A pilot's winner becomes the routine: what the report says decides, and the flow, its version and the log change together."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from contactflow.checking import check_context, check_one, flow_file
from contactflow.page_contrasts import graphs_with_pages
from contactflow.settings import read_settings
from customers.tables import table_of
from engine.campaigns import open_versions, start_in
from engine.graph import FlowGraph
from engine.language.check import check_text
from engine.nodes.node import CONTROL_TAIL, ContrastKind
from engine.nodes.send import PERSONALISED, UNPERSONALISED, Send
from engine.plan import Plan, plan
from engine.promote import Decided, Winner, changed_lines, promoted_text, write_down
from engine.running import Running
from engine.tables import Campaign, FlowVersion
from engine.workspace import Workspace
from response.building import build_report
from response.facts import Comparison, Report
from response.statistics.verdicts import Verdict
from store.errors import InputError
from store.session import reading, writing


class EditedSinceError(InputError):
    """The file is not what runs, so that what was learned is not about it."""


@dataclass(frozen=True)
class Wish:
    """What is to become the routine. Without `node` where the learning goal is answered; without `arm` the one that is better."""

    campaign: str
    node: str | None = None
    arm: str | None = None
    tail: Decimal = CONTROL_TAIL
    because: str | None = None


@dataclass(frozen=True)
class Promotion:
    """What would change, and on which comparisons that stands."""

    file: Path
    text: str
    graph: FlowGraph
    winner: Winner
    comparisons: tuple[Comparison, ...]
    plan: Plan
    lines: tuple[str, ...]
    evidence: dict[str, Any]


def prepare(root: Path, workspace: Workspace, wish: Wish, now: datetime) -> Promotion:
    """Look whether the wish may be carried out.

    Raises InputError with the reason when not, NotFoundError for a campaign that has not run.
    """
    running = open_versions(workspace, wish.campaign)[0]
    report = report_of(root, workspace, wish.campaign, now)
    winner, comparisons = _winner(running.graph, report, wish)
    objection = None if wish.because else _objection(report, winner, comparisons)
    if objection:
        raise InputError(f'{objection} Nothing was changed. If you know better, say why: --because "..."')
    evidence = {**evidence_of(report, comparisons), "control_tail": float(winner.tail) / 100, "because": wish.because}
    return _Writing(root, running).promotion(winner, comparisons, evidence)


def carry_out(workspace: Workspace, promotion: Promotion, now: datetime, *, by_rule: bool = False) -> Decided:
    """Store the new version and the decision, and write the flow; all of it or nothing. People in flight stay on their version.

    Raises EditedSinceError when another version has come to run since it was prepared: of two that promote at once, one does.
    """
    decided = Decided(
        now,
        "promoted",
        promotion.winner.node,
        promotion.winner.arm,
        "rule" if by_rule else "person",
        str(promotion.plan.running_version),
        promotion.graph.version,
        promotion.evidence,
    )
    with writing(workspace.database) as session:
        _still_runs(session, promotion)
        start_in(session, workspace, promotion.graph, promotion.text, now)
        write_down(session, promotion.plan.campaign, decided)
        session.flush()
        _replace(promotion.file, promotion.text)  # the last thing that may fail
    return decided


def _still_runs(session: Session, promotion: Promotion) -> None:
    campaigns, versions = table_of(Campaign), table_of(FlowVersion)
    mine = select(campaigns.c.version_id).where(campaigns.c.name == promotion.plan.campaign).with_for_update()
    runs = session.execute(select(versions.c.version).where(versions.c.id == session.execute(mine).scalar_one())).scalar_one()
    if runs != promotion.plan.running_version:
        raise EditedSinceError(f"Version {runs} has come to run in the meantime. See what was decided: contactflow status")


def report_of(root: Path, workspace: Workspace, campaign: str, now: datetime) -> Report:
    """What the report knows at `now`."""
    currency = read_settings(root).workspace.currency
    with reading(workspace.database) as session:
        return build_report(session, campaign, now, workspace.zone, currency, graphs_with_pages(workspace.templates), workspace.metrics)


def _winner(graph: FlowGraph, report: Report, wish: Wish) -> tuple[Winner, tuple[Comparison, ...]]:
    """Who is to win, and the comparisons on the primary metric that speak about it."""
    node = wish.node or (report.headline.node if report.headline else None)
    if node is None:
        raise InputError(f"Nothing is compared in '{report.campaign}', so nobody has won. Add `holdout: 10%` or `variants:` to the flow.")
    there = tuple(each for each in report.comparisons if each.node == node and each.metric == report.metrics[0])
    if there and there[0].kind == "page":
        raise InputError(f"'{node}' is a page. Its winner becomes the routine in that file: give it nearly all, `share: 95%`.")
    if node not in graph.nodes or not there:
        known = dict.fromkeys(each.node for each in report.comparisons)
        raise InputError(f"Nothing is compared at '{node}'. Compared is at: {', '.join(known)}.")
    arm, kind = _arm(graph, node, there, wish.arm)
    about = tuple(each for each in there if each.kind == kind and arm in {each.arm, each.control})
    if not about:
        arms = dict.fromkeys(name for each in there for name in (each.arm, each.control))
        raise InputError(f"'{node}' has no arm '{arm}'. Its arms: {', '.join(arms)}.")
    return Winner(node, kind, arm, wish.tail), about


def _arm(graph: FlowGraph, node: str, there: Sequence[Comparison], wished: str | None) -> tuple[str, ContrastKind]:
    """The arm that is meant, and among which arms: those that the node is for, unless it is about personalising."""
    at = graph.nodes[node]
    if wished in (PERSONALISED, UNPERSONALISED) and isinstance(at, Send) and at.unpersonalised:
        return at.counterpart if wished == PERSONALISED else UNPERSONALISED, "personalisation"
    if wished is not None:
        return wished, next((each.kind for each in there if wished in (each.arm, each.control)), there[0].kind)
    better = [each for each in there if each.kind == there[0].kind and each.verdict is Verdict.BETTER]
    if len(better) == 1:
        return better[0].arm, better[0].kind
    if better:
        names = " and ".join(f"'{each.arm}'" for each in better)
        raise InputError(f"{names} are better than '{better[0].control}'. Say which of them: --arm NAME")
    raise InputError(f"No arm of '{node}' is better. {_said(there)} To promote one nevertheless: --arm NAME --because \"...\"")


def _objection(report: Report, winner: Winner, comparisons: Sequence[Comparison]) -> str | None:
    """Why the evidence does not carry the promotion; None when it does."""
    wanted = {each.arm: Verdict.BETTER if each.arm == winner.arm else Verdict.WORSE for each in comparisons}
    if any(each.verdict is not wanted[each.arm] for each in comparisons):
        return f"The evidence is not enough for '{winner.arm}'. {_said(comparisons)}"
    broken = [each.metric for each in report.broken_guardrails if (each.node, each.arm) == (winner.node, winner.arm)]
    if broken:
        return f"'{winner.arm}' is better, but it makes {', '.join(broken)} worse than was declared acceptable."
    return None


def _said(comparisons: Sequence[Comparison]) -> str:
    return " ".join(f"{in_words(each)}." for each in comparisons)


def in_words(found: Comparison) -> str:
    """One comparison in a line: `'warm' against 'plain' on purchase: inconclusive, +1.2 points (-0.3 to +2.7), window_open`."""
    scale, unit = (100, " points") if found.unit == "share" else (1, "")
    effect = found.absolute
    size = "" if effect.estimate is None else f", {effect.estimate * scale:+.2f}{unit}"
    limits = "" if effect.low is None or effect.high is None else f" ({effect.low * scale:+.2f} to {effect.high * scale:+.2f})"
    why = "" if found.why == "interval" else f", {_WHY.get(found.why, found.why.replace('_', ' '))}"
    return f"'{found.arm}' against '{found.control}' on {found.metric}: {found.verdict.value}{size}{limits}{why}"


_WHY = {
    "within_minimum": "smaller than what was to matter",
    "several_arms": "not enough with several arms",
    "no_spread": "too little to judge by",
    "window_open": "customers still have time to respond",
    "planned_open": "fewer customers than planned have come in",
    "early": "found early, by the test that holds however often one looks",
    "early_spent": "not enough for what looking early has left to the closing date",
    "contradicted": "the fixed test finds the opposite of what was found early",
    "looked_at_any_time": "not enough for a look at any time",
}


@dataclass(frozen=True)
class _Writing:
    """A campaign's file, while it is being rewritten in thought."""

    root: Path
    running: Running

    def promotion(self, winner: Winner, comparisons: tuple[Comparison, ...], evidence: dict[str, Any]) -> Promotion:
        """The file as it would be. Raises EditedSinceError, and InputError when the winner is the routine already."""
        campaign, version = self.running.names
        file, context = flow_file(self.root, campaign), check_context(self.root)
        written = check_one(file, context).require()
        if written.version != version:
            raise EditedSinceError(
                f"{file} was edited since it ran (it is version {written.version}, and {version} runs), but the winner won in what ran. "
                f"Run it, or undo the edit; `contactflow plan {campaign}` shows it."
            )
        before = _text(file)
        after = promoted_text(before, written, winner)
        graph = check_text(after, file, context).require()
        lines = tuple(changed_lines(before, after))
        return Promotion(file, after, graph, winner, comparisons, plan(self.running.workspace, graph), lines, evidence)


def evidence_of(report: Report, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """What a decision stands on, as it is stored."""
    goal = report.goal.digest if report.goal else None
    return {"as_of": report.as_of.isoformat(), "goal": goal, "comparisons": [_as_json(each) for each in comparisons]}


def _as_json(found: Comparison) -> dict[str, Any]:
    names = ("metric", "kind", "arm", "control", "arm_assigned", "control_assigned", "arm_rate", "control_rate", "p_value", "why")
    return {
        **{name: getattr(found, name) for name in names},
        "adjusted_p_value": found.adjusted_p_value,
        "absolute": asdict(found.absolute),
        "relative": asdict(found.relative),
        "verdict": found.verdict.value,
    }


def _text(file: Path) -> str:
    """The file as it is, with its own ends of lines."""
    with file.open(encoding="utf-8", newline="") as stream:
        return stream.read()


def _replace(file: Path, text: str) -> None:
    """Write a file all at once, with the rights that it has."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=file.parent, prefix=f".{file.name}.", delete=False) as stream:
        stream.write(text)
    Path(stream.name).chmod(file.stat().st_mode)
    os.replace(stream.name, file.resolve())  # noqa: PTH105  # a link stays a link
