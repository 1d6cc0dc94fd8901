"""The appendix: what every figure means, what it was made from, and the SQL behind it."""

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from engine.metrics import BUILT_IN, MetricSpec
from response.parts import As, Cell, Chart, Column, Definition, Items, Part, Query, Say, Section, Table, Word, say
from response.sources import Sources

_LIBRARIES = ("contactflow", "numpy", "scipy", "SQLAlchemy", "altair", "vl-convert-python", "polars")
_FLOW_WIDE = ("assigned", "window")


def section(sources: Sources, others: Sequence[Section], queries: Sequence[Query]) -> Section:
    """`others` are the sections before it: what they lean on is defined here. `queries` is what was asked of the database for each."""
    return Section("appendix", (*_definitions(sources, others), *_origin(sources), *queries))


def _definitions(sources: Sources, others: Sequence[Section]) -> Iterator[Part]:
    yield say("appendix.opening", at=As("moment", sources.report.as_of))
    metrics = {**sources.metrics, **{spec.name: spec for spec in sources.report.specs}}
    used = dict.fromkeys([*sources.report.metrics, *leant_on(others), *_FLOW_WIDE])
    for name in used:
        if name in metrics:
            yield Definition(name, Word("metric", name), metric_said(metrics[name]))
        else:
            yield Definition(name, Word("term", name), say(f"define.{name}"))


def leant_on(sections: Sequence[Section]) -> Iterator[str]:
    """The definitions that headings and sentences link to, in the order met."""
    for section_ in sections:
        for part in section_.parts:
            match part:
                case Say():
                    yield from _of_say(part)
                case Items():
                    yield from (name for each in part.says for name in _of_say(each))
                case Chart():
                    yield from _of_table(part.table)
                case Table():
                    yield from _of_table(part)
                case _:
                    pass


def _of_say(said: Say) -> Iterator[str]:
    if said.define:
        yield said.define


def _of_table(table: Table) -> Iterator[str]:
    yield from (column.define for column in table.columns if column.define)


def metric_said(spec: MetricSpec) -> Say:
    """A metric in a sentence: a built-in one in its own, a declared one by what it is made of."""
    if spec == BUILT_IN.get(spec.name):
        return say(f"define.{spec.name}")
    return say(
        "define.declared",
        of=Word("measure", spec.of),
        per=say("define.per", per=Word("measure", spec.per)) if spec.per else say("define.per_customer"),
        within=say("define.within", days=As("number", spec.within_seconds / 86_400)) if spec.within_seconds else say("define.goal_window"),
        margin=say("define.margin", share=As("share", spec.margin_share)) if spec.margin_share is not None else say("nothing"),
        winsorised=say("define.winsorised", share=As("share", spec.winsorise)) if spec.winsorise is not None else say("nothing"),
        better=say(f"define.better_{spec.better}"),
    )


def _origin(sources: Sources) -> Iterator[Table]:
    """Which versions of the flow ran, and what the report was made with."""
    report = sources.report
    columns = (Column("version", "text"), Column("stored", "moment"), Column("customers", define="assigned"))
    rows = tuple((run.version, run.stored_at, run.customers) for run in report.versions)
    yield Table("versions", columns, rows, title=say("versions"))
    yield Table("made-with", (Column("what", "text"), Column("version", "text")), tuple(_made_with(sources)), title=say("made_with"))


def _made_with(sources: Sources) -> Iterator[tuple[Cell, Cell]]:
    yield "Python", python_version()
    for library in _LIBRARIES:
        yield library, _version_of(library)
    dialect = sources.session.connection().dialect
    yield dialect.name, ".".join(map(str, dialect.server_version_info or ()))


def _version_of(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
