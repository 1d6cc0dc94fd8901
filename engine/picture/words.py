"""The picture's words in each language: one small table. English is the key, the author's own words stay as they are."""

import re
from typing import Literal

from engine.language.values import WEEKDAYS, Duration, Lift, Moment, Share
from engine.nodes import Phrase

Language = Literal["en", "nl"]

DUTCH = {
    # kinds
    "audience": "doelgroep",
    "request": "aanvraag",
    "split": "loting",
    "e-mail": "e-mail",
    "SMS": "sms",
    "letter": "brief",
    "wait": "wachten",
    "wait for": "wachten op",
    "branch": "keuze",
    "note": "noteren",
    "goal": "doel",
    "end": "einde",
    "control": "controlegroep",
    # what nodes and edges say
    "goal: {0}": "doel: {0}",
    "a message": "een bericht",
    "own wording for {0}": "eigen tekst voor {0}",
    "not before {0}": "niet voor {0}",
    "{0} {1}": "{0} {1}",
    "{0} unpersonalised": "{0} niet persoonlijk",
    "of the rest {0} {1}": "van de rest {0} {1}",
    "{0}": "{0}",
    "at most {0}": "hoogstens {0}",
    "not in {0}": "niet binnen {0}",
    "yes": "ja",
    "no": "nee",
    "otherwise": "anders",
    "which way?": "welke kant op?",
    "cannot be reached": "niet bereikbaar",
    "answers the request": "antwoordt op de aanvraag",
    "asks to join": "meldt zich aan",
    "asks for their data": "vraagt om eigen gegevens",
    "random arms": "door loting verdeeld",
    "arms as {0} says": "verdeeld volgens {0}",
    "note down": "leg vast",
    "consent for {0}: {1}": "toestemming voor {0}: {1}",
    "{0} taken away": "{0} weggehaald",
    "the flow ends here": "hier houdt de campagne op",
    "{0} held out": "{0} apart gehouden",
    "measured, gets nothing": "wordt gemeten, krijgt niets",
    # heading
    "campaign {0}": "campagne {0}",
    "owner {0}": "eigenaar {0}",
    "purpose {0}": "toestemming voor {0}",
    "version {0}": "versie {0}",
    "To learn": "Leervraag",
    "Success": "Succes",
    "{0} within {1}": "{0} binnen {1}",
    "{0} within {1}; a difference of {2} would matter": "{0} binnen {1}; een verschil van {2} telt",
    "Leaves early": "Eerder eruit",
    "as soon as: {0}": "zodra: {0}",
    "Comes back": "Opnieuw",
    "may come in again after {0}": "mag na {0} opnieuw meedoen",
    # metrics
    "purchase": "aankoop",
    "orders": "bestellingen",
    "opt_out": "afmelding",
    "complaint": "klacht",
    "spend": "besteding",
    "response": "reactie",
    "visit": "bezoek",
    "click": "klik",
    "answer": "antwoord",
    # legend and counts
    "goes on": "gaat verder",
    "time is up": "de tijd is om",
    "Flow of the campaign": "Verloop van de campagne",
}
DUTCH_TIME = {
    "minute": "minuut",
    "minutes": "minuten",
    "hour": "uur",
    "hours": "uur",
    "day": "dag",
    "days": "dagen",
    "week": "week",
    "weeks": "weken",
    "until": "tot",
    "next": "volgende",
    "at": "om",
    "on": "op",
    "point": "punt",
    "points": "punten",
    "monday": "maandag",
    "tuesday": "dinsdag",
    "wednesday": "woensdag",
    "thursday": "donderdag",
    "friday": "vrijdag",
    "saturday": "zaterdag",
    "sunday": "zondag",
}


def say(text: str, language: Language) -> str:
    """`text` in the language: a Phrase is translated with its values, what an author wrote stands as it is."""
    if not isinstance(text, Phrase):
        return text
    pattern = DUTCH.get(text.pattern, text.pattern) if language == "nl" else text.pattern
    return pattern.format(*(_value(value, language) for value in text.values))


def word(pattern: str, language: Language, *values: object) -> str:
    """One of our own words or sentences in the language."""
    return say(Phrase(pattern, *values), language)


def number(value: int, language: Language) -> str:
    """A sum as people read it: 1,204 in English, 1.204 in Dutch."""
    return f"{value:,}".replace(",", "." if language == "nl" else ",")


def _value(value: object, language: Language) -> str:
    if isinstance(value, str):
        return say(value, language)
    if language == "nl" and isinstance(value, Share):
        return value.text.replace(".", ",")
    if isinstance(value, Duration | Lift | Moment):
        return _time(str(value), language)
    return str(value)


def _time(text: str, language: Language) -> str:
    if language == "en":
        return re.sub("|".join(WEEKDAYS), lambda found: found[0].capitalize(), text.lower())
    return re.sub("[A-Za-z]+", lambda found: DUTCH_TIME.get(found[0].lower(), found[0]), text)
