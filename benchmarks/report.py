"""A report over a large contact log: one aggregate of it against Polars, and the whole report part by part.

    .venv/bin/python -m benchmarks.report [CUSTOMERS] [CONTACTS] [--database sqlite|postgresql] [--keep FILE]

The aggregate is the distinct customers by arm, segment and kind of contact. Ours groups the campaign's part of the log, read in the order
of its index, beside the report's own copy of who was assigned; Polars does the same on Parquet files of the same rows. It must find the
same figures. Both take turns. `--keep` leaves the filled database (a file, or the address of an empty PostgreSQL database) for another run.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, ColumnElement, Engine, event, func, select
from sqlmodel import Session

from benchmarks.contact_log import MADE_AT, NAME, People, contact_log, fill, flow, frames, is_filled
from benchmarks.figures import Figure, database_of
from customers.tables import Contact, table_of
from response import copies
from response.building import sources
from response.parts import Document, Section, say
from response.population import Population, assigned
from response.render.html import as_html
from response.sayings import headline
from response.sections import SECTIONS
from response.sources import Sources
from store.clock import to_micros
from store.session import open_database, reading

TURNS = 3
SLOWEST = 5
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

contact = table_of(Contact)
Counted = Mapping[tuple[str, str | None, str], int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("customers", nargs="?", type=int, default=100_000)
    parser.add_argument("contacts", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--keep", help="a file, or the address of a PostgreSQL database")
    options = parser.parse_args()
    people = People(options.customers)
    with _filled(options, people) as database, TemporaryDirectory() as folder:
        _write_parquet(people, options.contacts, Path(folder))
        _aggregate(database, Path(folder), options.contacts)
        _whole(database, options.customers, options.contacts)


@contextmanager
def _filled(options: argparse.Namespace, people: People) -> Iterator[Engine]:
    if options.keep is None:
        with database_of(options.database) as (_, database):
            fill(database, people, contact_log(people, options.contacts))
            yield database
        return
    database = open_database(options.keep if "://" in options.keep else f"sqlite:///{options.keep}")
    if not is_filled(database):
        fill(database, people, contact_log(people, options.contacts))
    yield database
    database.dispose()


def _write_parquet(people: People, contacts: int, folder: Path) -> None:
    for name, frame in frames(people, contact_log(people, contacts)).items():
        frame.write_parquet(folder / f"{name}.parquet")


def _aggregate(database: Engine, folder: Path, contacts: int) -> None:
    """Ours and Polars in turns; the best of each, for nothing but other work makes one slower."""
    with reading(database) as session:
        population = Population(1, NAME, to_micros(MADE_AT), None, copied=True)
        copied = _timed(partial(copies.copy, session, 1))[0]
        turns = [(_timed(partial(_ours, session, population)), _timed(partial(_polars, folder))) for _ in range(TURNS)]
    (ours, counted), (reference, expected) = (min(side, key=itemgetter(0)) for side in zip(*turns, strict=True))
    assert counted == expected, "Polars finds other figures"
    told = f"{database.dialect.name}: {contacts:,} contacts, arm x segment x kind"
    Figure("report", told, ours, "s", reference, "Polars on Parquet", 1.5).show()
    Figure("report", f"{database.dialect.name}: copies for one report", copied, "s").show()


def _ours(session: Session, population: Population) -> Counted:
    """Distinct customers in the order of the index; then whoever was assigned and is no control, a column for each arm and segment.

    A column, for SQLite sorts what it groups: four million rows of customers and kinds.
    """
    arms, counted = _arms(population), select(contact.c.kind, contact.c.customer_id).where(contact.c.campaign == population.campaign)
    cells = session.connection().execute(select(arms.c.arm, arms.c.segment).distinct()).tuples().all()
    each = counted.group_by(contact.c.kind, contact.c.customer_id).subquery("each")
    columns = [func.count().filter(arms.c.arm == arm, arms.c.segment.is_not_distinct_from(segment)) for arm, segment in cells]
    joined = each.outerjoin(arms, arms.c.customer_id == each.c.customer_id)  # outer, so that the order of the index is kept
    rows = session.connection().execute(select(each.c.kind, *columns).select_from(joined).group_by(each.c.kind))
    return {(*cell, kind): count for kind, *counts in rows for cell, count in zip(cells, counts, strict=True) if count}


def _arms(population: Population) -> CTE:
    """The control of the hold-out, and the variants of the mail."""
    arms = assigned(population)
    control: ColumnElement[bool] = (arms.c.node == "start") & (arms.c.arm == "control")
    return (
        select(arms.c.customer_id, arms.c.arm, arms.c.segment)
        .where(control | (arms.c.node == "mail"))
        .cte("arms")
        .prefix_with("MATERIALIZED", dialect="sqlite")
    )


def _polars(folder: Path) -> Counted:
    import polars as pl  # noqa: PLC0415 - only where it is the reference

    log, members = (pl.scan_parquet(folder / f"{name}.parquet") for name in ("contact", "member"))
    keys = ("arm", "segment", "kind")
    counted = log.filter(pl.col("campaign") == NAME).join(members, on="customer_id").group_by(keys).agg(pl.col("customer_id").n_unique())
    return {(arm, segment, kind): count for arm, segment, kind, count in counted.collect().rows()}


def _whole(database: Engine, customers: int, contacts: int) -> None:
    """Facts, sections and page, with the time of each and the slowest statements."""
    graph, slowest, kind = flow(), _listen(database), database.dialect.name
    with reading(database) as session:
        spent, known = _timed(lambda: sources(session, NAME, MADE_AT, AMSTERDAM, "EUR", lambda _: graph))
        made = {name: _timed(partial(make, known)) for name, make in SECTIONS.items()}
    document = _document(known, [section for _, section in made.values() if section is not None])
    parts = {"facts": spent, **{name: each for name, (each, _) in made.items()}, "page": _timed(lambda: as_html(document))[0]}
    told = f"{kind}: {customers:,} and {contacts:,}"
    for name, each in parts.items():
        Figure("report", f"{told}, {name}", each, "s").show()
    Figure("report", f"{told}, whole report", sum(parts.values()), "s").show()
    Figure("report", f"{told}, peak memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB").show()
    for seconds, statement in sorted(slowest, reverse=True)[:SLOWEST]:
        print(f"{seconds:8.2f} s  {' '.join(statement.split())[:150]}")


def _document(known: Sources, sections: list[Section]) -> Document:
    report = known.report
    title, said = say("title", title=report.title), headline(report)
    return Document(report.campaign, title, report.as_of, report.zone, report.currency, tuple(sections), said)


def _listen(database: Engine) -> list[tuple[float, str]]:
    """Seconds and text of every statement from now on."""
    timed: list[tuple[float, str]] = []
    started: list[float] = []
    event.listen(database, "before_cursor_execute", lambda *_: started.append(time.perf_counter()))
    event.listen(database, "after_cursor_execute", lambda *details: timed.append((time.perf_counter() - started[-1], details[2])))
    return timed


Made = TypeVar("Made")


def _timed(work: Callable[[], Made]) -> tuple[float, Made]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made


if __name__ == "__main__":
    main()
