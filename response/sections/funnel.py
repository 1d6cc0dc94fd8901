"""From message to reaction: the flow with figures on it, and distinct customers by node, channel and arm."""

from collections.abc import Callable, Iterator

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, select

from customers.contact_log import Kind
from customers.tables import Contact, table_of
from response.facts import FunnelRow
from response.flow_counts import MOST_SIDES, FlowCounts, flow_counts
from response.flow_picture import flow_svg
from response.funnel import costs
from response.happenings import REACTIONS
from response.parts import As, Column, Part, Picture, Say, Section, Table, Word, say
from response.population import Population, micros, of_campaign
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
    ("machine_clicks", lambda row: row.reactions.clicked_by_machine),
    ("visited", lambda row: row.reactions.visited),
    ("form_started", lambda row: row.reactions.form_started),
    ("form_abandoned", lambda row: row.reactions.form_abandoned),
    ("answered", lambda row: row.reactions.answered),
    ("opted_out", lambda row: row.reactions.opted_out),
    ("redeemed", lambda row: row.reactions.redeemed),
)

contact = table_of(Contact)


def section(sources: Sources) -> Section:
    """Who went which way, every node's messages, and what came back."""
    return Section("funnel", tuple(_parts(sources)))


def _parts(sources: Sources) -> Iterator[Part]:
    if not sources.report.window.customers:
        yield say("funnel.nothing")
        return
    yield _opening(sources)
    yield from _lost(sources)
    yield from _picture(sources)
    if sources.report.funnel:
        yield say("funnel.caption", "soft")
        yield _table(sources)
    else:
        yield say("funnel.nothing", "soft")


def _opening(sources: Sources) -> Say:
    """How many got something, and what came of it: distinct customers over all messages."""
    customers = sources.report.window.customers
    sent, responded, opted_out = _people(sources)
    if not sent:
        return say("funnel.open.none", customers=As("count", customers)).behind("funnel")
    counts = (("sent", sent), ("responded", responded), ("opted_out", opted_out))
    said = [(name, As("count", count)) for name, count in counts]
    shares = [(f"{name}_share", As("share", count / customers)) for name, count in counts]
    return Say("funnel.open.all", (("customers", As("count", customers)), *said, *shares)).behind("funnel", "response")


def _people(sources: Sources) -> tuple[int, int, int]:
    """Customers to whom something was sent, who reacted, and who opted out, each once."""
    responded = and_(contact.c.kind.in_([kind.value for kind in REACTIONS["response"]]), contact.c.human.is_(True))
    which = (contact.c.kind == Kind.SENT.value, responded, contact.c.kind == Kind.OPTED_OUT.value)
    counted = select(*(_who(sources.everyone, each) for each in which))
    sent, reacted, opted_out = sources.session.connection().execute(counted).one()
    return int(sent), int(reacted), int(opted_out)


def _who(everyone: Population, which: ColumnElement[bool]) -> ScalarSelect[int]:
    """Each customer once in the order of the log's index, and only then whether it is one of ours."""
    ours = and_(contact.c.campaign == everyone.campaign, micros(contact.c.at) <= everyone.as_of, which)
    each = select(contact.c.customer_id).where(ours).group_by(contact.c.customer_id).subquery("each")
    mine = of_campaign(everyone, select(everyone.members.c.customer_id))
    return select(func.count()).select_from(each).where(each.c.customer_id.in_(mine)).scalar_subquery()


def _lost(sources: Sources) -> Iterator[Say]:
    """The main reason why messages were not sent."""
    reasons = [each for each in sources.report.exclusions if each.stage == "message"]
    if reasons:
        most = max(reasons, key=lambda each: each.customers)
        yield say("funnel.lost", reason=Word("reason", most.reason), customers=As("count", most.customers)).behind("exclusions")


def _picture(sources: Sources) -> Iterator[Part]:
    graph = next(iter(sources.flows.values()))
    counts = flow_counts(sources, graph)
    english, dutch = (flow_svg(graph, counts, sources.report, language) for language in ("en", "nl"))
    yield Picture("flow", say("funnel.picture"), english, (("nl", dutch),))
    if counts.side:
        yield say("funnel.sides", "soft", node=counts.side)
    elif any(each.kind != "holdout" and len(each.arms) > MOST_SIDES for each in sources.report.experiments):
        yield say("funnel.many_sides", "soft")
    if graph.has_cycle:
        yield say("funnel.cycle", "soft")
    if _elsewhere(counts, set(graph.nodes)):
        yield say("funnel.versions", "soft")


def _elsewhere(counts: FlowCounts, nodes: set[str]) -> bool:
    """Whether somebody went over nodes that the picture does not have."""
    return any(node not in nodes for node, _, _ in counts.moves) or any(node not in nodes for node, _ in counts.standing)


def _table(sources: Sources) -> Table:
    rows, paid = sources.report.funnel, costs(sources.session, sources.everyone)
    shown = [(name, of) for name, of in _COUNTS if name in _ALWAYS or any(of(row) for row in rows)]
    columns = (
        Column("node", "text"),
        Column("channel", "text", words="channel"),
        Column("group", "text", words="arm"),
        *(Column(name) for name, _ in shown),
        Column("cost", "money", define="cost"),
    )
    cells = tuple(
        (
            row.node or Word("funnel", "loose"),
            row.channel,
            row.arm,
            *(of(row) for _, of in shown),
            paid.get((row.node, row.channel, row.arm), 0.0) if row.node else None,
        )
        for row in rows
    )
    return Table("funnel", columns, cells)
