"""From message to reaction: distinct customers by node, channel and arm."""

from collections.abc import Callable

from response.facts import FunnelRow
from response.parts import Column, Section, Table, Word, say
from response.sources import Sources

# Columns that stand there even when they are empty; the others only when something happened.
_ALWAYS = ("queued", "sent", "suppressed", "clicked", "visited", "answered", "opted_out")
_COUNTS: tuple[tuple[str, Callable[[FunnelRow], int]], ...] = (
    ("queued", lambda row: row.messages.queued),
    ("sent", lambda row: row.messages.sent),
    ("suppressed", lambda row: row.messages.suppressed),
    ("failed", lambda row: row.messages.failed),
    ("unknown", lambda row: row.messages.unknown),
    ("open", lambda row: row.messages.open),
    ("delivered", lambda row: row.reactions.delivered),
    ("bounced", lambda row: row.reactions.bounced),
    ("complained", lambda row: row.reactions.complained),
    ("opened", lambda row: row.reactions.opened),
    ("machine", lambda row: row.reactions.opened_by_machine),
    ("clicked", lambda row: row.reactions.clicked),
    ("visited", lambda row: row.reactions.visited),
    ("answered", lambda row: row.reactions.answered),
    ("opted_out", lambda row: row.reactions.opted_out),
)


def section(sources: Sources) -> Section:
    """Every node's messages and what came back."""
    rows = sources.report.funnel
    if not rows:
        return Section("funnel", (say("funnel.nothing"),))
    shown = [(name, of) for name, of in _COUNTS if name in _ALWAYS or any(of(row) for row in rows)]
    columns = (
        Column("node", "text"),
        Column("channel", "text", words="channel"),
        Column("group", "text", words="arm"),
        *(Column(name) for name, _ in shown),
    )
    cells = tuple((row.node or Word("funnel", "loose"), row.channel, row.arm, *(of(row) for _, of in shown)) for row in rows)
    return Section("funnel", (say("funnel.caption", "soft"), Table("funnel", columns, cells)))
