"""Import of customers with all validation on, against the same clean rows put in by executemany in the same process.

    python -m benchmarks.import_customers [ROWS]

Goal: 25,000 rows a second or more. The reference does none of the work but the writing: no reading of a file, no check,
no look-up of who is known, no consent. Every row has its own address and phone number; every hundredth has a fault.
"""

import argparse
import csv
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlmodel import SQLModel

import customers.tables
from customers.importing.results import House, Order
from customers.importing.run import import_file
from store.clock import SystemClock
from store.session import open_database, reading

Result = TypeVar("Result")
_HEADER = (
    "klantnummer",
    "voornaam",
    "achternaam",
    "e-mail",
    "telefoon",
    "straat",
    "postcode",
    "plaats",
    "land",
    "taal",
    "geboortedatum",
    "consent_offers_email",
)
_FIRST = ("Jan", "Anna", "Mohammed", "Sanne", "Daan", "Noor", "Lucas", "Eva", "Sem", "Zoë", "Bram", "Fleur")
_LAST = ("de Vries", "Jansen", "van den Berg", "Bakker", "Visser", "Yılmaz", "Peeters", "Maes", "Smit", "Meijer")
_CITIES = ("Utrecht", "Amsterdam", "Gent", "Zwolle", "Groningen", "Den Haag", "Eindhoven")


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "customers.csv"
        _write(file, rows)
        house = House(ZoneInfo("Europe/Amsterdam"), purposes=("offers",))
        database = open_database(f"sqlite:///{folder}/import.db")
        SQLModel.metadata.create_all(database)
        first, first_cpu = _timed(lambda: import_file(database, Order("customers", file), house, SystemClock()))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        again, again_cpu = _timed(lambda: import_file(database, Order("customers", file), house, SystemClock()))
        with reading(database) as session:
            clean = [tuple(row) for row in session.connection().exec_driver_sql("SELECT * FROM customer").all()]
        seconds, reference_cpu = _timed(lambda: _reference(f"sqlite:///{folder}/reference.db", clean))
    print(
        f"rows {first.read:,}, faults {sum(reason.times for reason in first.reasons):,}, new {first.new:,}, then changed {again.changed:,}"
    )
    print(f"{'':14} {'rows/s':>9} {'seconds':>8} {'rows/s of processor time':>25}")
    for name, number, took, cpu in (
        ("first import", first.read, first.seconds, first_cpu),
        ("second import", again.read, again.seconds, again_cpu),
        ("reference", len(clean), seconds, reference_cpu),
    ):
        print(f"{name:14} {number / took:>9,.0f} {took:>8.2f} {number / cpu:>25,.0f}")
    print(f"ratio to the reference {seconds / first.seconds:.2f}; peak {peak:.0f} MB; goal 25,000 rows/s")


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def _reference(url: str, clean: list[tuple[object, ...]]) -> float:
    database = open_database(url)
    SQLModel.metadata.create_all(database)
    marks = ", ".join("?" * len(clean[0]))
    began = time.perf_counter()
    with database.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO customer VALUES ({marks})", clean)
    return time.perf_counter() - began


def _write(file: Path, rows: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(_HEADER)
        writer.writerows(_people(rows))


def _people(rows: int) -> Iterator[tuple[object, ...]]:
    dice = random.Random(5)
    for number in range(1, rows + 1):
        first, last = dice.choice(_FIRST), dice.choice(_LAST)
        mail = f"{first}.{last.replace(' ', '')}{number}@mail{dice.randrange(400)}.example" if number % 100 else "no address"
        yield (
            f"K{number:08}",
            first,
            last,
            mail.lower().replace("ë", "e").replace("ı", "i"),
            f"06-{dice.randrange(10_000_000, 60_000_000)}",
            f"{dice.choice(_LAST)}straat {dice.randrange(1, 400)}",
            f"{dice.randrange(1000, 9999)} AB",
            dice.choice(_CITIES),
            "Nederland",
            "nl",
            f"{dice.randrange(1, 29):02}-{dice.randrange(1, 13):02}-{dice.randrange(1930, 2006)}",
            dice.choice(("ja", "ja", "nee", "")),
        )


if __name__ == "__main__":
    assert customers.tables
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=200_000)
    main(parser.parse_args().rows)
