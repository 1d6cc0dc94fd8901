"""Where a campaign stands among all campaigns."""

from collections.abc import Iterator

from sqlalchemy import and_, func, or_, select

from customers.contact_log import Kind
from customers.tables import Contact, table_of
from engine.tables import Programme
from response.facts import Comparison
from response.parts import As, Cell, Column, Part, Section, Table, Word, say
from response.population import in_window, of_campaign
from response.sources import Sources
from response.statistics.sums import Effect
from response.statistics.totals import times
from response.statistics.verdicts import Verdict

MOST = 8  # other campaigns that are named; the rest is one row

contact, programme = table_of(Contact), table_of(Programme)


def section(sources: Sources) -> Section | None:
    """Whether it leaves the global hold-out alone, what it brought, and who else wrote to its customers; None before anybody came in."""
    customers = sources.report.window.customers
    if not customers:
        return None
    others = _others(sources)
    return Section("programme", (*_said(sources, others, customers), *_table(others, customers)))


def _said(sources: Sources, others: dict[str | None, int], customers: int) -> Iterator[Part]:
    held, within = _held_out(sources)
    newest = next(iter(sources.flows.values()), None)
    touched = others.get(None, 0)
    if newest is not None and newest.campaign.programme is not None:
        yield say("standing.exempt")
    elif not held:
        yield say("standing.none")
    elif touched:
        yield say("standing.among", held=As("count", held), share=As("share", touched / customers)).behind("other-campaigns")
    else:
        yield say("standing.alone", held=As("count", held))
    if within:
        yield say("standing.leaked", "alarm", customers=As("count", within))
    brought = [_brought(sources.report.comparisons, metric) for metric in ("purchase", "spend")]
    if brought[0] is not None and brought[1] is not None:
        yield say("standing.brought", buyers=As("number", brought[0]), spend=As("money", brought[1])).behind("result", "programme_sum")
    else:
        yield say("standing.unknown")


def _table(others: dict[str | None, int], customers: int) -> Iterator[Table]:
    names = sorted((name for name in others if name is not None), key=lambda name: (-others[name], name))
    if names:
        rows: list[tuple[Cell, ...]] = [(name, others[name], others[name] / customers) for name in names[:MOST]]
        rows.append((Word("programme", "all"), others[None], others[None] / customers))
        columns = (Column("other_campaign", "text"), Column("sent_customers"), Column("share", "share"))
        yield Table("other-campaigns", columns, tuple(rows), title=say("standing.table"), folded=True)


def _brought(comparisons: tuple[Comparison, ...], metric: str) -> Effect | None:
    for each in comparisons:
        if each.kind == "holdout" and each.metric == metric and each.verdict is not Verdict.NOT_VALID:
            return times(each.absolute, each.arm_assigned)
    return None


def _held_out(sources: Sources) -> tuple[int, int]:
    """How many customers are held out of all campaigns, and how many of them are members here all the same."""
    member = sources.everyone.members
    held = select(func.count()).select_from(programme).where(programme.c.held_out)
    joined = member.join(programme, and_(programme.c.customer_id == member.c.customer_id, programme.c.held_out))
    mine = of_campaign(sources.everyone, select(func.count(member.c.customer_id.distinct())).select_from(joined))
    execute = sources.session.connection().execute
    return int(execute(held).scalar_one()), int(execute(mine).scalar_one())


def _others(sources: Sources) -> dict[str | None, int]:
    """Customers of this campaign to whom others wrote within their window, by campaign; None is all of them together, each once."""
    ours, everyone, member = sources.everyone.campaign, sources.everyone, sources.everyone.members
    # Two ranges of an index, where != would read all of it.
    other = or_(contact.c.campaign < ours, contact.c.campaign > ours)
    happened = and_(
        contact.c.customer_id == member.c.customer_id, contact.c.kind == Kind.SENT.value, other, in_window(everyone, contact.c.at)
    )
    joined = member.join(contact, happened)
    customers = func.count(member.c.customer_id.distinct())
    by_campaign = of_campaign(everyone, select(contact.c.campaign, customers).select_from(joined)).group_by(contact.c.campaign)
    execute = sources.session.connection().execute
    found: dict[str | None, int] = dict(execute(by_campaign).tuples().all())
    return {**found, None: int(execute(of_campaign(everyone, select(customers).select_from(joined))).scalar_one())} if found else {}
