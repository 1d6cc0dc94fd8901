"""What a condition may name: attributes, segments, channels, and the nodes of the flow around it."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType


class AttributeKind(StrEnum):
    """What an attribute holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Described:
    """An attribute that every workspace has: its kind, and the sentence that the docs show."""

    kind: AttributeKind
    title: str


# How each is read from the database stands in customers/attributes.py; a test holds the two together.
BUILT_IN: Mapping[str, Described] = MappingProxyType(
    {
        "key": Described(AttributeKind.TEXT, "The name that the source system gives the customer."),
        "first_name": Described(AttributeKind.TEXT, "First name."),
        "last_name": Described(AttributeKind.TEXT, "Last name."),
        "email": Described(AttributeKind.TEXT, "E-mail address."),
        "phone": Described(AttributeKind.TEXT, "Telephone number, with + and the country."),
        "street": Described(AttributeKind.TEXT, "Street and house number."),
        "postcode": Described(AttributeKind.TEXT, "Postcode."),
        "city": Described(AttributeKind.TEXT, "City."),
        "country": Described(AttributeKind.TEXT, "Country, two capitals: NL, BE."),
        "language": Described(AttributeKind.TEXT, "Language, two small letters: nl, fr."),
        "timezone": Described(AttributeKind.TEXT, "Time zone: Europe/Amsterdam."),
        "birth_date": Described(AttributeKind.DATE, "Date of birth."),
        "created_on": Described(AttributeKind.DATE, "The day on which the customer became known here."),
        "changed_on": Described(AttributeKind.DATE, "The day on which the customer's data last changed."),
        "age": Described(AttributeKind.INTEGER, "Age in whole years today; who was born on 29 February is a year older on 1 March."),
        "purchase_count": Described(AttributeKind.INTEGER, "Number of purchases up to now."),
        "total_spent": Described(
            AttributeKind.NUMBER, "Sum of all purchases up to now, in whole and hundredths of the currency; 0 without any."
        ),
        "first_purchase_on": Described(AttributeKind.DATE, "The day of the first purchase; unknown without any."),
        "last_purchase_on": Described(AttributeKind.DATE, "The day of the last purchase; unknown without any."),
        "days_since_purchase": Described(
            AttributeKind.INTEGER, "Days on the calendar since the last purchase: 0 today; unknown without any."
        ),
        "days_since_contact": Described(
            AttributeKind.INTEGER, "Days on the calendar since the last message to the customer; unknown without any."
        ),
    }
)

# Words that mean something by themselves in a condition; no attribute may be called so.
RESERVED = frozenset(
    "and or not in is like between escape null true false everyone purchase today entry arrival "  # noqa: SIM905  # reads best as words
    "select from where union having group order by case when then else end exists any all distinct as on join cast".split()
)


# In front of a question's name: what a customer said last in answer to it. Conditions write `said QUESTION`.
SAID = "said_"


def attribute_name_fault(name: str) -> str | None:
    """What is wrong with the name of an attribute of one's own, and what to do; None when nothing is."""
    if name in BUILT_IN or name == "customer_id":
        return f"attribute '{name}' is built in and cannot be declared again. Leave it out, or choose another name."
    if name.startswith(SAID):
        return f"attribute '{name[:80]}' begins with '{SAID}', as the answers to forms do. Choose another name for it."
    if name in RESERVED:
        return f"'{name}' means something by itself in a condition. Choose another name for the attribute."
    if not re.fullmatch("[a-z][a-z0-9_]{0,62}", name):
        return f"'{name[:80]}' cannot be the name of an attribute. Use small letters, digits and _, beginning with a letter, at most 63."
    return None


class Place(StrEnum):
    """Where a condition stands, which decides what it may ask about time."""

    CUSTOMER = "customer"  # an audience or a segment: there is no entry and no arrival yet
    FLOW = "flow"  # a branch, an exit condition: `since entry` and `since arrival`; a bare `purchase` is since entry
    WAIT = "wait"  # a wait_for: a bare `purchase` is since arrival


@dataclass(frozen=True, slots=True)
class SendingNode:
    """What a condition needs to know of a node that sends."""

    channel: str
    tracks_opens: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """The names that a condition may use. `attributes` holds the built-in ones as well; `segments` is ordered."""

    attributes: Mapping[str, AttributeKind] = field(default_factory=lambda: {name: each.kind for name, each in BUILT_IN.items()})
    segments: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ("email", "sms", "print")
    sending: Mapping[str, SendingNode] = field(default_factory=dict)
    other_nodes: frozenset[str] = frozenset()
    purpose: str | None = None
    place: Place = Place.CUSTOMER

    @classmethod
    def of_workspace(
        cls,
        declared: Mapping[str, AttributeKind],
        segments: Mapping[str, str],
        channels: Iterable[str] = ("email", "sms", "print"),
    ) -> "Vocabulary":
        """The vocabulary of a workspace: built-in attributes, its own (`declared`), and its segments."""
        built_in = {name: each.kind for name, each in BUILT_IN.items()}
        return cls({**declared, **built_in}, dict(segments), tuple(channels))

    def of_flow(self, sending: Mapping[str, SendingNode], other_nodes: Iterable[str], purpose: str | None) -> "Vocabulary":
        """The same with a flow's nodes and purpose, still at the place of an audience: see `at`."""
        return replace(self, sending=dict(sending), other_nodes=frozenset(other_nodes), purpose=purpose)

    def at(self, place: Place) -> "Vocabulary":
        """The same for a condition that stands elsewhere."""
        return replace(self, place=place)

    @property
    def in_flow(self) -> bool:
        """Whether there is a member, with an entry, an arrival and messages to ask about."""
        return self.place is not Place.CUSTOMER


def suggestion(word: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'?`` for the nearest of `known`, or an empty text."""
    near = difflib.get_close_matches(word.lower()[:80], list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else ""
