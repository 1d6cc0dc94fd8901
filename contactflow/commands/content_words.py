"""How what was found in messages is said on a terminal, and written as JSON."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the command line starts without the engine
    from contactflow.content import ContentCheck, NodeContent
    from engine.graph import FlowGraph


def contents_of(root: Path, graphs: "Iterable[FlowGraph]", sample: int, *, follow: bool) -> "list[ContentCheck]":
    """What the messages of these flows are like, one flow after the other; with `follow`, their links are asked for."""
    from contactflow.bootstrap import open_workspace
    from contactflow.content import check_content
    from contactflow.present import present_clock
    from engine.campaigns import not_started

    with open_workspace(root) as workspace:
        now = present_clock(workspace.zone).now()
        return [check_content(not_started(workspace, graph), now, sample, follow=follow) for graph in graphs]


def content_in_words(found: "ContentCheck") -> str:
    """The numbers, for a manager."""
    complete = found.sampled == found.audience
    looked = "all of them were composed" if complete else f"those of {found.sampled:,} were composed (more with --sample)"
    lines = [f"{found.campaign}: {found.audience:,} people would come in; of their messages {looked}; nothing was sent or stored."]
    for node in found.nodes:
        lines += _node(node)
    if found.followed is not None:
        lines.append(f"  {found.followed:,} links were followed.")
    if not any(node.spam for node in found.nodes):
        lines.append("  no spam score: SpamAssassin is not installed here.")
    return "\n".join(lines)


def content_as_json(found: "ContentCheck") -> dict[str, Any]:
    """The same for programs."""
    nodes = [node.as_json() for node in found.nodes]
    numbers = {"audience": found.audience, "sampled": found.sampled, "followed": found.followed}
    return {"campaign": found.campaign, **numbers, "nodes": nodes}


def _node(node: "NodeContent") -> Iterator[str]:
    refused = "".join(f", {count:,} not: {why}" for why, count in node.refused.most_common())
    size = f"; the largest has {node.largest_bytes / 1_000:.0f} kB of HTML" if node.largest_bytes else ""
    yield f"  {node.node} ({node.channel}): {node.reachable:,} can be written to{refused}; {node.composed:,} composed{size}"
    for reason, count in node.not_composed.most_common():
        yield f"    {count:,} would get nothing: {reason}"
    if node.spare:
        yield f"    {node.spare:,} get the spare template"
    for variable, count in node.lacking.most_common():
        if variable not in node.left_out:
            yield f"    {count:,} have no {variable}, and get the words that stand in for it"
    if node.spam:
        yield f"    SpamAssassin: {node.spam.points} of {node.spam.limit} points ({', '.join(node.spam.rules[:8])})"
