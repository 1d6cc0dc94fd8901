"""What many mails have in common, found by comparing them line by line: the text once, with a tag wherever they differ.

A composed mail is quoted-printable, and each value in it begins and ends a line (channels/email/encoding.py), so that lines are either the
same for all or have a value in them. A line that occurs in every mail equally often, and in the same order, is an anchor; what stands
between two anchors becomes a tag with a value for each mail. That is true of a mail however it was made: with conditions, loops and
blocks of words that only some get. Whatever is found, tags with their values put back give the mail again.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, count

from channels.email.encoding import SOFT_BREAK, unquoted

MOST_SUBSTITUTED = 10_000  # bytes of tags and values of one recipient; SendGrid refuses more
_ALIKE = 0.6  # of its lines: below that a mail is compared with others
_MOST_KINDS = 20  # of mails in a batch: what is of none of them goes alone
# A line that begins within a character belongs to the one before.
_WITHIN = re.compile(r"\n=[89AB][0-9A-F]")
_LINE = re.compile(r"[^\n]*\n(?:=[89AB][0-9A-F][^\n]*\n)*|[^\n]+\Z")

Parts = Mapping[str, str]  # text and html, quoted-printable
Gap = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The common parts with tags, as plain text, and for each mail (by its place in what was given) the values of the tags."""

    parts: Mapping[str, str]
    values: Mapping[int, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Mail:
    place: int
    lines: Mapping[str, Gap]  # by part
    known: frozenset[str]

    @classmethod
    def of(cls, place: int, parts: Parts) -> "_Mail":
        # It is printable ASCII: splitlines knows no other ends in it, and is five times as fast.
        lines = {
            name: tuple(_LINE.findall(text) if _WITHIN.search(text) else text.splitlines(keepends=True)) for name, text in parts.items()
        }
        return cls(place, lines, frozenset(chain.from_iterable(lines.values())))

    def is_like(self, other: "_Mail") -> bool:
        """Whether they may be the same but for some values."""
        if self.lines.keys() != other.lines.keys():
            return False
        return len(self.known & other.known) >= _ALIKE * max(len(self.known), len(other.known))


def skeletons(mails: Sequence[Parts], besides: Sequence[str] = ()) -> Iterator[Skeleton]:
    """Skeletons that together cover all mails, each mail once; one that has nothing in common with others has one without tags.

    No tag occurs in the mails, nor in `besides`: other texts in which tags would be replaced.
    """
    waiting = [_Mail.of(place, parts) for place, parts in enumerate(mails)]
    for _ in range(_MOST_KINDS):
        alike = [each for each in waiting if each.is_like(waiting[0])]
        covered: set[int] = set()
        if len(alike) > 1:
            shared = _skeleton(alike, mails, besides)
            covered.update(shared.values)
            # What does not fit may be like something else; what is too large will stay so.
            small = {place: values for place, values in shared.values.items() if _size(values) <= MOST_SUBSTITUTED}
            if len(small) > 1:
                yield Skeleton(shared.parts, small)
            yield from (_alone(place, mails) for place in covered if len(small) < 2 or place not in small)
        elif alike:
            yield _alone(alike[0].place, mails)
            covered.add(alike[0].place)
        waiting = [each for each in waiting if each.place not in covered]
    yield from (_alone(each.place, mails) for each in waiting)


def _alone(place: int, mails: Sequence[Parts]) -> Skeleton:
    return Skeleton({name: unquoted(text.encode()) for name, text in mails[place].items()}, {place: {}})


def _skeleton(alike: Sequence[_Mail], mails: Sequence[Parts], besides: Sequence[str]) -> Skeleton:
    """The skeleton of those that fit; the first always does."""
    tables = {name: _Table.of([mail.lines[name] for mail in alike]) for name in alike[0].lines}
    fitting = [place for place in range(len(alike)) if all(table.fits[place] for table in tables.values())]
    core = _core([*besides, *(text for place in fitting for text in mails[alike[place].place].values())])
    columns: dict[Gap, str] = {}
    parts = {name: table.only(fitting).text(columns, core) for name, table in tables.items()}
    values = {alike[place].place: {tag: column[row] for column, tag in columns.items()} for row, place in enumerate(fitting)}
    return Skeleton(parts, values)


@dataclass(frozen=True, slots=True)
class _Table:
    """The lines of one part of several mails: the anchors, and each mail's own lines by the number of anchors before them."""

    anchors: Gap
    gaps: Sequence[Mapping[int, Gap]]  # by mail
    fits: Sequence[bool]  # by mail: it has the anchors in their order

    @classmethod
    def of(cls, mails: Sequence[Gap]) -> "_Table":
        shared = frozenset(line for line, _ in reduce(frozenset.intersection, (frozenset(Counter(lines).items()) for lines in mails)))
        anchors = tuple(filter(shared.__contains__, mails[0]))
        fits = [tuple(filter(shared.__contains__, lines)) == anchors for lines in mails]
        return cls(anchors, [_own(lines, shared) for lines in mails], fits)

    def only(self, places: Sequence[int]) -> "_Table":
        """Of these mails."""
        return _Table(self.anchors, [self.gaps[place] for place in places], [True] * len(places))

    def text(self, columns: dict[Gap, str], core: str) -> str:
        """The part with its tags. What the mails have where a tag stands is in `columns`, and a tag with the same values is used again."""
        pieces: list[str] = []
        done = 0
        for place in sorted(frozenset(chain.from_iterable(self.gaps))):
            before, middles, behind = _trimmed([gaps.get(place, ()) for gaps in self.gaps])
            pieces += (*self.anchors[done:place], *before)
            if any(middles):
                column = tuple(unquoted("".join(middle).encode()) for middle in middles)
                pieces.append(columns.setdefault(column, f"-{core}{len(columns)}-") + SOFT_BREAK)
            pieces += behind
            done = place
        return unquoted("".join([*pieces, *self.anchors[done:]]).encode())


def _own(lines: Gap, anchors: frozenset[str]) -> Mapping[int, Gap]:
    gaps: dict[int, Gap] = {}
    for number, place in enumerate([place for place, line in enumerate(lines) if line not in anchors]):
        gaps[place - number] = (*gaps.get(place - number, ()), lines[place])
    return gaps


def _trimmed(gaps: Sequence[Gap]) -> tuple[Gap, Sequence[Gap], Gap]:
    """What all begin with, what is each one's own, and what all end with."""
    before = _shared(gaps)
    rests = [gap[before:] for gap in gaps]
    behind = _shared([rest[::-1] for rest in rests])
    return gaps[0][:before], [rest[: len(rest) - behind] for rest in rests], gaps[0][len(gaps[0]) - behind :]


def _shared(gaps: Sequence[Gap]) -> int:
    """How many lines all begin with: as many as the first and the last of them in order do."""
    first, last = min(gaps), max(gaps)
    return next((place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), min(len(first), len(last)))


def _core(texts: Sequence[str]) -> str:
    """Letters that occur in none of the texts. A tag is these between two dashes: no value and no two neighbours can make one."""
    texts = [text.replace(SOFT_BREAK, "") for text in texts]
    return next(core for number in count() if not any((core := f"cf{number}x") in text for text in texts))


def _size(values: Mapping[str, str]) -> int:
    return sum(len(tag) + len(value.encode()) for tag, value in values.items())
