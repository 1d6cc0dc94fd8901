"""The facts of Hillstrom's campaign, from his file alone."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from tests.response.recomputed_facts import DAY, Facts, Numbers, Plan, Told

ARMS = {"Mens E-Mail": "mens", "Womens E-Mail": "womens", "No E-Mail": "none"}
PLAN = Plan("arms", "split", "none", {"mens": None, "womens": None, "none": None})
MAILS = {"mens_mail": "email", "womens_mail": "email"}
MILLICENTS = 50  # a mail: .05 of a cent
LATER = round(2.125 * DAY)  # visits and purchases, after the mails


def told_of(campaign: str, started: int, as_of: int) -> Told:
    """What the flow says."""
    return Told(campaign, "USD", as_of, 14 * DAY, 0.01, ("visit", "purchase", "spend"), (PLAN,), MAILS, started)


def facts_of_file(file: pl.DataFrame, told: Told) -> Facts:
    """What docs/how-to/run-hillstrom.md lets happen."""
    file = file.with_columns(arm=pl.col("segment").replace_strict(ARMS))
    start, then = told.started, told.started + LATER
    ended = pl.when(pl.col("arm") == "none").then(pl.lit("flow_ended")).otherwise(None)
    return Facts(
        told,
        file.select("customer", entered=pl.lit(start), segment=pl.lit(None, pl.String), ended=ended),
        file.select("customer", "arm", node=pl.lit("arms"), at=pl.lit(start)),
        _mails(file),
        pl.concat([_sent(file, told), _visits(file, told)]).with_row_index("row"),
        _bought(file, then),
        file.head(0).select("customer", at=pl.lit(0), purpose="arm", channel="arm", granted=pl.lit(value=True)),
        features_of(file),
    )


def _mails(file: pl.DataFrame) -> pl.DataFrame:
    written = file.filter(pl.col("arm") != "none")
    constant = {"channel": pl.lit("email"), "arm": pl.lit(None, pl.String), "state": pl.lit("sent"), "reason": pl.lit(None, pl.String)}
    return written.select("customer", id="customer", node=pl.col("arm") + "_mail", units=1, millicents=MILLICENTS, **constant)


def _sent(file: pl.DataFrame, told: Told) -> pl.DataFrame:
    words = {"kind": "sent", "direction": "out", "channel": "email", "campaign": told.campaign}
    return _contact(file.filter(pl.col("arm") != "none"), told.started, words, pl.col("arm") + "_mail")


def _visits(file: pl.DataFrame, told: Told) -> pl.DataFrame:
    words = {"kind": "visited", "direction": "in", "channel": "web", "campaign": told.campaign}
    return _contact(file.filter(pl.col("visit") == "1"), told.started + LATER, words, pl.lit(None, pl.String))


def _contact(rows: pl.DataFrame, at: int, words: Mapping[str, str], node: pl.Expr) -> pl.DataFrame:
    said = {name: pl.lit(word) for name, word in words.items()}
    return rows.select("customer", at=pl.lit(at), **said, node=node, human=pl.lit(value=True), message=pl.lit(None, pl.Int64))


def _bought(file: pl.DataFrame, at: int) -> pl.DataFrame:
    buyers = file.filter(pl.col("conversion") == "1")
    cents = (pl.col("spend").cast(pl.Float64) * 100).round().cast(pl.Int64)
    return buyers.select("customer", at=pl.lit(at), cents=cents, currency=pl.lit("USD"))


def features_of(file: pl.DataFrame) -> Mapping[str, Numbers]:
    """What the ranking is made from: numbers cut off at 1 and 99 in 100, texts by their values, the most frequent first."""
    found: dict[str, Numbers] = {}
    for name in ("recency", "history", "mens", "womens", "zip_code", "newbie", "channel"):
        column = file[name]
        if name in ("zip_code", "channel"):
            values = column.value_counts(sort=True)[name].to_list()
            found |= {f"{name} {value}": (column == value).to_numpy().astype(float) for value in values}
        else:
            numbers = column.cast(pl.Float64).to_numpy()
            found[name] = np.clip(numbers, *np.quantile(numbers, (0.01, 0.99)))
    return found
