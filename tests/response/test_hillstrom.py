"""64,000 real customers against an independent calculation and the published rates, on both databases."""

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind
from sqlalchemy import Engine
from sqlmodel import SQLModel
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from customers.tables import Contact, Customer, Purchase, table_of
from engine.tables import Exposure, Member
from response.facts import Report
from response.statistics.verdicts import Verdict
from store.bulk import insert_rows
from store.clock import to_micros
from tests.response.response_story import DONE, EVERYONE, NOON, Story, flow, pick, split, telling

FILE = Path(__file__).parents[3] / "shared/data/hillstrom/hillstrom.csv.gz"
ARMS = {"Mens E-Mail": "mens", "Womens E-Mail": "womens", "No E-Mail": "none"}
LEARN = {"question": "Does an e-mail bring people back?", "metric": "visit", "within": "14 days", "also": ["purchase", "spend"]}
PUBLISHED = {"none": (0.106, 0.0057, 0.65), "mens": (0.183, 0.0125, 1.42), "womens": (0.151, 0.0088, 1.08)}  # visit, conversion, spend

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"the Hillstrom file is not there: {FILE.name} under ../shared/data/hillstrom")


@pytest.fixture(scope="module")
def people() -> NDArray[np.str_]:
    """Columns segment, visit, conversion, spend."""
    with gzip.open(FILE, "rt", newline="") as file:
        rows = np.array(list(csv.reader(file))[1:])
    return np.column_stack([[ARMS[segment] for segment in rows[:, 8]], rows[:, 9:12]])


@pytest.fixture
def report(database: Engine, people: NDArray[np.str_]) -> Iterator[Report]:
    arms = {name: {"is": said, "control": name == "none"} for said, name in ARMS.items()}
    with telling(database) as story:
        load(story, people, story.runs(flow(EVERYONE, split(arms, by="segment"), DONE, learn=LEARN)))
        yield story.report(currency="USD")


def load(story: Story, people: NDArray[np.str_], version: str) -> None:
    at, later = to_micros(NOON), to_micros(NOON + timedelta(days=3))
    everyone = list(enumerate(people.tolist(), 1))
    put(story, Customer, "id key created_at changed_at", ((n, f"h{n}", at, at) for n, _ in everyone))
    columns = "id campaign_id version_id customer_id entered_at node arrived_at entry hop fresh"
    put(story, Member, columns, ((n, story.campaign_id, story.versions[version], n, at, "done", at, 1, 0, False) for n, _ in everyone))
    columns = "member_id node campaign_id customer_id version arm at"
    put(story, Exposure, columns, ((n, "arms", story.campaign_id, n, version, row[0], at) for n, row in everyone))
    columns = "at customer_id direction channel kind campaign human"
    put(story, Contact, columns, ((later, n, "in", "import", "visited", "spring", True) for n, row in everyone if row[1] == "1"))
    columns = "key customer_id purchased_at amount_cents currency"
    bought = ((f"p{n}", n, later, round(float(row[3]) * 100), "USD") for n, row in everyone if row[2] == "1")
    put(story, Purchase, columns, bought)


def put(story: Story, model: type[SQLModel], columns: str, rows: Iterable[Sequence[Any]]) -> None:
    insert_rows(story.session, table_of(model), columns.split(), rows)


def test_three_metrics_agree_with_an_independent_calculation(report: Report, people: NDArray[np.str_]) -> None:
    outcomes = people[:, 1:].astype(float)
    control = outcomes[people[:, 0] == "none"]
    for name in ("mens", "womens"):
        arm = outcomes[people[:, 0] == name]
        for column, metric in enumerate(("visit", "purchase")):
            counts, sizes = (int(arm[:, column].sum()), int(control[:, column].sum())), (len(arm), len(control))
            two = (counts[0], sizes[0], counts[1], sizes[1])
            found = pick(report, metric, name)
            assert (found.arm_assigned, found.control_assigned) == sizes
            assert (found.absolute.low, found.absolute.high) == pytest.approx(
                confint_proportions_2indep(*two, compare="diff", method="newcomb"), abs=1e-9
            )
            relative = np.array(confint_proportions_2indep(*two, compare="ratio", method="log")) - 1
            assert (found.relative.low, found.relative.high) == pytest.approx(relative, abs=1e-9)
            assert found.absolute.estimate == pytest.approx(arm[:, column].mean() - control[:, column].mean(), abs=1e-9)
            assert found.p_value == pytest.approx(proportions_ztest(counts, sizes)[1], rel=1e-6)
            assert found.verdict is Verdict.BETTER
        spend = pick(report, "spend", name)
        oracle = ttest_ind(arm[:, 2], control[:, 2], equal_var=False)
        interval = oracle.confidence_interval(0.95)
        assert (spend.absolute.low, spend.absolute.high) == pytest.approx((interval.low, interval.high), abs=1e-6)
        assert spend.absolute.estimate == pytest.approx(arm[:, 2].mean() - control[:, 2].mean(), abs=1e-6)
        assert spend.p_value == pytest.approx(oracle.pvalue, rel=1e-6)
        assert (spend.relative.low, spend.relative.high) == pytest.approx(log_interval(arm[:, 2], control[:, 2]), abs=1e-6)
        assert spend.verdict is Verdict.BETTER
        assert (spend.arm_rate, spend.control_rate) == pytest.approx((PUBLISHED[name][2], PUBLISHED["none"][2]), abs=0.005)
        rates = [pick(report, metric, name).arm_rate for metric in ("visit", "purchase")]
        assert rates == [pytest.approx(PUBLISHED[name][0], abs=5e-4), pytest.approx(PUBLISHED[name][1], abs=1e-4)]
    assert report.currency == "USD"


def log_interval(arm: NDArray[np.float64], control: NDArray[np.float64]) -> tuple[float, float]:
    reach = 1.959963984540054 * np.sqrt(sum(each.var(ddof=1) / len(each) / each.mean() ** 2 for each in (arm, control)))
    ratio = arm.mean() / control.mean()
    return float(ratio * np.exp(-reach) - 1), float(ratio * np.exp(reach) - 1)
