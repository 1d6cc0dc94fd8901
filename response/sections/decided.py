"""What was decided on the campaign: when, by whom, and on which figures. Part of the chapter on the learning goal."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.metrics import BUILT_IN
from engine.promote import Decided, decisions
from response.parts import As, Cell, Column, Items, Part, Say, Table, Word, say
from response.sayings import DIFFERENCES
from response.sources import Sources
from response.statistics.sums import Effect
from store.clock import to_micros


def parts(sources: Sources) -> Iterator[Part]:
    """A sentence for each decision, and the comparisons that it stood on; nothing where nothing was decided by the report's moment."""
    by_then = sources.population.as_of
    taken = [each for each in decisions(sources.session, sources.report.campaign) if to_micros(each.at) <= by_then]
    if taken:
        yield Items(say("decided.title"), tuple(_said(each, sources) for each in taken))
        yield _table(taken, sources)


def _said(decided: Decided, sources: Sources) -> Say:
    told = say(
        f"decided.{decided.kind}.{decided.decided_by}",
        at=As("moment", decided.at),
        node=decided.node,
        arm=Word("arm", decided.arm or ""),
        why=_because(decided.evidence.get("because")),
        evidence=_evidence(decided, sources),
    )
    return told.behind("decisions", "verdict")


def _because(because: str | None) -> Say:
    return say("decided.because", because=because) if because else say("nothing")


def _evidence(decided: Decided, sources: Sources) -> Say:
    """The comparison of the arm that it is about, or the first."""
    stood_on: list[Mapping[str, Any]] = decided.evidence.get("comparisons") or []
    about = next((each for each in stood_on if each["arm"] == decided.arm), stood_on[0] if stood_on else None)
    if about is None:
        return say("nothing")
    effect, verdict = _effect(about, sources), Word("verdict", about["verdict"])
    arm, control, metric = Word("arm", about["arm"]), Word("arm", about["control"]), Word("metric", about["metric"])
    return say("decided.evidence", metric=metric, arm=arm, control=control, effect=effect, verdict=verdict)


def _effect(about: Mapping[str, Any], sources: Sources) -> As:
    spec = sources.metrics.get(about["metric"], BUILT_IN.get(about["metric"]))
    return As(DIFFERENCES[spec.unit if spec else "number"], Effect(**about["absolute"]))


def _table(taken: list[Decided], sources: Sources) -> Table:
    columns = (
        Column("decided_on", "moment"),
        Column("decision", "text", words="decision"),
        Column("decided_by", "text", words="decided_by"),
        Column("assigned_at", "text"),
        Column("group", "text", words="arm"),
        Column("control", "text", words="arm"),
        Column("metric", "text", words="metric"),
        Column("absolute", "points", define="absolute"),
        Column("p", "p"),
        Column("verdict", "text", words="verdict", define="verdict"),
        Column("version", "text"),
    )
    rows = [
        (
            *(each.at, each.kind, each.decided_by, each.node, about["arm"], about["control"], about["metric"]),
            *(_effect(about, sources), about["p_value"], about["verdict"], each.version_to or each.version_from),
        )
        for each in taken
        for about in each.evidence.get("comparisons") or []
    ]
    return Table("decisions", columns, tuple[tuple[Cell, ...], ...](rows), folded=True, title=say("decided.table"))
