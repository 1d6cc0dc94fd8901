"""What everybody answered, shown back to those who did: shares of each answer, and only of enough answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from sqlmodel import Session

from customers.stated import answers_of
from landing.page import Page

FEWEST = 20  # answers to a question below which it is not shown: who knows the others would find somebody out
FRESH = timedelta(minutes=1)  # counting a large campaign's answers takes a moment, and every answer leads to the thanks

Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the answers to a question one of them is, in whole per cents."""

    answer: str
    percent: int


class Results:
    """Counts answers by campaign, once in a while. Safe for threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, tuple[str, ...]], tuple[datetime, Counts]] = {}
        self._lock = Lock()

    def counts(self, session: Session, campaign: str, page: Page, now: datetime) -> Counts:
        """How many gave which answer, by question, to those of the page that show their results; at most FRESH old."""
        names = tuple(name for name, field in page.form.items() if field.shows_results)
        if not names:
            return {}
        with self._lock:
            kept = self._kept.get((campaign, names))
        if kept and timedelta() <= now - kept[0] < FRESH:
            return kept[1]
        counts = answers_of(session, campaign, names)
        with self._lock:
            self._kept[campaign, names] = (now, counts)
        return counts


def shares(counts: Mapping[str, int], answers: tuple[str, ...]) -> list[Share] | None:
    """The share of each possible answer; None of too few. Answers that the question does not have any more are not counted."""
    total = sum(counts.get(answer, 0) for answer in answers)
    if total < FEWEST:
        return None
    return [Share(answer, round(100 * counts.get(answer, 0) / total)) for answer in answers]
