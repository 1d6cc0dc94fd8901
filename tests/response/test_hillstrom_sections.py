"""The sections of the report on 64,000 real customers, each figure against another's formula, on both databases."""

import csv
import gzip
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln
from scipy.stats import chi2, norm, rankdata, ttest_ind
from sqlalchemy import Engine
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

from customers.tables import Contact, Customer, Purchase
from engine.nodes.send import Send
from engine.tables import Exposure, Member, OutboxMessage
from response.parts import Section
from response.sections import attribution, cumulative, curve, money, rfm, segments, trust
from response.sources import Sources
from response.statistics.sums import Effect
from store.clock import to_micros
from tests.response.response_story import DONE, EVERYONE, NOON, Story, flow, split, telling
from tests.response.section_reading import keys, rows, said
from tests.response.test_hillstrom import ARMS, FILE, LEARN, put

COST = 0.0005  # dollars a mail: half of a tenth of a cent
MILLICENTS = 50
LATER = NOON + timedelta(days=3)
Z = norm.ppf(0.975)

Numbers = NDArray[np.float64]
Arms = dict[str, "People"]

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"the Hillstrom file is not there: {FILE.name} under ../shared/data/hillstrom")


class People:
    """The columns of the file that are needed here, of all customers or of some."""

    def __init__(self, columns: dict[str, NDArray[Any]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns["arm"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def where(self, these: NDArray[np.bool_]) -> "People":
        return People({name: column[these] for name, column in self.columns.items()})


@pytest.fixture(scope="module")
def people() -> People:
    with gzip.open(FILE, "rt", newline="") as file:
        read = list(csv.DictReader(file))
    numbers = {name: np.array([float(row[name]) for row in read]) for name in ("recency", "history", "visit", "conversion", "spend")}
    segment = np.where(numbers["history"] > 350, "big", np.where(numbers["recency"] <= 3, "recent", ""))
    return People({**numbers, "segment": segment, "arm": np.array([ARMS[row["segment"]] for row in read])})


@pytest.fixture
def known(database: Engine, people: People) -> Iterator[Sources]:
    """The campaign as it ran: each mail that left, each visit and purchase, and one purchase before as the file's recency and history."""
    arms = {name: {"is": was, "control": name == "none", "next": "done" if name == "none" else name} for was, name in ARMS.items()}
    mails = [
        Send.model_validate({"id": name, "send": "email", "template": "a.txt", "next": "done"}) for name in ARMS.values() if name != "none"
    ]
    with telling(database) as story:
        load(story, people, story.runs(flow(EVERYONE, split(arms, by="arm"), *mails, DONE, learn=LEARN)))
        yield story.sources(currency="USD")


def load(story: Story, people: People, version: str) -> None:
    at, later, version_id = to_micros(NOON), to_micros(LATER), story.versions[version]
    everyone = list(enumerate(people["arm"].tolist(), 1))
    written = [(n, arm) for n, arm in everyone if arm != "none"]
    put(story, Customer, "id key created_at changed_at", ((n, f"h{n}", at, at) for n, _ in everyone))
    columns = "id campaign_id version_id customer_id entered_at node arrived_at entry hop fresh segment"
    segment = [each or None for each in people["segment"].tolist()]
    put(story, Member, columns, ((n, story.campaign_id, version_id, n, at, "done", at, 1, 0, False, segment[n - 1]) for n, _ in everyone))
    columns = "member_id node campaign_id customer_id version arm at"
    put(story, Exposure, columns, ((n, "arms", story.campaign_id, n, version, arm, at) for n, arm in everyone))
    columns = "member_id version_id customer_id node entry hop channel state queued_at due_at stale_at attempts units cost_millicents"
    put(story, OutboxMessage, columns, ((n, version_id, n, arm, 1, 1, "email", "sent", at, at, at, 1, 1, MILLICENTS) for n, arm in written))
    columns = "at customer_id direction channel kind campaign node human"
    put(story, Contact, columns, ((at, n, "out", "email", "sent", "spring", arm, False) for n, arm in written))
    visits = (np.flatnonzero(people["visit"]) + 1).tolist()
    put(story, Contact, columns, ((later, n, "in", "import", "visited", "spring", None, True) for n in visits))
    columns = "key customer_id purchased_at amount_cents currency"
    now = ((f"p{n}", n, later, cents(people, "spend", n), "USD") for n in (np.flatnonzero(people["conversion"]) + 1).tolist())
    put(story, Purchase, columns, now)
    before = ((f"b{n}", n, to_micros(NOON - timedelta(days=days_ago(people, n))), cents(people, "history", n), "USD") for n, _ in everyone)
    put(story, Purchase, columns, before)


def cents(people: People, column: str, number: int) -> int:
    return round(float(people[column][number - 1]) * 100)


def days_ago(people: People, number: int) -> float:
    return 30.0 * float(people["recency"][number - 1])


def test_every_section_agrees_with_another_calculation(known: Sources, people: People) -> None:
    arms = {name: people.where(people["arm"] == name) for name in ARMS.values()}
    for check in (the_curve, the_band, the_segments, the_money, the_credit, the_balance):
        check(known, arms)
    the_grid(known, people)


def the_curve(known: Sources, arms: Arms) -> None:
    found = curve.section(known)
    for row in rows(found, "curve-end"):
        visits, n = arms[row["group"]]["visit"].sum(), len(arms[row["group"]])
        assert (row["counted"], row["total"]) == (n, visits)
        assert ends(row["rate"]) == near(visits / n, *proportion_confint(visits, n, method="wilson"))
        assert row["group"] == "none" or ends(row["absolute"]) == near(*newcombe(arms[row["group"]], arms["none"]))
    for row in rows(found, "curve"):
        # All visits lie three days after the entry, at the start of the fourth day.
        assert row["rate"] == pytest.approx(arms[row["group"]]["visit"].mean() if row["day"] > 3 else 0, abs=1e-12)


def the_band(known: Sources, arms: Arms) -> None:
    found = cumulative.section(known)
    days = rows(found, "cumulative")
    assert min(row["day"] for row in days) == LATER.date()
    for row in days:
        arm, control = arms[row["group"]], arms["none"]
        p, band = looked_at(arm, control, 0.005 / 2)
        assert row["any_time_p"] == pytest.approx(p, rel=1e-9)
        assert ends(row["absolute"]) == near(arm["visit"].mean() - control["visit"].mean(), *band)
        assert row["extra"] == pytest.approx((arm["visit"].mean() - control["visit"].mean()) * len(arm), abs=0.005)


def looked_at(arm: People, control: People, alpha: float) -> tuple[float, tuple[float, float]]:
    """Lindon and Malek's test with prior counts of 100, written out: the band is where a likelihood ratio meets 1 / alpha."""
    y, n = np.array([arm["visit"].sum(), control["visit"].sum()]), np.array([len(arm), len(control)])
    share, prior = n / n.sum(), 100 * n / n.sum()
    evidence = gammaln(prior.sum()) - gammaln((prior + y).sum()) + (gammaln(prior + y) - gammaln(prior)).sum()

    def short(part: float) -> float:
        return float(y[0] * np.log(part) + y[1] * np.log1p(-part) - evidence - np.log(alpha))

    seen = float(y[0] / y.sum())
    edges = brentq(short, 1e-9, seen, xtol=1e-15), brentq(short, seen, 1 - 1e-9, xtol=1e-15)
    low, high = (float(y.sum() * (part / n[0] - (1 - part) / n[1])) for part in edges)
    return min(1.0, float(np.exp((y * np.log(share)).sum() - evidence))), (low, high)


def the_segments(known: Sources, arms: Arms) -> None:
    found = segments.section(known)
    table = rows(found, "segments")
    assert {(row["segment"], row["group"]) for row in table} == {
        (each, arm) for each in ("big", "recent", "(none)") for arm in ("mens", "womens")
    }
    p_values = []
    for row in table:
        arm, control = (each.where(each["segment"] == row["segment"].replace("(none)", "")) for each in (arms[row["group"]], arms["none"]))
        assert (row["assigned"], row["control_assigned"], row["customers"]) == (len(arm), len(control), len(arm) + len(control))
        assert (row["rate"], row["control_rate"]) == near(arm["visit"].mean(), control["visit"].mean())
        assert ends(row["absolute"]) == near(*newcombe(arm, control))
        p_values.append(proportions_ztest([arm["visit"].sum(), control["visit"].sum()], [len(arm), len(control)])[1])
        assert row["p"] == pytest.approx(p_values[-1], rel=1e-9)
    assert [row["corrected_p"] for row in table] == pytest.approx(multipletests(p_values, method="fdr_bh")[1], rel=1e-9)
    lifts = [
        (row["absolute"].estimate, ((row["absolute"].high - row["absolute"].low) / 2 / Z) ** 2) for row in table if row["group"] == "mens"
    ]
    assert said(first_alike(found), "segments.alike")["p"] == pytest.approx(cochran(*zip(*lifts, strict=True)), rel=1e-9)


def first_alike(found: Section | None) -> Section:
    """The section up to what it says of the first arm."""
    assert found is not None
    place = next(place for place, part in enumerate(found.parts) if getattr(part, "key", "") == "segments.alike")
    return Section(found.name, found.parts[: place + 1])


def cochran(estimates: tuple[float, ...], variances: tuple[float, ...]) -> float:
    weights, effects = 1 / np.array(variances), np.array(estimates)
    return float(chi2.sf((weights * (effects - np.average(effects, weights=weights)) ** 2).sum(), len(effects) - 1))


def the_money(known: Sources, arms: Arms) -> None:
    found, control = money.section(known), arms["none"]
    for row in rows(found, "money-accounts"):
        arm = arms[row["group"]]
        n = len(arm)
        assert row["extra_cost"] == pytest.approx(COST * n, abs=1e-9)
        assert ends(row["extra_responses"]) == near(*(n * each for each in newcombe(arm, control)), abs=1e-6)
        assert ends(row["extra_turnover"]) == near(*(n * each for each in welch(arm["spend"], control["spend"])), abs=1e-6)
        assert ends(row["net"]) == near(*(n * each for each in welch(arm["spend"] - COST, control["spend"])), abs=1e-6)
        # Every mail costs the same, so that only one side of each ratio is uncertain.
        more, error = arm["spend"].mean() - control["spend"].mean(), spread(arm["spend"], control["spend"])
        assert ends(row["return_on_cost"]) == near(*(each / COST for each in (more, more - Z * error, more + Z * error)), abs=1e-6)
        more, error = arm["visit"].mean() - control["visit"].mean(), spread(arm["visit"], control["visit"])
        assert ends(row["cost_per_response"]) == near(*(COST / each for each in (more, more + Z * error, more - Z * error)))
    groups = {row["group"]: row["cost"] for row in rows(found, "money-groups")[:-1]}
    assert groups == {name: pytest.approx(0 if name == "none" else COST * len(arm)) for name, arm in arms.items()}


def the_credit(known: Sources, arms: Arms) -> None:
    found, n = attribution.section(known), len(arms["mens"]) + len(arms["womens"])
    mailed = np.concatenate([arms["mens"]["visit"], arms["womens"]["visit"]])
    for row in rows(found, "attribution")[:-1]:
        shared = [row[f"credit_{name}"] for name in attribution.CONVENTIONS]
        assert shared == pytest.approx([arms[row["message"]]["visit"].sum()] * 5)
    assert "attribution.agree" in keys(found)
    account = {row["responses_of"]: row["responses"] for row in rows(found, "attribution-account")}
    assert (account["after"], account["before"]) == (mailed.sum(), 0)
    assert account["anyway"] == pytest.approx(arms["none"]["visit"].mean() * n)
    counts = (mailed.sum(), n, arms["none"]["visit"].sum(), len(arms["none"]))
    interval = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
    assert ends(account["caused"])[1:] == near(*(n * each for each in interval), abs=1e-6)


def the_balance(known: Sources, arms: Arms) -> None:
    found = {(row["known"], row["group"]): row for row in rows(trust.section(known), "balance")}
    for name in ("mens", "womens"):
        test, control = (30 * arms[each]["recency"] for each in (name, "none"))
        smd = (test.mean() - control.mean()) / np.sqrt((test.var(ddof=1) + control.var(ddof=1)) / 2)
        error = np.sqrt(1 / len(test) + 1 / len(control) + smd**2 / (2 * (len(test) + len(control))))
        assert ends(found["days_since_purchase", name]["smd"]) == near(smd, smd - Z * error, smd + Z * error)


def the_grid(known: Sources, people: People) -> None:
    """Fifths by rank, equal values together in their lowest; all bought once, so that value stands down the grid."""
    recency, value = (fifths(each) for each in (-people["recency"], people["history"]))
    table = rows(rfm.section(known), "rfm-grid")
    assert len(table) == 25
    for row in table:
        here = people.where((recency == row["recency"]) & (value == row["monetary"]))
        test, control = here.where(here["arm"] != "none"), here.where(here["arm"] == "none")
        assert (row["assigned"], row["control_assigned"]) == (len(test), len(control))
        assert ends(row["absolute"]) == near(*newcombe(test, control))


def fifths(values: Numbers) -> NDArray[np.int64]:
    return 1 + (5 * (rankdata(values, method="min") - 1) // len(values)).astype(int)


def newcombe(test: People, control: People) -> tuple[float, ...]:
    counts = (test["visit"].sum(), len(test), control["visit"].sum(), len(control))
    low, high = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
    return test["visit"].mean() - control["visit"].mean(), low, high


def welch(test: Numbers, control: Numbers) -> tuple[float, ...]:
    interval = ttest_ind(test, control, equal_var=False).confidence_interval(0.95)
    return float(test.mean() - control.mean()), interval.low, interval.high


def spread(test: Numbers, control: Numbers) -> float:
    return float(np.sqrt(test.var(ddof=1) / len(test) + control.var(ddof=1) / len(control)))


def ends(effect: Effect) -> tuple[float | None, float | None, float | None]:
    return effect.estimate, effect.low, effect.high


def near(*values: float, abs: float = 1e-9) -> Any:  # noqa: A002  # as pytest calls it
    return pytest.approx(values, abs=abs)
