"""A row of a dossier as one line that a person reads, in the visitor's language."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from customers.choices import ChoiceKind
from customers.consent import EVERYTHING
from landing.my_data_words import NAMES
from landing.offered import TOPIC, Offered

Row = Mapping[str, Any]
Line = tuple[str | None, str]  # a moment as ISO 8601, and what there is to say


@dataclass(frozen=True, slots=True)
class Speech:
    """How things are called in one of the pages' languages."""

    language: str
    offered: Offered

    def word(self, name: Any) -> str:
        """What something of ours is called; a name that we do not know stays as it is."""
        said = ("no", "yes")[name] if isinstance(name, bool) else str(name)
        return NAMES[self.language].get(said, said)

    def channel(self, name: str | None) -> str:
        """What a channel is called; an empty text for none."""
        # `email` is what the address is called, too, and some languages have another word for each.
        return self.word("email_channel" if name == "email" else name or "")

    def purpose(self, name: str) -> str:
        """What a purpose is called."""
        return "" if name == EVERYTHING else self.offered.title(name, self.language)

    def topic(self, name: str) -> str:
        """A topic, by what customers read for it."""
        return f"{self.word(ChoiceKind.TOPIC)}, {self.offered.topic(name, self.language)}"

    def attribute(self, name: str) -> str:
        """What one of the workspace's own attributes is called: a topic as on the page where it was chosen."""
        told = self.topic(name.removeprefix(TOPIC)) if name.startswith(TOPIC) else name.replace("_", " ")
        return told[:1].upper() + told[1:]

    def moment(self, iso: str, *, with_time: bool = False) -> str:
        """A moment or a date, as people write it."""
        from babel.dates import format_date, format_datetime  # noqa: PLC0415 - only for whoever asks for their data

        if with_time:
            return str(format_datetime(datetime.fromisoformat(iso), "d MMMM y, HH:mm", locale=self.language))
        return str(format_date(date.fromisoformat(iso[:10]), "d MMM y", locale=self.language))


def listed(*words: Any) -> str:
    """What there is of these, in a row."""
    return ", ".join(str(word) for word in words if word not in (None, "", EVERYTHING))


def _consent(speech: Speech, row: Row) -> Line:
    about = listed(speech.purpose(row["purpose"]), speech.channel(row["channel"])) or speech.word("everything")
    return row.get("since") or row.get("at"), f"{about}: {speech.word(row['granted'])}"


def _evidence(speech: Speech, row: Row) -> Line:
    at, said = _consent(speech, row)
    return at, listed(said, speech.word(row["source"]))


def _choice(speech: Speech, row: Row) -> Line:
    if row["kind"] == ChoiceKind.TOPIC:
        return row["at"], f"{speech.topic(row['about'])}: {speech.word(bool(row['value']))}"
    chosen = row.get("part_of_day") or row["value"] or False  # without a pause or a limit there is a 0
    value = speech.moment(row["until"]) if "until" in row else speech.word(chosen)
    return row["at"], f"{listed(speech.word(row['kind']), speech.purpose(row['about']))}: {value}"


def _answers(given: Any) -> Iterator[Any]:
    """Every text in what was filled in."""
    for value in given.values() if isinstance(given, Mapping) else ():
        if isinstance(value, Mapping):
            yield from _answers(value)
        else:
            yield value


def _contact(speech: Speech, row: Row) -> Line:
    detail = row.get("detail") or {}
    said = listed(*_answers(detail.get("answers")), detail.get("text"), detail.get("name"))
    return row["at"], listed(speech.channel(row["channel"]), speech.word(row["kind"]), row.get("campaign"), said)


def _message(speech: Speech, row: Row) -> Line:
    return row["queued_at"], listed(speech.channel(row["channel"]), row["campaign"], speech.word(row["state"]), row.get("address"))


def _campaign(speech: Speech, row: Row) -> Line:
    return row["came_in_at"], f"{row['campaign']}" + (f" → {speech.moment(row['left_at'])}" if "left_at" in row else "")


def _request(speech: Speech, row: Row) -> Line:
    return row["at"], listed(speech.word(row["asked"]), speech.word(row["state"]))


# In the order that they are shown in; the names are those of contactflow/dossiers.py.
LINES_OF: Mapping[str, Callable[[Speech, Row], Line]] = MappingProxyType(
    {
        "consent": _consent,
        "choices": _choice,
        "stated_preferences": lambda _, row: (row["at"], f"{row['question']} {row['answer']}"),
        "purchases": lambda _, row: (row["purchased_at"], listed(row.get("product"), f"{row['amount']} {row['currency']}")),
        "vouchers": lambda _, row: (row["issued_at"], row["code"]),
        "messages": _message,
        "contacts": _contact,
        "unfinished_forms": lambda _, row: (row["changed_at"], listed(*_answers(row.get("given")))),
        "campaigns": _campaign,
        "groups": lambda _, row: (row["at"], f"{row['campaign']}: {row['group']}"),
        "hold_out_of_all_campaigns": lambda speech, row: (row["at"], speech.word(row["held_out"])),
        "evidence_of_consent": _evidence,
        "requests": _request,
        "addresses_not_used_any_more": lambda _, row: (row["since"], listed(row["address"], row["reason"])),
    }
)
