"""The report on 64,000 real customers, walked from top to bottom: each figure is made again from the file, by formulas of others."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from customers.attributes import declare_attributes, profile_table
from customers.conditions.vocabulary import AttributeKind
from customers.tables import Contact, Customer, Purchase
from engine.nodes.send import Send
from engine.tables import Exposure, Member, OutboxMessage
from response.notebook import CampaignReport
from response.render.data import as_json
from store.bulk import insert_rows
from store.clock import to_micros
from tests.response.recomputed_facts import Facts
from tests.response.recomputed_hillstrom import ARMS, LATER, MAILS, MILLICENTS, facts_of_file, told_of
from tests.response.recomputed_reading import read_file, walk, walk_comparisons
from tests.response.recomputed_result import comparisons, others_at
from tests.response.recomputed_sentences import unknown
from tests.response.recomputed_tables import TABLES
from tests.response.recomputed_uplift import UPLIFT, coefficients
from tests.response.report_example import a_story, made
from tests.response.response_story import DONE, EVERYONE, NOON, Story, flow, split
from tests.response.test_hillstrom import FILE, LEARN, put

pytest.importorskip("sklearn", reason="the extra `analysis` is not installed")
pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"the Hillstrom file is not there: {FILE.name} under ../shared/data/hillstrom")

RECOMPUTED = {**TABLES, **UPLIFT, "result-arms": others_at("arms")}
NO_FIGURES = {"goal", "versions", "made-with"}  # what was asked (its figures are said, and looked at below), and what it was made with
KINDS = {"recency": AttributeKind.INTEGER, "history": AttributeKind.NUMBER, "mens": AttributeKind.BOOLEAN, "womens": AttributeKind.BOOLEAN}
KINDS |= {"zip_code": AttributeKind.TEXT, "newbie": AttributeKind.BOOLEAN, "usual_channel": AttributeKind.TEXT}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignReport, Facts]:
    file = read_file(FILE)
    with a_story(tmp_path_factory.mktemp("hillstrom")) as story:
        load(story, file)
        report = made(story, currency="USD")
    return report, facts_of_file(file, told_of("spring", to_micros(NOON), to_micros(report.facts.as_of)))


def load(story: Story, file: pl.DataFrame) -> None:
    """The campaign as it lies in the database after docs/how-to/run-hillstrom.md was followed."""
    arms = {name: {"is": name, "control": name == "none", "next": "done" if name == "none" else f"{name}_mail"} for name in ARMS.values()}
    mails = [Send.model_validate({"id": name, "send": "email", "template": "a.txt", "next": "done"}) for name in MAILS]
    version = story.runs(flow(EVERYONE, split(arms, by="arm"), *mails, DONE, learn={**LEARN, "minimum_lift": "1 point"}))
    at, later, version_id = to_micros(NOON), to_micros(NOON) + LATER, story.versions[version]
    everyone = list(enumerate(file["segment"].replace_strict(ARMS).to_list(), 1))
    written = [(n, f"{arm}_mail") for n, arm in everyone if arm != "none"]
    put(story, Customer, "id key created_at changed_at", ((n, f"h{n}", at, at) for n, _ in everyone))
    columns = "id campaign_id version_id customer_id entered_at node arrived_at entry hop fresh ended"
    ended = {"none": "flow_ended"}
    put(story, Member, columns, ((n, story.campaign_id, version_id, n, at, "done", at, 1, 0, False, ended.get(arm)) for n, arm in everyone))
    columns = "member_id node campaign_id customer_id version arm at"
    put(story, Exposure, columns, ((n, "arms", story.campaign_id, n, version, arm, at) for n, arm in everyone))
    columns = "member_id version_id customer_id node entry hop channel state queued_at due_at stale_at attempts units cost_millicents"
    put(
        story,
        OutboxMessage,
        columns,
        ((n, version_id, n, node, 1, 1, "email", "sent", at, at, at, 1, 1, MILLICENTS) for n, node in written),
    )
    columns = "at customer_id direction channel kind campaign node human"
    put(story, Contact, columns, ((at, n, "out", "email", "sent", "spring", node, True) for n, node in written))
    visits = [n for (n, _), visit in zip(everyone, file["visit"], strict=True) if visit == "1"]
    put(story, Contact, columns, ((later, n, "in", "web", "visited", "spring", None, True) for n in visits))
    bought = ((n, round(float(spend) * 100)) for (n, _), spend in zip(everyone, file["spend"], strict=True) if float(spend))
    put(story, Purchase, "key customer_id purchased_at amount_cents currency", ((f"p{n}", n, later, cents, "USD") for n, cents in bought))
    attributes(story, file)


def attributes(story: Story, file: pl.DataFrame) -> None:
    declare_attributes(story.session, KINDS)
    flags = [pl.col(name) == "1" for name in ("mens", "womens")]
    columns: list[pl.Expr | str] = [
        pl.col("recency").cast(pl.Int64),
        pl.col("history").cast(pl.Float64),
        *flags,
        "zip_code",
        pl.col("newbie") == "1",
        "channel",
    ]
    rows = ((n, *row) for n, row in enumerate(file.select(*columns).iter_rows(), 1))
    insert_rows(story.session, profile_table(KINDS), ["customer_id", *KINDS], rows)


def test_every_figure_of_every_table_comes_from_the_file_by_another_way(told: tuple[CampaignReport, Facts]) -> None:
    report, facts = told
    document: dict[str, Any] = as_json(report.document, report.facts)
    assert walk(document, facts, RECOMPUTED, NO_FIGURES) == {*map(str, report.tables)} - NO_FIGURES
    assert walk_comparisons(document, facts) == 6


def test_every_figure_that_is_said_comes_from_the_file_by_another_way(told: tuple[CampaignReport, Facts]) -> None:
    report, facts = told
    tables = {name: list(RECOMPUTED[name](facts)) for name in set(report.tables) - NO_FIGURES}
    tables["comparisons"] = comparisons(facts)
    assert unknown(report.document, tables, named(facts)) == []


def named(facts: Facts) -> dict[str, Sequence[float]]:
    """What is said and stands in no table."""
    everybody, found = float(facts.size), coefficients(facts)
    written, visited = (facts.anybody(facts.contacts.filter(pl.col("kind") == kind)).mean() for kind in ("sent", "visited"))
    precision = [(row["absolute"][2] - row["absolute"][1]) / 2 for row in comparisons(facts) if row["primary"]]
    return {
        "funnel.open.all:customers": [everybody],
        "funnel.open.all:sent_share": [written],
        "funnel.open.all:responded_share": [visited],
        "curve.everybody:customers": [everybody],
        "curve.everybody:of": [everybody],
        "uplift.everyone:customers": [everybody],
        "uplift.coefficient:coefficient": [each for each in found["coefficient"] if each is not None],
        "uplift.normalised:normalised": [each for each in found["normalised"] if each is not None],
        "points:size": [facts.told.minimum, *precision, *(row["detectable"] for row in comparisons(facts) if row["primary"])],
    }
