"""The story of the demo, told step by step: each command as a user would type it, and what it said."""

import csv
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from contactflow.bootstrap import inbox_at_hand, open_workspace
from contactflow.present import NOW
from demo.days import Calendar, Town, live_through
from demo.households import Household, Shop, write_customers, write_purchases
from demo.ledger import Assigned, Check, Span, checks, read_assigned
from demo.post import Post
from demo.public import HERE
from demo.terminal import Terminal
from demo.truth import Effect, true_effects
from demo.visits import Browser, pages_open
from engine.agenda import next_due
from engine.campaigns import campaign_names, open_versions
from engine.prefect_server import prefect_at_hand
from engine.workspace import Workspace
from store.clock import FixedClock

START = datetime(2018, 7, 2, 10, tzinfo=HERE)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Compared:
    """A true effect beside what the report makes of it without knowing it."""

    what: str
    unit: str
    scale: float
    truth: Effect
    estimate: float
    low: float
    high: float
    verdict: str

    @property
    def inside(self) -> bool:
        """Whether the report's interval holds the truth."""
        return self.low <= self.truth.difference <= self.high


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo came to: every check, each effect beside the truth, and who was assigned what."""

    checks: tuple[Check, ...]
    compared: tuple[Compared, ...]
    assigned: Assigned
    town: Town

    @property
    def holds(self) -> bool:
        """Whether what happened and what was written down is the same."""
        return all(check.holds for check in self.checks)


@dataclass
class Tour:
    """A walk through the house with a visitor."""

    root: Path
    shop: Shop
    say: Say
    days: int = 28
    _terminal: Terminal = field(init=False)
    _steps: int = 0

    def __post_init__(self) -> None:
        self._terminal = Terminal(self.root, self.say)

    @property
    def end(self) -> datetime:
        """When the last day is over and the report is made."""
        return START + timedelta(days=self.days, hours=1)

    def walk(self) -> Outcome:
        """Go all the way round, and give what it came to."""
        self._terminal.at(START)
        try:
            with self._step("A workspace, and what a shop exports: its customers and what they bought"):
                self._settle()
            with self._step("The customers come in; what cannot be taken over is written down with the reason"):
                self._import()
            with self._step("The campaign: a file that is checked, and a picture to hang on the wall"):
                self._draw()
            with self._step("Tried on the real audience, without sending anything"):
                self._try()
            with self._step(f"Carried out by Prefect, {self.days} days of a virtual clock, while people answer over HTTP"):
                outcome = self._live()
            with self._step("What happened, and what was written down"):
                self._look_back(outcome)
            with self._step("What the campaign changed: the report beside the truth"):
                self._report(outcome)
            return outcome
        finally:
            os.environ.pop(NOW, None)

    def _settle(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        Terminal(self.root.parent, self.say).show("init", self.root.name, most=0)
        self.say(f"  $ cd {self.root.name}")
        # Its own few customers make room for the households.
        shutil.rmtree(self.root / "data")
        (self.root / "README.md").unlink()
        (self.root / "data").mkdir()
        write_customers(self.root / "data" / "customers.csv", self.shop.households)
        write_purchases(self.root / "data" / "purchases.csv", self.shop.purchases)
        count = f"{len(self.shop.households):,} households"
        self.say(f"  It has settings, a campaign and its wording. data/ gets {count} with what they really bought in 2017;")
        self.say("  names and addresses are invented, and some rows are wrong on purpose.")

    def _import(self) -> None:
        self._terminal.show("import", "customers", "data/customers.csv")
        with (self.root / "data" / "customers.rejected.csv").open(encoding="utf-8", newline="") as lost:
            for row in islice(csv.DictReader(lost), 3):
                self.say(f"      line {row['line']}, {row['column']}: {row['reason']}; {row['remedy']}")
        self._terminal.show("import", "purchases", "data/purchases.csv")

    def _draw(self) -> None:
        self._terminal.show("check", "winback")
        self._terminal.show("draw", "winback", "-o", "winback-plan.svg")

    def _try(self) -> None:
        self._terminal.show("simulate", "winback", "--at", f"{START:%Y-%m-%d %H:%M}", "--assume", "response=10%", most=16)

    def _live(self) -> Outcome:
        households = {each.key: each for each in self.shop.households}
        with ExitStack() as stack:
            address = stack.enter_context(prefect_at_hand(self.root / ".contactflow"))
            self.say(f"  Prefect works at {address.removesuffix('/api')}; each line below is the run of a day, and what people did.")
            stack.enter_context(inbox_at_hand(self.root))
            workspace = stack.enter_context(open_workspace(self.root))
            clock = FixedClock(START)
            browser = Browser(stack.enter_context(pages_open(workspace, clock)))
            stack.callback(browser.close)
            town = Town(self._post(), browser, clock)
            stack.callback(town.post.close)
            town.live(self.shop.households, START)
            self.say(f"  $ contactflow run winback --at '{START:%Y-%m-%d %H:%M}'   (and so on, whenever something is due)")
            calendar = Calendar(START, self.days, lambda now: is_due(workspace, now))
            self._tell_days(live_through(town, self._terminal, calendar))
            assigned = read_assigned(workspace.database, households)
            found = tuple(checks(workspace.database, self.root / "inbox.db", town, assigned, Span(START, clock.now())))
        self._terminal.at(self.end)
        return Outcome(found, tuple(self._compare(assigned)), assigned, town)

    def _post(self) -> Post:
        return Post(self.root / "inbox.db", self.root / "sandbox" / "sms.jsonl", self.root / "print", self.shop.households)

    def _tell_days(self, days: Iterator[tuple[datetime, Counter[str]]]) -> None:
        self.say(f"    {'':10}" + "".join(f"{title:>10}" for title in _COLUMNS))
        total: Counter[str] = Counter()
        for day, done in days:
            total += done
            self.say(f"    {day:%a %d %b}" + _numbers(done))
        self.say("    in all    " + _numbers(total))

    def _look_back(self, outcome: Outcome) -> None:
        for check in outcome.checks:
            sign = "ok " if check.holds else "NO "
            self.say(f"  {sign} {check.what}: {check.happened:,}" + ("" if check.holds else f", but {check.written:,} written down"))
        self._terminal.show("status", "winback", most=30)
        self._terminal.show("draw", "winback", "--counts", "-o", "winback.svg")
        self._terminal.run("draw", "winback", "--counts", "-o", "winback.pdf")
        for who in examples(outcome):
            self._terminal.show("explain", "winback", who, most=20)

    def _report(self, outcome: Outcome) -> None:
        self._terminal.show("report", "winback", "-o", "winback.html")
        self.say("")
        self.say(f"    {'added by':34}{'truth':>10}{'report':>10}   {'95% interval':18}{'':11}verdict")
        for each in outcome.compared:
            self.say(_line(each))
        self.say("")
        without, with_it = (100 * rate for rate in (outcome.compared[0].truth.without, outcome.compared[0].truth.with_it))
        self.say(f"  The truth: of 100 households {without:.1f} would have bought anyway, and {with_it:.1f} buy when they are written to.")
        for line in _MEANING:
            self.say(f"  {line}")

    def _compare(self, assigned: Assigned) -> Iterator[Compared]:
        truth = true_effects(assigned.everyone, assigned.mails, START)
        document = json.loads(self._terminal.run("report", "winback", "--format", "json"))
        for name, metric, arm, what, unit, scale in _QUESTIONS:
            found = _comparison(document["comparisons"], metric, arm)
            absolute = found["absolute"]
            yield Compared(what, unit, scale, truth[name], absolute["estimate"], absolute["low"], absolute["high"], found["verdict"])

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._steps += 1
        began = time.monotonic()
        self.say(f"\n{self._steps}. {title}")
        yield
        self.say(f"  [{time.monotonic() - began:.1f} s]")


def is_due(workspace: Workspace, now: datetime) -> bool:
    """Whether anybody or anything of the campaign is due; so `contactflow serve` knows when to work."""
    if "winback" not in campaign_names(workspace):
        return True
    due = next_due(open_versions(workspace, "winback"))
    return due is not None and due <= now


def examples(outcome: Outcome) -> list[str]:
    """Somebody who got everything but bought nothing, somebody of the control, and somebody whom no channel reaches."""
    got, assigned = outcome.town.got, outcome.assigned
    wanted: Sequence[Callable[[str, Household], bool]] = (
        lambda who, _: len(got.get(who, ())) == 2 and "letter" in got[who],
        lambda who, _: who not in assigned.mails,
        lambda who, _: who in assigned.mails and not got.get(who),
    )
    found = (next((who for who, each in assigned.everyone.items() if fits(who, each)), None) for fits in wanted)
    return [who for who in found if who]


_COLUMNS = ("mails", "texts", "letters", "visits", "answers", "opt-outs", "purchases")
_QUESTIONS = (
    ("purchase", "purchase", "contacted", "being written to: people who buy", "points", 100.0),
    ("spend", "spend", "contacted", "being written to: spent a head", "euro", 1.0),
    ("personal", "purchase", "personal", "the personal mail, not the general", "points", 100.0),
)
_MEANING = (
    "It is known only because the public is invented: everybody's purchases were drawn beforehand, with and without the campaign.",
    "The report does not know them; it has the contact log and the tills. In the long run 1 interval in 20 misses the truth, also",
    "when nothing is wrong.",
)


def _numbers(done: Mapping[str, int]) -> str:
    shown = {
        **done,
        "mails": done.get("personal", 0) + done.get("general", 0),
        "texts": done.get("text", 0),
        "letters": done.get("letter", 0),
    }
    return "".join(f"{shown.get(title) or '':>10}" for title in _COLUMNS)


def _line(each: Compared) -> str:
    truth, estimate, low, high = (f"{value * each.scale:+.2f}" for value in (each.truth.difference, each.estimate, each.low, each.high))
    where = "holds it" if each.inside else "MISSES IT"
    return f"    {each.what:34}{truth:>10}{estimate:>10}   {f'{low} to {high}':18}{where:11}{each.verdict}   ({each.unit})"


def _comparison(comparisons: Sequence[Mapping[str, Any]], metric: str, arm: str) -> Mapping[str, Any]:
    return next(each for each in comparisons if each["metric"] == metric and each["arm"] == arm)
