"""A move of a million members, stored: ours against deleting and inserting the same rows, in the same run.

    .venv/bin/python -m benchmarks.moves [MEMBERS] [--database sqlite|postgresql]

Everybody rests at one wait that is over, and goes on to the next. Ours is engine.advance: read who is due, step, update the member,
write the move down. The reference deletes and inserts each member's row and writes the move down, in tables of the same columns,
indexes and keys (foreign keys deferred to the commit), a statement a chunk, in transactions of the same size; it finds and decides
nothing. Beside it the same without foreign keys, and the members' rows alone. The naive way is an UPDATE and an INSERT for each
member. All take turns, part by part, so that what else the machine does falls on all alike.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import repeat

from sqlalchemy import Column, Engine, ForeignKeyConstraint, Index, MetaData, Table, UniqueConstraint, select, text
from sqlmodel import Session

from benchmarks.figures import Figure, database_of, seconds
from benchmarks.twelve_nodes import NOW, Bench
from customers.tables import Customer, table_of
from engine.advance import CHUNK, advance
from engine.running import Running
from engine.tables import Member, Move
from store.bulk import insert_rows
from store.clock import DAY_MICROS, from_micros, to_micros
from store.session import writing

PARTS = 10
RIVALS = {
    "keyed": ("delete + insert, moves written down", 1.2),
    "bare": ("the same without foreign keys", None),
    "rows": ("delete + insert of the members alone", None),
    "naive": ("an UPDATE for each member", None),
}
FLOW = """
campaign: twelve
purpose: offers
flow:
  dutch: {audience: country = 'NL'}
  pause: {wait: 5 days}
  rest: {wait: 5 days}
  won: {goal: purchase}
"""
COLUMNS = (
    *("id", "campaign_id", "version_id", "customer_id", "entry", "entered_at", "node", "arrived_at", "deadline_at", "due_at"),
    *("hop", "fresh"),
)
MOVE = (1, "pause", "next", to_micros(NOW))
MOVES = ("member_id", "hop", "node", "exit", "at")
MOMENT = to_micros(NOW)
LATER = MOMENT + 5 * DAY_MICROS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("members", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args()
    for kind in options.database or ("sqlite", "postgresql"):
        with database_of(kind) as (root, database):
            measure(kind, Bench(root, database, FLOW), options.members)


def measure(kind: str, bench: Bench, members: int) -> None:
    bench.people(members)
    (running,) = bench.start()
    rivals = {name: Rival(bench.database, f"rival_{name}", keys=name == "keyed") for name in RIVALS}
    with writing(bench.database) as session:
        insert_rows(session, table_of(Member), COLUMNS, resting(running, 1, members + 1))
        for rival in rivals.values():
            rival.fill(session)
        session.execute(text("ANALYZE"))
    spent, size, few = defaultdict[str, float](float), members // PARTS, max(members // 100, 1)
    for first in range(1, members, size):
        for name in ("keyed", "bare", "rows"):
            spent[name] += seconds(partial(rivals[name].delete_and_insert, running, first, first + size, moves=name != "rows"))
        spent["ours"] += seconds(partial(move, running, size))
    spent["naive"] = seconds(partial(rivals["naive"].one_by_one, few)) * members / few
    for name, (told, goal) in RIVALS.items():
        Figure("moves", f"{kind}: a move of {members:,}, stored", spent["ours"], "s", spent[name], told, goal).show()


def move(running: Running, members: int) -> None:
    moved = advance(running, NOW, members)
    assert moved == members, f"{moved} moved, not {members}"


def resting(running: Running, first: int, last: int) -> Iterator[tuple[object, ...]]:
    same = (1, MOMENT - 5 * DAY_MICROS, "pause", MOMENT - 5 * DAY_MICROS, MOMENT, MOMENT, 1, False)
    return ((n, running.campaign_id, running.version_id, n, *same) for n in range(first, last))


def moved(running: Running, first: int, last: int) -> Iterator[tuple[object, ...]]:
    same = (1, MOMENT - 5 * DAY_MICROS, "rest", MOMENT, LATER, LATER, 2, False)
    return ((n, running.campaign_id, running.version_id, n, *same) for n in range(first, last))


class Rival:
    """Tables like `member` and `move` under another name, with the same indexes; with foreign keys, or without."""

    def __init__(self, database: Engine, name: str, *, keys: bool) -> None:
        self._database = database
        self._metadata = MetaData()
        self._members = self._like(table_of(Member), name)
        self._moves = self._like(table_of(Move), f"{name}_move")
        if keys:
            # Deferred, so that a member may be gone between its deletion and its insertion.
            for table, column, target in ((self._moves, "member_id", self._members), (self._members, "customer_id", table_of(Customer))):
                key = ForeignKeyConstraint([table.c[column]], [target.c.id], deferrable=True, initially="DEFERRED")
                table.append_constraint(key)
        self._metadata.create_all(database)

    def fill(self, session: Session) -> None:
        """Take over all members."""
        session.execute(self._members.insert().from_select(COLUMNS, select(*(table_of(Member).c[name] for name in COLUMNS))))

    def delete_and_insert(self, running: Running, first: int, last: int, *, moves: bool) -> None:
        for start in range(first, last, CHUNK):
            end = min(start + CHUNK, last)
            with writing(self._database) as session:
                session.execute(self._members.delete().where(self._members.c.id >= start, self._members.c.id < end))
                insert_rows(session, self._members, COLUMNS, moved(running, start, end))
                if moves:
                    insert_rows(session, self._moves, MOVES, zip(range(start, end), *map(repeat, MOVE), strict=False))

    def one_by_one(self, members: int) -> None:
        moment = from_micros(LATER)
        with writing(self._database) as session:
            for member in range(1, members + 1):
                change = {"node": "rest", "arrived_at": NOW, "deadline_at": moment, "due_at": moment, "hop": 2}
                session.execute(self._members.update().where(self._members.c.id == member).values(change))
                session.execute(self._moves.insert().values((member, 1, "pause", "next", NOW)))

    def _like(self, model: Table, name: str) -> Table:
        columns = [Column(each.name, each.type, primary_key=each.primary_key, nullable=each.nullable) for each in model.columns]
        table = Table(name, self._metadata, *columns)
        for number, index in enumerate(model.indexes):
            where = {f"{dialect}_where": index.dialect_options[dialect]["where"] for dialect in ("sqlite", "postgresql")}
            Index(f"{name}_{number}", *(table.c[each.name] for each in index.columns), **where)
        for key in model.constraints:
            if isinstance(key, UniqueConstraint):
                table.append_constraint(UniqueConstraint(*(table.c[each.name] for each in key.columns)))
        return table


if __name__ == "__main__":
    main()
