"""A pause and a rhythm that customers asked for are kept at the moment of sending, with their reasons."""

from datetime import datetime, timedelta

import pytest

from customers.choices import FREELY, ChoiceKind, Chosen, choices_of, record_choices
from customers.contact_log import Entry, Kind, log
from customers.tables import CustomerId
from engine.campaigns import open_versions
from engine.explain import explain
from engine.tables import FlowVersion
from store.clock import to_micros
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""
DAY = timedelta(days=1)
MINE = CustomerId(1)


def choose(bench: Bench, kind: ChoiceKind, value: int, about: str = "offers", at: datetime = NOON) -> None:
    with writing(bench.workspace.database) as session:
        assert record_choices(session, MINE, [Chosen(kind, about, value)], at, {"page": "preferences"}) == 1


def wrote(bench: Bench, at: datetime, campaign: str, kind: Kind = Kind.SENT) -> None:
    """Something left for the first customer."""
    with writing(bench.workspace.database) as session:
        log(session, [Entry(at, MINE, "out", "sms", kind, campaign)])


@pytest.mark.parametrize(
    ("until", "about", "told"),
    [
        (NOON + DAY, "offers", "asked_for_a_pause"),
        (NOON + timedelta(microseconds=1), "offers", "asked_for_a_pause"),
        (NOON, "offers", None),
        (NOON + DAY, "service", None),
    ],
)
def test_a_pause_holds_messages_of_its_purpose_back_until_it_is_over(bench: Bench, until: datetime, about: str, told: str | None) -> None:
    bench.people(2)
    choose(bench, ChoiceKind.PAUSE, to_micros(until), about)
    assert _outcome(bench) == told


def test_a_pause_that_was_ended_holds_nothing_back(bench: Bench) -> None:
    bench.people(2)
    choose(bench, ChoiceKind.PAUSE, to_micros(NOON + DAY), at=NOON - DAY)
    choose(bench, ChoiceKind.PAUSE, FREELY, at=NOON - DAY / 2)
    assert _outcome(bench) is None


@pytest.mark.parametrize(
    ("days_ago", "campaign", "told"),
    [
        (0, "test", "often_enough"),
        (6, "test", "often_enough"),
        (7, "test", None),
        (1, "sister", "often_enough"),
        (1, "another", None),
    ],
)
def test_one_a_week_counts_what_this_purposes_campaigns_sent(bench: Bench, days_ago: int, campaign: str, told: str | None) -> None:
    bench.people(2)
    choose(bench, ChoiceKind.RHYTHM, 7)
    with writing(bench.workspace.database) as session:
        for name, purpose in (("sister", "offers"), ("another", "service")):
            session.add(
                FlowVersion(campaign=name, version="0123456789ab", stored_at=NOON, source=f"campaign: {name}\npurpose: {purpose}\n")
            )
    wrote(bench, NOON - days_ago * DAY, campaign)
    assert _outcome(bench) == told


def test_a_week_is_counted_in_days_of_the_calendar(bench: Bench) -> None:
    bench.people(2)
    choose(bench, ChoiceKind.RHYTHM, 7)
    wrote(bench, NOON - 7 * DAY + timedelta(hours=9), "test")  # a campaign of every Monday that left late last time
    assert _outcome(bench) is None


def test_what_was_not_sent_uses_no_rhythm_up(bench: Bench) -> None:
    bench.people(2)
    choose(bench, ChoiceKind.RHYTHM, 7)
    wrote(bench, NOON - DAY, "test", Kind.SUPPRESSED)
    assert _outcome(bench) is None


def test_of_one_kind_and_subject_the_newest_choice_stands(bench: Bench) -> None:
    bench.people(1)
    choose(bench, ChoiceKind.RHYTHM, 30, at=NOON)
    choose(bench, ChoiceKind.RHYTHM, 7, at=NOON - DAY)
    choose(bench, ChoiceKind.TOPIC, 1, "fresh")
    with reading(bench.workspace.database) as session:
        assert choices_of(session, MINE) == {(ChoiceKind.RHYTHM, "offers"): 30, (ChoiceKind.TOPIC, "fresh"): 1}


def test_a_preferences_link_is_made_for_templates_that_show_one(bench: Bench) -> None:
    bench.people(1)
    (bench.workspace.templates / "words.txt").write_text("Your choice: {{ links.preferences }}")
    bench.carry_out(bench.start(MAIL))
    assert "http://127.0.0.1:1/s/" in bench.record.read_text()


def _outcome(bench: Bench) -> str | None:
    """Send to both, of whom nothing holds the second back; gives why the first got nothing."""
    bench.carry_out(bench.start(MAIL))
    assert "c2@example.com" in bench.sent()
    explained = explain(open_versions(bench.workspace, "test")[0], "c1", NOON)
    reasons = [finding.reason.value for finding in explained.findings if finding.reason and "not sent" in finding.text]
    assert bool(reasons) == ("c1@example.com" not in bench.sent())
    return reasons[0] if reasons else None
