"""A dossier is told in the words that the customer read when choosing."""

from typing import Any

import pytest

from customers.choices import FREELY, ChoiceKind
from customers.preferred import PartOfDay
from landing.dossier_lines import LINES_OF, Speech
from landing.dossier_page import DossierPage
from landing.offered import Offered

AT = "2026-11-22T14:00:00+01:00"
OFFERED = Offered(("offers",), {"offers": {"en": "Offers", "nl": "Aanbiedingen"}}, {"fresh": {"en": "Fruit", "nl": "Groente en fruit"}})


def choice(kind: ChoiceKind, about: str, value: int, **told: Any) -> dict[str, Any]:
    return {"kind": kind.value, "about": about, "value": value, "at": AT, **told}


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (choice(ChoiceKind.TOPIC, "fresh", 1), "onderwerp, Groente en fruit: ja"),
        (choice(ChoiceKind.TOPIC, "fresh", 0), "onderwerp, Groente en fruit: nee"),
        (choice(ChoiceKind.TOPIC, "wine", 1), "onderwerp, wine: ja"),
        (choice(ChoiceKind.RHYTHM, "offers", 7), "hooguit eens in zoveel dagen, Aanbiedingen: 7"),
        (choice(ChoiceKind.RHYTHM, "offers", FREELY), "hooguit eens in zoveel dagen, Aanbiedingen: nee"),
        (choice(ChoiceKind.PAUSE, "offers", 1, until="2026-12-01T00:00:00+01:00"), "pauze, Aanbiedingen: 1 dec 2026"),
        (choice(ChoiceKind.PAUSE, "offers", FREELY), "pauze, Aanbiedingen: nee"),
        (choice(ChoiceKind.MOMENT, "*", PartOfDay.EVENING, part_of_day="evening"), "dagdeel: avond"),
    ],
)
def test_a_choice_is_told_in_the_words_in_which_it_was_made(row: dict[str, Any], line: str) -> None:
    assert LINES_OF["choices"](Speech("nl", OFFERED), row) == (AT, line)


def test_whoever_wants_no_message_at_all_reads_so() -> None:
    row = {"purpose": "*", "channel": "*", "granted": False, "since": AT}
    assert LINES_OF["consent"](Speech("nl", OFFERED), row) == (AT, "alles: nee")


def test_a_topic_among_what_is_known_is_called_as_where_it_was_chosen() -> None:
    document = {"customer": {}, "own_attributes": {"topic_fresh": True, "topic_wine": False, "favourite_department": "bakery"}}
    told = DossierPage(document, Speech("nl", OFFERED)).person()
    assert told == [("Onderwerp, Groente en fruit", "ja"), ("Onderwerp, wine", "nee"), ("Favourite department", "bakery")]
