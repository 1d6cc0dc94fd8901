"""The phrases of a condition: what a customer did, allowed, or belongs to, in words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from customers.conditions.cursor import Cursor, Leaf, SegmentName, Unread
from customers.conditions.tree import Always, EventKind, EventRef, FormAnswer, Happened, Reachable, Said
from customers.conditions.vocabulary import Place, suggestion

MOST_DAYS = 36_500
Phrase = Callable[[Cursor], Leaf | None]

# How the words before a node's name make a phrase: first word, second word (empty: the name follows at once), event.
_ABOUT_NODES = (
    ("response", "to", EventKind.RESPONSE),
    ("open", "of", EventKind.OPEN),
    ("opened", "", EventKind.OPEN),
    ("click", "on", EventKind.CLICK),
    ("clicked", "", EventKind.CLICK),
    ("visit", "from", EventKind.VISIT),
    ("answer", "to", EventKind.ANSWER),
)
_QUESTION = re.compile(r"[\w -]{1,64}")
_COMPARE = frozenset(("", "in", "is", "not", "like", "between", "and", "or", "escape", "null"))


def _everyone(cursor: Cursor) -> Leaf:
    cursor.take()
    return Always(holds=True)


def _segment(cursor: Cursor) -> Leaf | None:
    start = _start(cursor)
    if cursor.word(1) != "segment":
        return None
    cursor.take(2)
    name = cursor.name()
    if name is None:
        return cursor.fault(start, "`in segment` needs the name of a segment.", "Write `in segment NAME`.")
    if name not in cursor.vocabulary.segments:
        remedy = suggestion(name, cursor.vocabulary.segments) or "Add it to contactflow.toml under [segments]."
        return cursor.fault(start, f"there is no segment '{name[:40]}'.", remedy)
    return SegmentName(name)


def _reachable(cursor: Cursor) -> Leaf | None:
    start = _start(cursor)
    if cursor.word(1) != "by":
        return None
    cursor.take(2)
    channel = _channel(cursor, start)
    if isinstance(channel, Unread):
        return channel
    if cursor.vocabulary.purpose is None:
        remedy = "Ask it inside a campaign that says `purpose:`; consent is given for a purpose."
        return cursor.fault(start, "nothing says for which purpose the customer must be reachable.", remedy)
    return Reachable(channel)


def _purchase(cursor: Cursor) -> Leaf:
    start = _start(cursor)
    cursor.take()
    return _timed(cursor, start, EventRef(EventKind.PURCHASE), "purchase")


def _event(cursor: Cursor) -> Leaf | None:
    start = _start(cursor)
    if cursor.word(1) in _COMPARE and not _quoted_next(cursor):
        return None
    cursor.take()
    name = cursor.name()
    return _timed(cursor, start, EventRef(EventKind.EVENT, name=name), f"event {name}")


def _contacted(cursor: Cursor) -> Leaf | None:
    start = _start(cursor)
    if cursor.word(1) not in ("in", "by"):
        return None
    cursor.take()
    event = EventRef(EventKind.CONTACTED)
    if cursor.word() == "by":
        cursor.take()
        channel = _channel(cursor, start)
        if isinstance(channel, Unread):
            _in_last(cursor, start, event)
            return channel
        event = replace(event, channel=channel)
    return _in_last(cursor, start, event)


def _said(cursor: Cursor) -> Leaf | None:
    start = _start(cursor)
    if cursor.word(1) in _COMPARE and not _quoted_next(cursor):
        return None
    cursor.take()
    name = cursor.name() or ""
    if not _QUESTION.fullmatch(name):
        return cursor.fault(start, "this is not the name of a form's question.", "Write `said QUESTION = 'value'`.")
    return Said(name)


def _answer_field(cursor: Cursor) -> Leaf | None:
    start = _start(cursor)
    if cursor.word(1) in _COMPARE and not _quoted_next(cursor):
        return None
    cursor.take()
    name = cursor.name() or ""
    if not cursor.vocabulary.in_flow:
        return _too_early(cursor, start, "an answer", f"`said {name} = 'value'`, in whichever campaign")
    if not _QUESTION.fullmatch(name):
        return cursor.fault(start, "this is not the name of a form's field.", "Write `answer FIELD = 'value'`.")
    return FormAnswer(EventRef(EventKind.ANSWER, name=name))


def _about_node(first: str, second: str, kind: EventKind) -> Phrase:
    written = f"{first} {second}".strip()

    def phrase(cursor: Cursor) -> Leaf | None:
        start = _start(cursor)
        if second and cursor.word(1) != second:
            return _answer_field(cursor) if first == "answer" else None
        if not second and cursor.word(1) in _COMPARE and not _quoted_next(cursor):
            return None
        cursor.take(2 if second else 1)
        node = cursor.name()
        if node is None:
            return cursor.fault(start, f"`{written}` needs the name of a node.", f"Write `{written} NODE`.")
        return _of_node(cursor, start, EventRef(kind, node=node))

    return phrase


def _of_node(cursor: Cursor, start: int, event: EventRef) -> Leaf:
    words, node = cursor.vocabulary, event.node or ""
    if not words.in_flow:
        return _too_early(cursor, start, "a message")
    if node in words.other_nodes:
        return cursor.fault(start, f"node '{node}' sends nothing, so nobody can react to it.", "Name a node that sends.")
    if node not in words.sending:
        remedy = suggestion(node, words.sending) or "Name a node of this flow that sends."
        return cursor.fault(start, f"there is no node '{node[:40]}' that sends.", remedy)
    if event.kind is EventKind.OPEN and not words.sending[node].tracks_opens:
        return _unseen_open(cursor, start, node, words.sending[node].channel)
    return Happened(event)


def _unseen_open(cursor: Cursor, start: int, node: str, channel: str) -> Leaf:
    if channel != "email":
        return cursor.fault(start, f"nobody sees whether the {channel} of '{node}' was opened.", f"Ask for `response to {node}`.")
    remedy = f"Add `track_opens: true` to '{node}', or ask for `click on {node}`."
    return cursor.fault(start, f"the condition asks for an open, but '{node}' does not track opens.", remedy)


def _timed(cursor: Cursor, start: int, event: EventRef, written: str) -> Leaf:
    """An event with `since entry`, `since arrival`, `in last N days`, or nothing."""
    if cursor.word() == "since":
        return _since(cursor, start, event, written)
    if cursor.word() == "in" and cursor.word(1) in ("last", "the"):
        return _in_last(cursor, start, event)
    if not cursor.vocabulary.in_flow:
        return cursor.fault(start, f"`{written}` does not say when.", f"Write `{written} in last 30 days`.")
    return Happened(replace(event, since="arrival" if cursor.vocabulary.place is Place.WAIT else "entry"))


def _since(cursor: Cursor, start: int, event: EventRef, written: str) -> Leaf:
    cursor.take()
    moment = cursor.word()
    if moment not in ("entry", "arrival"):
        return cursor.fault(start, "`since` needs `entry` or `arrival`.", f"Write `{written} since entry` or `{written} since arrival`.")
    cursor.take()
    if not cursor.vocabulary.in_flow:
        return _too_early(cursor, start, f"an {moment}", f"`{written} in last 30 days`")
    return Happened(replace(event, since="entry" if moment == "entry" else "arrival"))


def _in_last(cursor: Cursor, start: int, event: EventRef) -> Leaf:
    if cursor.word() == "in":
        cursor.take(2 if cursor.word(1) == "the" else 1)
    if cursor.word() == "last":
        cursor.take()
    number = cursor.token()
    days = int(number.text) if number and number.text.isascii() and number.text.isdigit() and len(number.text) < 9 else 0
    if number and days:
        cursor.take()
    if not days or days > MOST_DAYS or cursor.word() not in ("day", "days"):
        return cursor.fault(start, "a number of days is missing.", f"Write `in last 30 days`, with 1 to {MOST_DAYS} days.")
    cursor.take()
    return Happened(replace(event, days=days))


def _channel(cursor: Cursor, start: int) -> str | Unread:
    known = cursor.vocabulary.channels
    channel = cursor.name()
    if channel is None:
        return cursor.fault(start, "the name of a channel is missing.", f"Write one of {', '.join(known)}.")
    if channel not in known:
        remedy = suggestion(channel, known) or f"Write one of {', '.join(known)}."
        return cursor.fault(start, f"there is no channel '{channel[:40]}'.", remedy)
    return channel


def _too_early(cursor: Cursor, start: int, what: str, instead: str = "an attribute of the customer") -> Unread:
    return cursor.fault(start, f"an audience or a segment stands before the flow: {what} does not exist yet.", f"Ask for {instead}.")


def _start(cursor: Cursor) -> int:
    token = cursor.token()
    assert token is not None
    return token.start


def _quoted_next(cursor: Cursor) -> bool:
    token = cursor.token(1)
    return token is not None and cursor.text[token.start] in "'\""


PHRASES: Mapping[str, Phrase] = MappingProxyType(
    {
        "everyone": _everyone,
        "in": _segment,
        "reachable": _reachable,
        "purchase": _purchase,
        "event": _event,
        "contacted": _contacted,
        "said": _said,
        **{first: _about_node(first, second, kind) for first, second, kind in _ABOUT_NODES},
    }
)
