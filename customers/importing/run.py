"""Carrying out an import: one transaction a batch, so that a crash leaves whole batches and the next run completes them."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session

from customers.importing.cleaning.cell import KEEP
from customers.importing.cleaning.moment import date_reader
from customers.importing.cleaning.number import DecimalSign
from customers.importing.cleaning.place import country_of_zone
from customers.importing.contacts import write_contacts
from customers.importing.fitting import plan_by_map
from customers.importing.layout import DELIMITERS, Layout, layout_of
from customers.importing.mapping import ImportMap, MappingError, read_map
from customers.importing.people import write_customers
from customers.importing.plan import Plan, plan_by_names
from customers.importing.purchases import write_purchases
from customers.importing.reader import Batch, Reader
from customers.importing.rejected import Rejects, beside
from customers.importing.results import Hooks, House, ImportResult, Order, Preview, Reason
from customers.importing.subjects import SUBJECTS, Terms
from customers.importing.understanding import Loss, Rows, Understanding
from customers.importing.writing import Import, Outcome, Seen, customers_behind
from store.clock import Clock, to_micros
from store.errors import InputError
from store.session import reading, writing

Write = Callable[[Session, Rows, Import], Outcome]
_WRITERS: Mapping[str, Write] = {"customers": write_customers, "purchases": write_purchases, "contacts": write_contacts}
# One import at a time writes to a PostgreSQL database; others of our programs go on. SQLite has one writer anyway.
_IMPORT_LOCK = 7_305_216_488_120_331
_SAMPLE_ROWS = 5


def import_file(database: Engine, order: Order, house: House, clock: Clock, hooks: Hooks | None = None) -> ImportResult:
    """Import a file, each batch in a transaction of its own; doing it twice changes nothing the second time.

    Raises InputError (and MappingError) before anything is written when the file or its mapping cannot be used.
    """
    began = time.monotonic()
    opened = _open(order, house, clock)
    hooks = hooks or Hooks()
    running = Import(to_micros(clock.now()), order.file.name, opened.plan.erase_empty, house.currency, house.attributes, Seen())
    counts: Counter[str] = Counter()
    with _patient_collector(), Rejects(opened.rejected_path, opened.reader.header, opened.reader.layout.delimiter) as rejects:
        for batch in opened.reader.batches():
            rows, losses = opened.understanding.of(batch)
            with writing(database) as session:
                _one_import_at_a_time(session)
                outcome = _WRITERS[order.subject](session, rows, running)
                if len(outcome.touched):
                    hooks.after_insert(session, outcome.touched)
                _reject(rejects, batch, [*losses, *outcome.losses])
            counts.update({name: getattr(outcome, name) for name in ("new", "changed", "unchanged", "repeated", "erased")})
            counts.update(read=_height(batch))
            hooks.progress(batch.read)
    reasons = _reasons(rejects)
    seconds = time.monotonic() - began
    skipped = opened.understanding.skipped
    return ImportResult(
        subject=order.subject,
        **{name: counts[name] for name in ("read", "new", "changed", "unchanged", "repeated", "erased")},
        skipped=skipped,
        rejected=rejects.rows,
        reasons=reasons,
        notes=opened.reader.layout.notes,
        rejected_path=rejects.path,
        seconds=seconds,
    )


def preview_file(database: Engine, order: Order, house: House, clock: Clock, hooks: Hooks | None = None) -> Preview:
    """Read a whole file as an import would, and write nothing. Raises what import_file raises."""
    opened = _open(order, house, clock)
    hooks = hooks or Hooks()
    sample: list[Mapping[str, Any]] = []
    counts: Counter[str] = Counter()
    with Rejects(None, opened.reader.header, opened.reader.layout.delimiter) as rejects:
        for batch in opened.reader.batches():
            rows, losses = opened.understanding.of(batch)
            kept, unknown = _of_known_customers(database, rows)
            _reject(rejects, batch, [*losses, *unknown])
            sample += _sample(kept, _SAMPLE_ROWS - len(sample))
            counts.update(read=_height(batch), usable=len(kept))
            hooks.progress(batch.read)
    return Preview(
        subject=order.subject,
        layout=opened.reader.layout,
        uses=opened.plan.uses,
        sample=tuple(sample),
        read=counts["read"],
        usable=counts["usable"],
        skipped=opened.understanding.skipped,
        rejected=rejects.rows,
        reasons=_reasons(rejects),
    )


@contextmanager
def _patient_collector() -> Iterator[None]:
    # A batch makes and drops a hundred thousand tuples and no cycles; looking for cycles all the time costs a fifth of an import.
    usual = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file that can be read, and what to make of it."""

    reader: Reader
    plan: Plan
    understanding: Understanding
    rejected_path: Path


def _open(order: Order, house: House, clock: Clock) -> _Opened:
    subject = SUBJECTS[order.subject]
    written = read_map(order.mapping) if order.mapping else None
    reader = Reader(_layout(order.file, written), order.rows_per_batch)
    if written:
        plan = plan_by_map(subject, reader.header, written, house.attributes, house.purposes)
    else:
        plan = plan_by_names(subject, reader.header, house.attributes, house.purposes)
    understanding = Understanding(plan, _terms(written, reader, house, clock), house.attributes)
    faults = understanding.constant_faults()
    if faults:
        raise MappingError("\n".join(f"{order.mapping}: {name}: {problem.reason}.\n    {problem.remedy}" for name, problem in faults))
    path = order.rejected or beside(order.file)
    if path.resolve() == order.file.resolve():
        raise InputError(f"{path} is the file to import. Give another place for the rejected rows with --rejected.")
    return _Opened(reader, plan, understanding, path)


def _layout(file: Path, written: ImportMap | None) -> Layout:
    if written is None:
        return layout_of(file)
    word = written.word("delimiter")
    delimiter = next((sign for sign, name in DELIMITERS.items() if name == word), None)
    return layout_of(file, written.word("encoding"), delimiter)


def _terms(written: ImportMap | None, reader: Reader, house: House, clock: Clock) -> Terms:
    country = house.country or country_of_zone(house.zone.key)
    usual = "month-day-year" if country == "US" else "day-month-year"
    form = (written.word("dates") if written else None) or usual
    sign = written.word("decimal") if written else None
    return Terms(
        zone=house.zone,
        country=country,
        today=clock.now().astimezone(house.zone).date(),
        read_date=date_reader(form),
        date_form=form,
        decimal=_SIGNS[sign] if sign else None,
        file_decimal="comma" if reader.layout.delimiter == ";" else "point",
    )


_SIGNS: Mapping[str, DecimalSign] = {"comma": "comma", "point": "point"}


def _one_import_at_a_time(session: Session) -> None:
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _IMPORT_LOCK})


def _height(batch: Batch) -> int:
    return len(batch.rows) + len(batch.unreadable)


def _reject(rejects: Rejects, batch: Batch, losses: Sequence[Loss]) -> None:
    """Write down what was lost of a batch, a line for each row."""
    for unreadable in batch.unreadable:
        rejects.add(unreadable.number, unreadable.line, unreadable.cells, [("(row)", unreadable.problem)], whole_row=True)
    for row, of_row in groupby(sorted(losses, key=lambda loss: loss.row), key=lambda loss: loss.row):
        told = list(of_row)
        problems = [(loss.label, loss.problem) for loss in told]
        rejects.add(batch.numbers[row], batch.lines[row], batch.rows[row], problems, whole_row=any(loss.whole_row for loss in told))
    rejects.flush()


def _reasons(rejects: Rejects) -> tuple[Reason, ...]:
    rows = [Reason(*about, times, whole_rows=True) for about, times in rejects.whole_rows.items()]
    cells = [Reason(*about, times, whole_rows=False) for about, times in rejects.cells.items()]
    return tuple(sorted(rows + cells, key=lambda reason: (-reason.times, reason.column, reason.reason)))


def _of_known_customers(database: Engine, rows: Rows) -> tuple[Rows, list[Loss]]:
    if "customer" not in rows.fields:
        return rows, []
    with reading(database) as session:
        kept, _, losses = customers_behind(session, rows)
    return kept, losses


def _sample(rows: Rows, most: int) -> Iterator[Mapping[str, Any]]:
    """The first rows as they would be written; what is empty or was not understood is left out."""
    for index in range(min(most, len(rows))):
        columns = {**rows.fields, **rows.attributes, **rows.details}
        columns |= {f"consent_{column.plan.purpose}_{column.plan.channel}": column.says for column in rows.consents}
        yield {name: column[index] for name, column in columns.items() if column[index] is not None and column[index] is not KEEP}
