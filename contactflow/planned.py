"""The last answer of `contactflow power`, kept in the workspace so that `check` can warn without a database."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from contactflow.adapters import STATE
from engine.graph import FlowGraph
from engine.language.faults import Fault
from engine.language.source import Entry, Mapping, Place, read_source
from engine.nodes.audience import Audience

FOLDER = "planned"
LONGEST_DAYS = 366  # an answer that takes longer is as good as none


@dataclass(frozen=True, slots=True)
class Kept:
    """What was answered when. `question` says about which goal, arms and audience; `needed` customers of `audience`.

    `days` is how long it takes until the last of them has come in and had their time; None when they never do.
    """

    question: str
    asked_at: str
    audience: int
    needed: int | None
    detectable: str | None
    days: float | None

    @property
    def within_reach(self) -> bool:
        """Whether the goal can be reached in a year, as things were counted."""
        return self.needed is None or (self.days is not None and self.days <= LONGEST_DAYS)


def question_of(graph: FlowGraph) -> str:
    """A digest over what the answer depends on: the goal, the arms, and who comes in how often."""
    learn = graph.campaign.learn
    audiences = [node.model_dump(mode="json", exclude_none=True) for node in graph.nodes.values() if isinstance(node, Audience)]
    contrasts = [(name, each.kind, dict(each.shares)) for name, node in graph.nodes.items() for each in node.contrasts()]
    asked = [learn.model_dump(mode="json", exclude_none=True) if learn else None, audiences, contrasts]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]


def keep(root: Path, campaign: str, kept: Kept) -> None:
    """Keep an answer in the workspace's state."""
    file = _file(root, campaign)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(kept)), encoding="utf-8")


def warnings(root: Path, path: Path, shown: str, graph: FlowGraph, now: datetime) -> Iterator[Fault]:
    """A warning when the last answer about this very goal was that it cannot be reached."""
    learn, kept = graph.campaign.learn, _read(root, graph.campaign.campaign)
    if learn is None or kept is None or kept.question != question_of(graph) or kept.within_reach:
        return
    place = _place_of(path, "learn", "minimum_lift")
    age = _age(now - datetime.fromisoformat(kept.asked_at))
    seen = f"; with those, {kept.detectable} would show" if kept.detectable else ""
    message = (
        f"the learning goal cannot be reached: a difference of {learn.minimum_lift} takes {kept.needed:,} customers, "
        f"and {kept.audience:,} come in{seen} (counted {age})."
    )
    remedy = f"Let a larger difference be the smallest that matters, change the shares, or count again: contactflow power {path.stem}"
    yield Fault(shown, place.line, place.column, "goal-out-of-reach", message, remedy, "warning")


def _read(root: Path, campaign: str) -> Kept | None:
    try:
        document: dict[str, Any] = json.loads(_file(root, campaign).read_text(encoding="utf-8"))
        return Kept(**document)
    except (OSError, ValueError, TypeError):
        return None


def _file(root: Path, campaign: str) -> Path:
    return root / STATE / FOLDER / f"{campaign}.json"


def _age(since: timedelta) -> str:
    days = since.days
    return "today" if days < 1 else "yesterday" if days == 1 else f"{days:,} days ago"


def _place_of(path: Path, *keys: str) -> Place:
    """Where a key stands in a flow's file."""
    tree, place = read_source(path).tree, Place(1, 1)
    for key in keys:
        found = next((entry for entry in _entries(tree) if entry.key.text == key), None)
        if found is None:
            break
        place, tree = found.key.place, found.value
    return place


def _entries(tree: object) -> tuple[Entry, ...]:
    return tree.entries if isinstance(tree, Mapping) else ()
