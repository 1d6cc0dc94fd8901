"""`contactflow check`: every fault of a flow at once, and the flow itself when there is none."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.campaign import CampaignSpec
from engine.graph import FlowGraph, build_graph
from engine.language.checks.attributes import check_attributes
from engine.language.checks.conditions import check_conditions
from engine.language.checks.graph import check_graph
from engine.language.checks.header import check_header
from engine.language.checks.moments import check_moments
from engine.language.checks.requests import check_requests
from engine.language.checks.wording import check_wording
from engine.language.context import CheckContext
from engine.language.draft import Draft
from engine.language.faults import Fault, render_faults
from engine.language.read import read_campaign
from engine.language.source import Source, read_source, read_text
from store.errors import FlowError

CHECKS: tuple[Callable[[Draft, CheckContext], None], ...] = (
    check_header,
    check_graph,
    check_conditions,
    check_attributes,
    check_moments,
    check_requests,
    check_wording,
)


@dataclass(frozen=True)
class Checked:
    """The outcome of a check: `graph` and `spec` exactly when there are no faults."""

    file: str
    faults: tuple[Fault, ...]
    spec: CampaignSpec | None = None
    graph: FlowGraph | None = None

    def require(self) -> FlowGraph:
        """The graph. Raises FlowError, whose text lists every fault."""
        if self.graph is None:
            raise FlowError(render_faults(self.faults))
        return self.graph


def check_flow(path: Path, context: CheckContext) -> Checked:
    """Check a file. Never raises for what is in it."""
    return _check(read_source(path, context.shown(path)), path, context)


def check_text(text: str, path: Path, context: CheckContext) -> Checked:
    """Check a text as if it stood in `path`."""
    return _check(read_text(text, context.shown(path)), path, context)


def read_flow(text: str, file: str) -> CampaignSpec:
    """The campaign of a text that has passed its check before, such as a stored version. Raises FlowError."""
    source = read_text(text, file)
    draft = read_campaign(source.tree, file) if source.tree else None
    faults = (*source.faults, *(draft.faults if draft else ()))
    if faults or draft is None or draft.campaign is None:
        raise FlowError(render_faults(faults))
    return draft.campaign


def _check(source: Source, path: Path, context: CheckContext) -> Checked:
    if source.tree is None:
        return Checked(source.file, _in_order(source.faults))
    draft = read_campaign(source.tree, source.file)
    draft.stem = path.stem
    for check in CHECKS:
        check(draft, context)
    faults = _in_order((*source.faults, *draft.faults))
    if faults or draft.campaign is None:
        return Checked(source.file, faults)
    return Checked(source.file, (), draft.campaign, build_graph(draft.campaign))


def _in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Each fault once, as they stand in the file; those of other files come last."""
    found = sorted(set(faults))
    return tuple(found)
