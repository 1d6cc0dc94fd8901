"""The sections of a campaign's report, each a module with `section(sources)`, in the order that a reader needs them."""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

from response.parts import Document, Query, Section, say
from response.queries import recorded
from response.sayings import headline
from response.sections import appendix
from response.sources import Sources

ORDER = (
    "goal",
    "trust",
    "funnel",
    "result",
    "curve",
    "cumulative",
    "segments",
    "money",
    "attribution",
    "pressure",
    "rfm",
    "uplift",
    "programme",
)


def build_document(sources: Sources, asked: Sequence[str] = ()) -> Document:
    """The whole report. A section with nothing to show is left out. `asked`: the statements behind the facts that all sections share."""
    sections, queries = [], [Query("facts", tuple(asked))] if asked else []
    for name, make in _modules():
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


def _modules() -> list[tuple[str, Callable[[Sources], Section | None]]]:
    found = (f"response.sections.{name}" for name in ORDER)
    return [(module.rsplit(".", 1)[1], import_module(module).section) for module in found if find_spec(module)]
