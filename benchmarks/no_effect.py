"""A campaign that changes nothing, on a million customers: what the report says of it.

    .venv/bin/python -m benchmarks.no_effect [CUSTOMERS] [--seed N]

Everybody comes in through the engine: a hold-out of a tenth, a split in two halves, a mail in two wordings, over channels that send
nothing. What they buy is drawn beforehand, by customer and without a look at any group. So every difference that the report shows is
chance: of its intervals one in twenty may miss zero, and no verdict may be a winner on the learning goal. With `--looks` the report is
asked every day for 28 days, as somebody who cannot wait would.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import text

from benchmarks.twelve_nodes import NOW, Bench
from customers.tables import Purchase, table_of
from engine.campaigns import stored_graph
from engine.dispatch import Desk
from engine.journal import Journal
from engine.wave import carry_out
from response.building import build_report
from response.facts import Report
from store.bulk import insert_rows
from store.clock import DAY_MICROS, SystemClock, to_micros
from store.session import open_database, reading, writing

BUYING = 0.03  # the share of customers who buy within 28 days, whoever they are
FLOW = """
campaign: twelve
purpose: offers
learn:
  question: Does a campaign that does nothing do anything?
  metric: purchase
  within: 28 days
  minimum_lift: 0.5 points
  also: [spend, orders]
flow:
  dutch: {audience: country = 'NL', holdout: 10%}
  halves:
    split:
      one: {share: 50%, next: mail}
      other: {share: 50%, control: true, next: mail}
  mail:
    send: email
    variants:
      personal: {share: 50%, template: words.txt, subject: "{{ customer.first_name }}, for you"}
      general: {share: 50%, template: words.txt, subject: For you, control: true}
  gone: {wait: 60 days}
  won: {goal: purchase}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("customers", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--looks", action="store_true", help="The report of every day, too.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = carried_out(Path(folder), options.customers, options.seed)
        if options.looks:
            for day in range(1, 28):
                tell(f"day {day}", reported(bench, day), primary_only=True)
        began = time.perf_counter()
        report = reported(bench, 29)
        tell(f"day 29, after {time.perf_counter() - began:.1f} s", report)


def carried_out(root: Path, customers: int, seed: int) -> Bench:
    """The campaign after its wave, and all that was bought afterwards."""
    bench = Bench(root, open_database(f"sqlite:///{root}/contactflow.db"), FLOW)
    bench.people(customers)
    journal = Journal.open(root, "benchmark")
    carry_out(bench.start(), NOW, Desk("benchmark", journal, SystemClock()))
    journal.close()
    with writing(bench.database) as session:
        columns = ("key", "customer_id", "purchased_at", "amount_cents", "currency")
        insert_rows(session, table_of(Purchase), columns, bought(customers, seed))
        session.execute(text("ANALYZE"))
    return bench


def bought(customers: int, seed: int) -> Iterator[tuple[object, ...]]:
    """Purchases before the start and after it; who buys often does so in both."""
    chance = np.random.default_rng(seed)
    eager = chance.gamma(2, BUYING / 2, customers)
    for name, first_day in (("before", -28), ("after", 0)):
        orders = chance.poisson(eager)
        who = np.repeat(np.arange(1, customers + 1), orders)
        at = to_micros(NOW) + ((first_day + 28 * chance.random(len(who))) * DAY_MICROS).astype(np.int64)
        cents = (100 * chance.lognormal(3, 1, len(who))).astype(np.int64)
        for n, row in enumerate(zip(who.tolist(), at.tolist(), cents.tolist(), strict=True)):
            yield f"{name}{n}", *row, "EUR"


def reported(bench: Bench, day: int) -> Report:
    workspace = bench.workspace
    with reading(bench.database) as session:
        return build_report(session, "twelve", NOW + timedelta(days=day), workspace.zone, "EUR", stored_graph)


def tell(when: str, report: Report, *, primary_only: bool = False) -> None:
    """Every comparison as the report has it."""
    for each in report.comparisons:
        if each.primary or not primary_only:
            low, high, estimate = (
                float("nan") if figure is None else figure for figure in (each.absolute.low, each.absolute.high, each.absolute.estimate)
            )
            names = f"{each.node}: {each.arm} against {each.control}"
            print(f"{when:>22}  {names:38} {each.metric:9} {estimate:+.5f} ({low:+.5f} to {high:+.5f})  {each.verdict.value}")
    for experiment in report.experiments if not primary_only else ():
        print(f"{when:>22}  {experiment.node}: sizes as written? p = {experiment.sample_ratio_p:.3f}")


if __name__ == "__main__":
    main()
