"""Every word that a report says, in each language. A test holds the tables together."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from engine.reasons import REASONS
from response.facts import Comparison, Note, Report
from response.numbers import Numbers

LANGUAGES = ("en", "nl")


@cache
def table(language: str) -> Mapping[str, str]:
    """The sentences of one language, by keys such as `verdict.better`: of all files in its folder, a file for each section."""
    words = {f"reason.{reason.value}": sentence for reason, sentence in REASONS.items()}
    for file in sorted(files("response").joinpath("languages", language).iterdir(), key=lambda each: each.name):
        document = tomllib.loads(file.read_text("utf-8"))
        words |= {f"month.{number}": name for number, name in enumerate(document.pop("months", ()), 1)}
        for name, group in document.items():
            words |= {f"{name}.{key}": sentence for key, sentence in group.items()} if isinstance(group, dict) else {name: group}
    return words


class Words:
    """Says things in one language; a language that is not known is answered in English."""

    def __init__(self, language: str, report: Report) -> None:
        self.language = language if language in LANGUAGES else "en"
        self.numbers = Numbers(self.language, report.currency)
        self._table = table(self.language)
        self._zone = ZoneInfo(report.zone)

    def __call__(self, key: str, /, **values: object) -> str:
        """The sentence of `key`, with values filled in. Raises KeyError for a key that no table has."""
        return self._table[key].format(**values)

    def known(self, prefix: str, word: str) -> str:
        """The word for a code out of an open list, or the code itself."""
        return self._table.get(f"{prefix}.{word}", word.replace("_", " "))

    def moment(self, at: datetime) -> str:
        """A day and a time in the workspace's zone, as people write it."""
        local = at.astimezone(self._zone)
        return self("moment", day=local.day, month=self(f"month.{local.month}"), year=local.year, time=f"{local:%H:%M}")

    def note(self, note: Note) -> str:
        """A note's sentence."""
        values: dict[str, object] = dict(note.values)
        if "metric" in values:
            values["metric"] = self(f"metric.{values['metric']}")
        return self(f"note.{note.code}", **values)


def headline(report: Report, words: Words) -> str:
    """The sentence that a manager can repeat."""
    found = report.headline
    if found is not None:
        return comparison_sentence(found, report, words)
    if not report.window.customers:
        return words("headline.nobody")
    return _without_arms(report, words)


def comparison_sentence(found: Comparison, report: Report, words: Words) -> str:
    """What one comparison says: how many more of a hundred, between which limits, and what may be concluded."""
    if found.why in ("nobody_in_arm", "nobody_in_control", "split_broken"):
        return words(f"sentence.{found.why}", arm=found.arm, control=found.control)
    parts = [_difference(found, words), _conclusion(found, report, words)]
    return " ".join(part for part in parts if part)


def _difference(found: Comparison, words: Words) -> str:
    numbers, estimate = words.numbers, found.absolute.estimate or 0.0
    kind = "spend" if found.metric == "spend" else "share"
    direction = "equal" if numbers.size(found.metric, estimate) == numbers.size(found.metric, 0.0) else "more" if estimate > 0 else "less"
    sentence = words(
        f"sentence.{kind}.{direction}",
        arm=words.known("arm", found.arm),
        control=words.known("arm", found.control),
        did=words.known("did", found.metric),
        size=numbers.size(found.metric, abs(estimate)),
    )
    if found.absolute.low is None or found.absolute.high is None:
        return sentence + "."
    low, high = (numbers.signed(found.metric, limit) for limit in (found.absolute.low, found.absolute.high))
    return f"{sentence} {words('sentence.interval', low=low, high=high)}"


def _conclusion(found: Comparison, report: Report, words: Words) -> str:
    if found.why == "window_open" and report.window.closes_at:
        return words(
            "why.window_open", customers=words.numbers.count(report.window.open_customers), at=words.moment(report.window.closes_at)
        )
    why = words(f"why.{found.why}") if found.why != "interval" else ""
    return f"{words('sentence.verdict', verdict=words(f'verdict.{found.verdict.value}'))} {why}".strip()


def _without_arms(report: Report, words: Words) -> str:
    customers = words.numbers.count(report.window.customers)
    metric, total = report.overall[0]
    if metric == "spend":
        return words("headline.no_arms_spend", customers=customers, total=words.numbers.money(total))
    return words("headline.no_arms", customers=customers, total=words.numbers.count(total), did=words(f"did.{metric}"))
