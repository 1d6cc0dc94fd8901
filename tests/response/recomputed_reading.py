"""Reads the facts of a campaign from its file or its raw tables, and walks a report's JSON beside what was made again."""

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sqlalchemy import Connection, text

from tests.response.recomputed_facts import Facts, Recomputed, Row, Told, as_cell
from tests.response.recomputed_result import comparisons

_READ = {
    "people": "SELECT id, customer_id, entered_at AS entered, segment, ended FROM member WHERE campaign_id = :campaign ORDER BY id",
    "groups": "SELECT customer_id, node, arm, at FROM exposure WHERE campaign_id = :campaign AND arm <> ''",
    "messages": "SELECT o.id, o.customer_id, o.node, o.channel, o.arm, o.state, o.reason, o.units, o.cost_millicents AS millicents"
    " FROM outbox o JOIN member m ON m.id = o.member_id WHERE m.campaign_id = :campaign",
    "contacts": "SELECT id AS row, customer_id, at, kind, direction, campaign, node, channel, human, message_id AS message FROM contact",
    "purchases": "SELECT customer_id, purchased_at AS at, amount_cents AS cents, currency FROM purchase",
    "consent": "SELECT customer_id, at, purpose, channel, granted FROM consent_event",
}
_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("id", "row", "customer_id", "entered", "at", "units", "millicents", "message", "cents"), pl.Int64),
    **dict.fromkeys(("segment", "ended", "node", "arm", "channel", "state", "reason", "kind", "direction", "campaign"), pl.String),
    **dict.fromkeys(("currency", "purpose"), pl.String),
    **dict.fromkeys(("human", "granted"), pl.Boolean),
}


def facts_of_tables(connection: Connection, told: Told, campaign_id: int) -> Facts:
    """From the raw tables of a workspace: SELECT and nothing more."""
    frames = {name: _frame(connection, query, campaign_id) for name, query in _READ.items()}
    numbers = frames["people"].select("customer_id").with_row_index("customer").with_columns(pl.col("customer").cast(pl.Int64))
    numbered = {name: frame.join(numbers, on="customer_id", maintain_order="left") for name, frame in frames.items()}
    people, groups, messages, contacts, purchases, consent = numbered.values()
    return Facts(told, people, groups, messages, contacts, purchases, consent)


def _frame(connection: Connection, query: str, campaign_id: int) -> pl.DataFrame:
    chosen = {"campaign": campaign_id} if ":campaign" in query else {}
    found = connection.execute(text(query), chosen)
    names = list(found.keys())
    return pl.DataFrame([tuple(row) for row in found], schema={name: _SCHEMA[name] for name in names}, orient="row")


def read_file(path: Path) -> pl.DataFrame:
    """Hillstrom's file as it is, with the number of the row as the customer."""
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    return (
        pl.DataFrame({name: [row[name] for row in rows] for name in rows[0]})
        .with_row_index("customer")
        .with_columns(pl.col("customer").cast(pl.Int64))
    )


def walk(document: Mapping[str, Any], facts: Facts, tables: Mapping[str, Recomputed], without: Iterable[str]) -> set[str]:
    """Every cell of every table of a report beside what was made again; gives the tables that were compared.

    A table that is in neither list is a fault, as is a column that was not made again.
    """
    compared = set()
    for section in document["sections"]:
        for table in section["tables"]:
            name = table["name"]
            if name in without:
                continue
            assert name in tables, f"nobody recomputes the table '{name}' of section '{section['name']}'"
            _table(table, list(tables[name](facts)))
            compared.add(name)
    return compared


def _table(table: Mapping[str, Any], expected: list[Row]) -> None:
    assert len(table["rows"]) == len(expected), f"{table['name']}: {len(table['rows'])} rows, and {len(expected)} expected"
    for place, (row, should) in enumerate(zip(table["rows"], expected, strict=True)):
        for column, cell in zip(table["columns"], row, strict=True):
            where = f"{table['name']}[{place}].{column['name']}"
            assert column["name"] in should, f"nobody recomputes {where}"
            same(where, as_cell(cell), should[column["name"]])


def same(where: str, found: Any, should: Any) -> None:
    """To a millionth, or exactly where it is a count or a word. An effect that is not there is undefined in all its parts."""
    if isinstance(found, tuple) or isinstance(should, tuple):
        for part, one, other in zip(("estimate", "low", "high"), _three(found), _three(should), strict=True):
            same(f"{where}.{part}", one, other)
    elif isinstance(found, float) or isinstance(should, float | np.floating):
        assert found is not None, where
        assert should is not None, where
        assert found == pytest.approx(float(should), rel=1e-6, abs=1e-9), where
    else:
        assert found == should, where


def _three(effect: Any) -> tuple[Any, Any, Any]:
    return (None, None, None) if effect is None else effect


def walk_comparisons(document: Mapping[str, Any], facts: Facts) -> int:
    """Every figure of `comparisons`; gives how many there are."""
    expected = list(comparisons(facts))
    assert len(document["comparisons"]) == len(expected)
    for found, should in zip(document["comparisons"], expected, strict=True):
        where = f"{should['node']}/{should['metric']}/{should['arm']}"
        for name in should:
            if name == "cuped":
                _same_cuped(where, found["cuped"], should["cuped"])
            else:
                same(f"{where}.{name}", as_cell(found[name]), should[name])
        assert set(_figures_in(found)) - set(should) <= {"level", "open_customers"}
    return len(expected)


def _same_cuped(where: str, found: Any, should: Any) -> None:
    assert (found is None) == (should is None), where
    for name in should or ():
        same(f"{where}.cuped.{name}", as_cell(found[name]), should[name])


def _figures_in(found: Mapping[str, Any]) -> Iterator[str]:
    """The fields with a number in them."""
    return (name for name, value in found.items() if isinstance(value, int | float | dict) and name != "methods")
