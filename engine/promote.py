"""A winner becomes the routine: its shares are changed in the text of the flow, and the decision is written down for good.

The manager's file is edited where it has to change and nowhere else: comments, quotes and layout stay.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any, Literal

import yaml
from sqlalchemy import select
from sqlmodel import Session

from engine.graph import FlowGraph
from engine.language.read import read_campaign
from engine.language.source import read_text
from engine.nodes.node import CONTROL_TAIL, ContrastKind, Edit, percent
from engine.tables import Decision
from store.errors import InputError

DecisionKind = Literal["promoted", "kept"]
DecidedBy = Literal["person", "rule"]


@dataclass(frozen=True, slots=True)
class Winner:
    """An arm that is to become the routine, and the percentage that it is still compared with."""

    node: str
    kind: ContrastKind
    arm: str
    tail: Decimal = CONTROL_TAIL


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it stands in the log. `evidence` is the comparison that it stands on, and why when a person said so."""

    at: datetime
    kind: DecisionKind
    node: str
    arm: str | None
    decided_by: DecidedBy
    version_from: str
    version_to: str | None
    evidence: Mapping[str, Any]


def promoted_text(text: str, graph: FlowGraph, winner: Winner) -> str:
    """The text of a checked flow in which the winner is the routine; nodes that only the losing arms led to are taken out.

    Raises InputError for an arm that cannot become the routine, or that is it already.
    """
    edits = graph.nodes[winner.node].promoted(winner.kind, winner.arm, winner.tail)
    edited = _edited(text, [Edit(("flow", winner.node, *edit.path), edit.value) for edit in edits])
    lost = _unreached(edited)
    edited = _edited(edited, [Edit(("flow", node), None) for node in lost])
    if edited == text:
        tail = percent(winner.tail)
        raise InputError(f"'{winner.arm}' of node '{winner.node}' is the routine already, with {tail} to compare it with.")
    return edited


def write_down(session: Session, campaign: str, decided: Decided) -> None:
    """Store a decision. It is never changed."""
    values = {name: getattr(decided, name) for name in Decided.__slots__}
    session.add(Decision(campaign=campaign, **{**values, "evidence": dict(decided.evidence)}))


def decisions(session: Session, campaign: str) -> tuple[Decided, ...]:
    """What was decided on a campaign, the oldest first."""
    rows = session.execute(select(Decision).where(Decision.campaign == campaign).order_by(Decision.id)).scalars()  # type: ignore[arg-type]  # a column
    return tuple(Decided(**{name: getattr(row, name) for name in Decided.__slots__}) for row in rows)


def _unreached(text: str) -> list[str]:
    """Nodes to which no way leads from where customers come in."""
    tree = read_text(text, "flow").tree
    assert tree is not None
    draft = read_campaign(tree, "flow")
    reached = {node_id for node_id, node in draft.nodes.items() if node.is_entry}
    open_ = list(reached)
    while open_:
        new = {way.target for way in draft.ways.get(open_.pop(), ())} - reached
        reached |= new
        open_.extend(new)
    return [node_id for node_id in draft.ids if node_id not in reached and node_id != "end"]


def _edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with values replaced and entries taken out, from the end to the beginning so that places stay right."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None
    cuts = [cut for edit in edits if (cut := _cut(text, root, edit))]
    for begin, end, new in sorted(cuts, reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def _cut(text: str, root: yaml.Node, edit: Edit) -> tuple[int, int, str] | None:
    """The range of characters that an edit replaces, and by what; None when there is nothing to do."""
    mapping, place = root, -1
    for depth, name in enumerate(edit.path):
        assert isinstance(mapping, yaml.MappingNode)
        place = next(number for number, (key, _) in enumerate(mapping.value) if key.value == name)
        if depth < len(edit.path) - 1:
            mapping = mapping.value[place][1]
    assert isinstance(mapping, yaml.MappingNode)
    value = mapping.value[place][1]
    if edit.value is None:
        return (*_entry(text, mapping, place), "")
    same = Decimal(value.value.rstrip("% ").replace(",", ".")) if re.fullmatch(r"[\d.,]+ ?%", value.value) else None
    return None if same == Decimal(edit.value.rstrip("%")) else (value.start_mark.index, value.end_mark.index, edit.value)


def _entry(text: str, mapping: yaml.MappingNode, place: int) -> tuple[int, int]:
    """Where an entry of a mapping stands, with its commas or its lines."""
    entries = mapping.value
    if mapping.flow_style:
        if place + 1 < len(entries):
            return entries[place][0].start_mark.index, entries[place + 1][0].start_mark.index
        begin = entries[place - 1][1].end_mark.index if place else entries[place][0].start_mark.index
        return begin, entries[place][1].end_mark.index
    lines = text.splitlines(keepends=True)
    first = entries[place][0].start_mark.line
    last = entries[place + 1][0].start_mark.line if place + 1 < len(entries) else _end_line(mapping, lines)
    column = entries[place][0].start_mark.column
    while last > first + 1 and _is_aside(lines[last - 1], column):
        last -= 1
    while place and first and lines[first - 1].lstrip().startswith("#"):
        first -= 1  # remarks on the entry, right above it
    return _offset(lines, first), _offset(lines, last)


def _end_line(mapping: yaml.MappingNode, lines: Sequence[str]) -> int:
    """The line behind a mapping: where the next thing in the file begins, or the end of the file."""
    mark = mapping.end_mark
    return len(lines) if mark.line >= len(lines) or (mark.column and not lines[mark.line].strip()) else mark.line


def _is_aside(line: str, column: int) -> bool:
    """Whether a line is empty, or a remark on what follows: one that is not indented further than the entry itself."""
    words = line.lstrip()
    return not words or (words.startswith("#") and len(line) - len(words) <= column)


def _offset(lines: Sequence[str], line: int) -> int:
    return sum(map(len, lines[:line]))


def changed_lines(before: str, after: str) -> Iterator[str]:
    """What changes, line by line: `-` for what goes and `+` for what comes, with the number of the line."""
    old, new = before.splitlines(), after.splitlines()
    for tag, begin, end, other_begin, other_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from (f"{number:5} - {line}" for number, line in enumerate(old[begin:end], begin + 1))
            yield from (f"{number:5} + {line}" for number, line in enumerate(new[other_begin:other_end], other_begin + 1))
