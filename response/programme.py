"""The page about all campaigns together: what they changed by the global hold-out, beside what each of them says of itself."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from response.closing import closing
from response.holdout import Groups, Span, Together, earlier, groups, together
from response.parts import As, Cell, Chart, Column, Document, Items, Kind, Part, Say, Section, Table, Word, say
from response.sayings import DIFFERENCES, TONES, unit_of
from response.standing import Campaigning, Sum, Terms, sum_of
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import UNDEFINED, Effect
from response.statistics.totals import times
from response.touches import Pressure, pressure
from store.clock import from_micros, to_micros

RATE: dict[str, Kind] = {"purchase": "share", "spend": "money", "margin": "money"}
DIFFERENCE: dict[str, Kind] = {"purchase": "points", "spend": "extra", "margin": "extra"}
TOTAL: dict[str, Kind] = {"purchase": "change", "spend": "extra", "margin": "extra"}
FEW = 1_000  # held-out customers; below so many the interval is wider than any effect that campaigns have


def programme_document(session: Session, terms: Terms, campaigns: Sequence[Campaigning]) -> Document:
    """What all campaigns brought together, in a number of statements that depends on neither customers nor (here) campaigns."""
    since = to_micros(terms.since) if terms.since else 0
    span = Span(to_micros(terms.as_of), since, terms.currency, terms.margin_share)
    drawn = groups(session, span)
    measured = together(session, span, drawn.broken) if drawn.open + drawn.held_out else ()
    added = sum_of(campaigns)
    sections = (
        Section("programme_together", tuple(_together(session, span, terms, drawn, measured, campaigns))),
        Section("programme_campaigns", tuple(_campaigns(campaigns, added))),
        Section("programme_pressure", tuple(_pressure(pressure(session, to_micros(terms.as_of))))),
    )
    headline = (_headline(terms, drawn, measured),)
    closed = (*sections, closing(sections, terms.metrics, terms.as_of))
    return Document("programme", say("programme.title"), terms.as_of, terms.zone, terms.currency, closed, headline)


def _headline(terms: Terms, drawn: Groups, measured: Sequence[Together]) -> Say:
    if not measured:
        return say("programme.none") if terms.share is None else say("programme.nobody_drawn", share=As("share", terms.share))
    if drawn.broken:
        return say("programme.broken", "not-valid", p=As("p", drawn.ratio_p))
    if not (drawn.open and drawn.held_out):
        return say("programme.one_group", "not-valid")
    return _said(measured[0])


def _said(found: Together) -> Say:
    """What one measure says: how much more, between which limits, and what may be concluded."""
    estimate, unit = found.absolute.estimate or 0.0, "share" if found.measure == "purchase" else "money"
    rounded = round(estimate, 4 if unit == "share" else 2)
    direction = "equal" if not rounded else "more" if rounded > 0 else "less"
    kind: Kind = "of_100" if unit == "share" else "money"
    limits = As(DIFFERENCE[found.measure], Effect(None, found.absolute.low, found.absolute.high))
    return say(
        f"programme.{unit}.{direction}",
        TONES[found.verdict],
        size=As(kind, abs(estimate)),
        metric=Word("metric", found.measure),
        interval=say("programme.interval", interval=limits) if found.absolute.low is not None else say("nothing"),
        verdict=Word("verdict", found.verdict.value),
    ).behind("programme", "programme_holdout")


def _together(
    session: Session, span: Span, terms: Terms, drawn: Groups, measured: Sequence[Together], campaigns: Sequence[Campaigning]
) -> Iterator[Part]:
    added = sum_of(campaigns)
    yield _headline(terms, drawn, measured)
    if not measured:
        return
    yield from (_said(each) for each in measured[1:] if not drawn.broken and drawn.held_out and drawn.open)
    yield from _trust(session, span, terms, drawn)
    yield Table("programme", _COLUMNS, tuple(_row(each) for each in measured), title=say("programme.table"))
    if added.counted and drawn.open and drawn.held_out:
        start = max(span.since, drawn.first_at or 0)
        yield from _beside(drawn, measured, added, [each.name for each in campaigns if _began(each) < start and each.name in added.counted])


_COLUMNS = (
    Column("metric", "text", words="metric"),
    Column("verdict", "text", words="verdict", define="verdict"),
    Column("open_customers"),
    Column("open_rate", "share", define="programme_holdout"),
    Column("held_customers"),
    Column("held_rate", "share", define="programme_holdout"),
    Column("absolute", "points", define="programme_holdout"),
    Column("relative", "lift", define="relative"),
    Column("p", "p"),
)


def _row(found: Together) -> tuple[Cell, ...]:
    rates = [As(RATE[found.measure], group.mean if group.n else None) for group in (found.open, found.held_out)]
    return (
        found.measure,
        found.verdict.value,
        found.open.n,
        rates[0],
        found.held_out.n,
        rates[1],
        As(DIFFERENCE[found.measure], found.absolute),
        found.relative,
        found.p_value,
    )


def _trust(session: Session, span: Span, terms: Terms, drawn: Groups) -> Iterator[Say]:
    """Why it can be believed, or how far."""
    counted_from = max(span.since, drawn.first_at or 0)
    yield say(
        "programme.counted",
        "soft",
        open=As("count", drawn.open),
        held=As("count", drawn.held_out),
        since=As("day", _day(terms, from_micros(counted_from))),
    )
    if not drawn.broken and drawn.ratio_p is not None:
        yield say("programme.ratio", "soft", p=As("p", drawn.ratio_p))
    before = earlier(session, span)
    if all(group.n for group in before):
        difference = difference_of_proportions(*before)
        alike = (difference.low or 0) <= 0 <= (difference.high or 0)
        yield say(f"programme.earlier.{'alike' if alike else 'unlike'}", "soft" if alike else "alarm", interval=As("points", difference))
    if drawn.written_to:
        share = drawn.written_to / drawn.held_out if drawn.held_out else None
        yield say("programme.leaked", "alarm", customers=As("count", drawn.written_to), share=As("share", share))
    if drawn.held_out < FEW:
        yield say("programme.few", "soft", held=As("count", drawn.held_out))
    if terms.share is None:
        yield say("programme.not_in_force", "alarm")


def _began(each: Campaigning) -> int:
    first = each.report.window.first_entry_at
    return to_micros(first) if first else 0


def _day(terms: Terms, at: datetime) -> date:
    return at.astimezone(ZoneInfo(terms.zone)).date()


def _beside(drawn: Groups, measured: Sequence[Together], added: Sum, earlier_ones: Sequence[str]) -> Iterator[Part]:
    rows = []
    for found in measured:
        whole = times(found.absolute, drawn.open)
        own = added.by_metric.get(found.measure, UNDEFINED)
        if own.estimate is not None:
            rows.append((found.measure, As(TOTAL[found.measure], whole), As(TOTAL[found.measure], own)))
    if not rows:
        return
    columns = (
        Column("metric", "text", words="metric"),
        Column("by_holdout", "change", define="programme_holdout"),
        Column("by_campaigns", "change", define="programme_sum"),
    )
    yield Table("programme-beside", columns, tuple(rows), title=say("programme.beside"))
    yield Items(say("programme.why"), tuple(_why(added, earlier_ones)))


def _why(added: Sum, earlier_ones: Sequence[str]) -> Iterator[Say]:
    """Why the sum and the comparison may differ; what applies here first."""
    if earlier_ones:
        yield say("programme.why.before", "alarm", names=", ".join(earlier_ones))
    if added.missing:
        yield say("programme.why.no_holdout")
    yield from (say(f"programme.why.{each}") for each in ("twice", "forward", "windows", "chance"))


def _campaigns(campaigns: Sequence[Campaigning], added: Sum) -> Iterator[Part]:
    if not campaigns:
        yield say("programme.no_campaigns")
        return
    if added.counted:
        buyers, spend = (As(TOTAL[metric], added.by_metric[metric]) for metric in ("purchase", "spend"))
        count = len(added.counted)
        one = say("programme.sum_one", buyers=buyers, spend=spend)
        told = one if count == 1 else say("programme.sum", campaigns=As("count", count), buyers=buyers, spend=spend)
        yield told.behind("campaigns", "programme_sum")
    else:
        yield say("programme.no_sum")
    if added.missing:
        yield say("programme.missing", "soft", names=", ".join(added.missing))
    still_open = [each.name for each in campaigns if each.is_open and not each.exempt]
    if still_open:
        yield say("programme.open", "soft", names=", ".join(still_open))
    exempt = [each.name for each in campaigns if each.exempt]
    if exempt:
        yield say("programme.exempt", "soft", names=", ".join(exempt))
    rows = tuple(row for each in campaigns for row in _rows(each))
    if added.counted:
        rows += ((Word("programme", "all"), None, None, None, None, added.by_metric["purchase"], added.by_metric["spend"]),)
    yield Table("campaigns", _CAMPAIGN_COLUMNS, rows, total=len(rows) - 1 if added.counted else None)
    yield from _chart(campaigns)


_CAMPAIGN_COLUMNS = (
    Column("campaign", "text"),
    Column("metric", "text", words="metric"),
    Column("verdict", "text", words="verdict", define="verdict"),
    Column("assigned", define="assigned"),
    Column("absolute", "points", define="absolute"),
    Column("extra_buyers", "change", define="programme_sum"),
    Column("extra_spend", "extra", define="programme_sum"),
)


def _rows(each: Campaigning) -> Iterator[tuple[Cell, ...]]:
    """A row for each arm that answers the goal; what the campaign brought stands in the first."""
    own = [each.brought(metric) for metric in ("purchase", "spend")]
    if not each.primary:
        yield each.name, None, None, each.report.window.customers, None, *own
    for place, found in enumerate(each.primary):
        name = each.name if len(each.primary) == 1 else f"{each.name} · {found.arm}"
        difference = As(DIFFERENCES[unit_of(found)], found.absolute)
        brought = [None, None] if place else own
        yield name, found.metric, found.verdict.value, found.arm_assigned + found.control_assigned, difference, *brought


def _chart(campaigns: Sequence[Campaigning]) -> Iterator[Chart]:
    """Each campaign's extra buyers, where its own control can say so."""
    known = [(each.name, each.brought("purchase")) for each in campaigns]
    rows = tuple((name, effect) for name, effect in known if effect.low is not None)
    if len(rows) > 1:
        columns = (Column("campaign", "text"), Column("extra_buyers", "change"))
        table = Table("campaigns-buyers", columns, rows, folded=True, title=say("programme.chart"))
        yield Chart("campaigns-buyers", "intervals", say("programme.chart"), table, "campaign", "extra_buyers")


def _pressure(found: Pressure) -> Iterator[Part]:
    if not found.messages:
        yield say("pressure_all.none")
        return
    customers, most = sum(band.customers for band in found.bands), found.bands[-1]
    yield say(
        "pressure_all.opening",
        mean=As("number", found.messages / customers if customers else None),
        none=As("share", found.bands[0].customers / customers if customers else None),
        many=As("share", most.customers / customers if customers else None),
    ).behind("pressure-all", "pressure_all")
    yield say("pressure_all.descriptive", "soft")
    columns = (
        Column("messages_90", "text", words="messages_90"),
        Column("customers"),
        Column("share", "share"),
        Column("opted_out"),
        Column("opt_out_rate", "share", define="pressure_all"),
    )
    rows = tuple(
        (band.name, band.customers, _part(band.customers, customers), band.opted_out, _part(band.opted_out, band.customers))
        for band in found.bands
    )
    total = (Word("programme", "all"), customers, 1.0 if customers else None, found.opted_out, _part(found.opted_out, customers))
    yield Table("pressure-all", columns, (*rows, total), total=len(rows), sums=("customers", "opted_out"))
    by_channel = tuple((channel, messages, messages / customers / 3 if customers else None) for channel, messages in found.channels)
    yield Table(
        "pressure-channels",
        (Column("channel", "text", words="channel"), Column("messages"), Column("per_month", "number", define="per_month")),
        (*by_channel, (Word("programme", "all"), found.messages, found.messages / customers / 3 if customers else None)),
        total=len(by_channel),
        sums=("messages",),
    )


def _part(of: int, whole: int) -> float | None:
    return of / whole if whole else None
