"""Twenty-eight virtual days: every morning the tills tell, twice a day what is due is carried out, and in between people live."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from demo.households import Household, write_purchases
from demo.post import Arrival, Post
from demo.public import HERE, Purchase, of_its_own_accord, reaction, scans_mail, when
from demo.terminal import Terminal
from demo.visits import Browser
from store.clock import FixedClock

TILLS_AT, MORNING, EVENING = timedelta(hours=6), timedelta(hours=10), timedelta(hours=19)
Act = Callable[[], None]


@dataclass
class Town:
    """Everybody's agenda, and what has been done so far."""

    post: Post
    browser: Browser
    clock: FixedClock
    done: Counter[str] = field(default_factory=Counter)
    till: list[tuple[str, str, str, str]] = field(default_factory=list)  # bought since the last morning
    spent: dict[str, int] = field(default_factory=dict)
    got: dict[str, list[str]] = field(default_factory=dict)
    answered: str = ""  # the page of somebody who has answered
    _agenda: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def live(self, households: Sequence[Household], start: datetime) -> None:
        """Put down what everybody buys of their own accord."""
        for each in households:
            own = of_its_own_accord(each.key)
            if own:
                self._buys(each.key, own, start)

    def receive(self, now: datetime) -> None:
        """Fetch the post, and put down what everybody will do with it."""
        for arrival in self.post.new(now):
            self.done[arrival.message] += 1
            self.got.setdefault(arrival.who, []).append(arrival.message)
            self._reacts(arrival)

    def until(self, moment: datetime) -> None:
        """Let everything happen that is put down for before a moment."""
        while self._agenda and self._agenda[0][0] < moment:
            at, _, act = heapq.heappop(self._agenda)
            self.clock.put(at)
            act()
        self.clock.put(moment)

    def _reacts(self, arrival: Arrival) -> None:
        who, at, browser = arrival.who, arrival.at, self.browser
        reacts = reaction(who, arrival.message)
        if arrival.one_click and scans_mail(who):
            self._put(at + timedelta(seconds=20), lambda: browser.scan(arrival))
        if reacts.visits_after and reacts.answers:
            answers = reacts.answers
            self._put(when(at, reacts.visits_after), lambda: browser.answer(arrival, answers))
            self.answered = self.answered or arrival.page
        elif reacts.visits_after:
            self._put(when(at, reacts.visits_after), lambda: browser.visit(arrival))
        if reacts.stops and reacts.stops_after:
            how = reacts.stops
            self._put(when(at, reacts.stops_after), lambda: browser.stop(arrival, how))
        if reacts.buys:
            self._buys(who, reacts.buys, at)

    def _buys(self, who: str, purchase: Purchase, since: datetime) -> None:
        at = when(since, purchase.after)
        key = f"till-{next(self._numbers)}"

        def buy() -> None:
            self.till.append((key, who, f"{at.astimezone(HERE):%Y-%m-%d %H:%M:%S}", f"{purchase.cents / 100:.2f}"))
            self.spent[who] = self.spent.get(who, 0) + purchase.cents
            self.done["purchases"] += 1

        self._put(at, buy)

    def _put(self, at: datetime, act: Act) -> None:
        heapq.heappush(self._agenda, (at, next(self._numbers), act))


@dataclass(frozen=True, slots=True)
class Calendar:
    """From when, for how many days, and whether anything is due in the campaign at a moment."""

    start: datetime
    days: int
    due: Callable[[datetime], bool]


def live_through(town: Town, terminal: Terminal, calendar: Calendar) -> Iterator[tuple[datetime, Counter[str]]]:
    """Live through the days, and give for each what happened on it."""
    start, days = calendar.start, calendar.days
    midnight = start.astimezone(HERE).replace(hour=0, minute=0)
    for day in range(days + 1):
        before = town.done + town.browser.done
        today = midnight + timedelta(days=day)
        town.until(today + TILLS_AT)
        _import_purchases(town, terminal, today)
        for hour in (MORNING,) if day == days else (MORNING, EVENING):
            town.until(today + hour)
            if calendar.due(today + hour):
                terminal.at(today + hour)
                terminal.run("run", "winback", "--at", f"{today + hour:%Y-%m-%d %H:%M}")
                town.receive(today + hour)
        town.until(today + timedelta(days=1) if day < days else today + MORNING)
        yield today, town.done + town.browser.done - before


def _import_purchases(town: Town, terminal: Terminal, today: datetime) -> None:
    if not town.till:
        return
    file = Path("data") / f"purchases-{today - timedelta(days=1):%Y-%m-%d}.csv"
    write_purchases(terminal.root / file, town.till)
    town.till.clear()
    terminal.at(today + TILLS_AT)
    terminal.run("import", "purchases", str(file))
