"""The contact strategy: what each segment got over which channel and what came of it, against what is meant for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from engine.metrics import AMOUNTS, Measure
from response.closing import closing
from response.parts import As, Cell, Chart, Column, Document, Items, Kind, Part, Say, Section, Table, Word, say
from response.segment_contacts import Got, Period, Segmented, segment_contacts
from response.standing import Terms
from store.clock import to_micros

USUAL_DAYS = 90
MONTH_DAYS = 30
OTHERS = ""  # customers whom no segment fits
FEW = 5  # customers; of fewer, what they did is not shown


@dataclass(frozen=True, slots=True)
class Meant:
    """What the workspace means for a segment."""

    result: str
    channel: str | None
    measure: Measure


def strategy_document(session: Session, terms: Terms, known: Segmented, meant: Mapping[str, Meant]) -> Document:
    """One page for all segments, over the last ninety days or since `terms.since`; a number of statements that depends on no customers."""
    start = terms.since or terms.as_of - timedelta(days=USUAL_DAYS)
    period = Period(to_micros(start), to_micros(terms.as_of), terms.currency, terms.margin_share)
    measures = {each.measure for each in meant.values()}
    got = segment_contacts(session, known, period, measures)
    sections = (
        Section("strategy_meant", tuple(_meant(got, meant, period))),
        Section("strategy_channels", tuple(_channels(got, period))),
    )
    closed = (*sections, closing(sections, terms.metrics, terms.as_of))
    return Document("strategy", say("strategy.title"), terms.as_of, terms.zone, terms.currency, closed, (_opening(got, meant),))


def _opening(got: Sequence[Got], meant: Mapping[str, Meant]) -> Say:
    if not meant:
        return say("strategy.nothing_meant")
    with_channel = [each for each in got if each.segment in meant and meant[each.segment].channel and each.messages]
    if not with_channel:
        return say("strategy.nothing_sent")
    astray = [each.segment for each in with_channel if _mostly(each) != meant[each.segment].channel]
    if not astray:
        return say("strategy.all_as_meant", segments=As("count", len(with_channel)))
    return say("strategy.some_astray", names=", ".join(astray), segments=As("count", len(with_channel)))


def _mostly(got: Got) -> str | None:
    """The channel that most messages came over; the first by name of several alike."""
    return max(sorted(got.channels), key=lambda name: got.channels[name].messages) if got.messages else None


def _meant(got: Sequence[Got], meant: Mapping[str, Meant], period: Period) -> Iterator[Part]:
    yield _opening(got, meant)
    yield say("strategy.counted", "soft", days=As("count", round(period.days)), customers=As("count", sum(each.customers for each in got)))
    yield say("strategy.descriptive", "soft").behind(define="strategy_segment")
    shown = [each for each in got if each.segment in meant]
    if shown:
        yield Items(say("strategy.by_segment"), tuple(_said(each, meant[each.segment], period) for each in shown))
        yield Table("strategy", _MEANT_COLUMNS, tuple(_row(each, meant[each.segment], period) for each in shown))
    unmeant = [each.segment for each in got if each.segment and each.segment not in meant]
    if unmeant and meant:
        yield say("strategy.unmeant", "soft", names=", ".join(unmeant))


def _said(got: Got, meant: Meant, period: Period) -> Say:
    """What a segment got against what was meant, in a sentence."""
    if not got.customers:
        return say("strategy.said.nobody", segment=got.segment)
    if not got.messages:
        return say("strategy.said.silent", segment=got.segment, customers=As("count", got.customers))
    mostly = _mostly(got) or ""
    key = "free" if meant.channel is None else "as_meant" if mostly == meant.channel else "astray"
    return say(
        f"strategy.said.{key}",
        "alarm" if key == "astray" else "",
        segment=got.segment,
        per_month=As("number", _per_month(got.messages, got, period)),
        mostly=Word("channel", mostly),
        channel=Word("channel", meant.channel or ""),
        share=As("share", got.on(meant.channel or mostly) / got.messages),
        measured=_measured(got, meant),
    ).behind("strategy")


def _measured(got: Got, meant: Meant) -> Say:
    value = _measure(got, meant.measure)
    if value is None:
        return say("strategy.measured.few")
    if meant.measure in AMOUNTS or meant.measure == "orders":
        return say("strategy.measured.mean", metric=Word("metric", meant.measure), value=As(_KINDS.get(meant.measure, "money"), value))
    return say("strategy.measured.share", did=Word("did", meant.measure), value=As("share", value))


_KINDS: dict[Measure, Kind] = {"orders": "number", "spend": "money", "margin": "money"}


def _measure(got: Got, measure: Measure) -> float | None:
    return got.measured.get(measure, 0.0) / got.customers if got.customers >= FEW else None


_MEANT_COLUMNS = (
    Column("segment", "text"),
    Column("result", "text"),
    Column("meant_channel", "text", words="channel"),
    Column("most_channel", "text", words="channel"),
    Column("on_meant", "share", define="on_meant"),
    Column("customers"),
    Column("reached", "share", define="reached_segment"),
    Column("per_month", "number", define="per_month_segment"),
    Column("measure", "text", words="metric"),
    Column("measured", "share", define="strategy_measure"),
)


def _row(got: Got, meant: Meant, period: Period) -> tuple[Cell, ...]:
    return (
        got.segment,
        meant.result or None,
        meant.channel,
        _mostly(got),
        got.on(meant.channel) / got.messages if meant.channel and got.messages else None,
        got.customers,
        got.reached / got.customers if got.customers else None,
        _per_month(got.messages, got, period),
        meant.measure,
        As(_KINDS.get(meant.measure, "share"), _measure(got, meant.measure)),
    )


def _per_month(messages: int, got: Got, period: Period) -> float | None:
    return messages / got.customers / period.days * MONTH_DAYS if got.customers else None


def _channels(got: Sequence[Got], period: Period) -> Iterator[Part]:
    rows = [(each, name) for each in got for name in sorted(each.channels)]
    if not rows:
        yield say("strategy.nothing_sent")
        return
    busiest = max(got, key=lambda each: _per_month(each.messages, each, period) or 0.0)
    yield say("strategy.busiest", segment=_name(busiest), per_month=As("number", _per_month(busiest.messages, busiest, period)))
    table = Table("strategy-channels", _CHANNEL_COLUMNS, tuple(_channel_row(each, name, period) for each, name in rows))
    yield table
    yield Chart("strategy-chart", "heat", say("strategy.chart"), table, "channel", "segment", "per_month")


_CHANNEL_COLUMNS = (
    Column("segment", "text", words="segment"),
    Column("channel", "text", words="channel"),
    Column("customers"),
    Column("messages"),
    Column("per_month", "number", define="per_month_segment"),
    Column("sent_customers"),
    Column("responded"),
    Column("response_rate", "share", define="compare_channels"),
    Column("opted_out"),
    Column("opt_out_rate", "share", define="compare_channels"),
)


def _name(got: Got) -> Word | str:
    return got.segment or Word("segment", "others")


def _channel_row(got: Got, channel: str, period: Period) -> tuple[Cell, ...]:
    each = got.channels[channel]
    return (
        got.segment or "others",
        channel,
        got.customers,
        each.messages,
        _per_month(each.messages, got, period),
        each.sent,
        each.responded,
        each.responded / each.sent if each.sent else None,
        each.opted_out,
        each.opted_out / each.sent if each.sent else None,
    )
