"""The sections of a campaign's report, each a module with `section(sources)`, in the order that a reader needs them."""

from collections.abc import Callable, Mapping, Sequence

from response.parts import Document, Query, Section, say
from response.queries import recorded
from response.sayings import headline
from response.sections import (
    appendix,
    attribution,
    cumulative,
    curve,
    funnel,
    goal,
    money,
    pressure,
    programme,
    result,
    rfm,
    segments,
    trust,
    uplift,
)
from response.sources import Sources

SECTIONS: Mapping[str, Callable[[Sources], Section | None]] = {
    "goal": goal.section,
    "trust": trust.section,
    "funnel": funnel.section,
    "result": result.section,
    "curve": curve.section,
    "cumulative": cumulative.section,
    "segments": segments.section,
    "money": money.section,
    "attribution": attribution.section,
    "pressure": pressure.section,
    "rfm": rfm.section,
    "uplift": uplift.section,
    "programme": programme.section,
}


def build_document(sources: Sources, asked: Sequence[str] = ()) -> Document:
    """The whole report. A section with nothing to show is left out. `asked`: the statements behind the facts that all sections share."""
    sections, queries = [], [Query("facts", tuple(asked))] if asked else []
    for name, make in SECTIONS.items():
        with recorded(sources.session) as statements:
            made = make(sources)
        if made is not None:
            sections.append(made)
            queries += [Query(name, tuple(statements))] if statements else []
    report = sources.report
    return Document(
        name=report.campaign,
        title=say("title", title=report.title),
        as_of=report.as_of,
        zone=report.zone,
        currency=report.currency,
        sections=(*sections, appendix.section(sources, sections, queries)),
        headline=headline(report),
    )
