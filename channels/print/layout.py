"""Setting text: lines that fit, and pages that hold them. Measures are points; y grows upwards from the foot of the page."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm

from channels.print.letter import Letter, letterhead_of
from channels.print.markup import Kind, Run, Style, blocks, runs
from channels.print.typeface import Typeface

WIDTH, HEIGHT = A4
LEFT = 25 * mm
MEASURE = 152 * mm  # about eighty characters of the body's size: as long as a line may be
TOP = (HEIGHT - 103 * mm, HEIGHT - 42 * mm)  # of the text, on the first page and on the next
BOTTOM = (65 * mm, 26 * mm)


@dataclass(frozen=True, slots=True)
class Face:
    """How a kind of text is set. `before` is the space above it, `indent` that of a list's text."""

    size: float
    leading: float
    before: float
    indent: float = 0


BODY = Face(11, 15.5, 9)
HEADING = Face(13, 17, 15)
FACES = {"paragraph": BODY, "heading": HEADING, "item": Face(11, 15.5, 3, indent=12)}
SIGN_OFF = Face(11, 15.5, 6)
ADDRESS = Face(10.5, 13.5, 0)
PANEL = Face(10.5, 14.5, 0)
PANEL_TITLE = Face(12.5, 16, 0)
SMALL = Face(7.5, 9.5, 0)


@dataclass(frozen=True, slots=True)
class Block:
    """Set text: lines of runs in one face. Blocks of the same `key` look the same, and are drawn once for many letters."""

    key: str
    face: Face
    lines: tuple[tuple[Run, ...], ...]
    bullet: bool = False
    image: str = ""  # base64, drawn above the lines
    image_size: tuple[float, float] = (0, 0)
    whole: bool = False  # may not be divided

    @property
    def height(self) -> float:
        """From the top of the image or first line to the foot of the last line."""
        return self.image_size[1] + len(self.lines) * self.face.leading


@dataclass(frozen=True, slots=True)
class Placed:
    """A block on a page; `top` is its upper edge."""

    block: Block
    top: float


Page = tuple[Placed, ...]  # the flowing text of one page


@lru_cache(maxsize=4_096)  # what many letters share is set once; what is personal passes through
def set_text(markup: str, typeface: Typeface, face: Face, measure: float = MEASURE) -> Block:
    """All paragraphs of a short text as one block in one face."""
    lines = [line for kind, text in blocks(markup) for line in break_lines(runs(text, kind), typeface, face.size, measure)]
    return Block(f"{face}{markup}", face, tuple(lines), whole=True)


@lru_cache(maxsize=4_096)
def _set_block(kind: Kind, text: str, typeface: Typeface) -> Block:
    face = FACES[kind]
    lines = break_lines(runs(text, kind), typeface, face.size, MEASURE - face.indent)
    return Block(f"{kind}{text}", face, lines, bullet=kind == "item", whole=kind == "heading")


def pages_of(letter: Letter, typeface: Typeface) -> tuple[Page, ...]:
    """The letter's text on as many pages as it takes; too many are for the caller to refuse."""
    galley = _Galley()
    for group in _groups(list(_flow(letter, typeface))):
        galley.add(group)
    return tuple(tuple(page) for page in galley.pages)


@lru_cache(maxsize=64)
def size_within(image: str, width: float, height: float) -> tuple[float, float]:
    """The size of an image that is made to fit a box; an empty image has none."""
    if not image:
        return (0, 0)
    with Image.open(io.BytesIO(base64.b64decode(image))) as picture:
        scale = min(width / picture.width, height / picture.height)
        return (picture.width * scale, picture.height * scale)


def _flow(letter: Letter, typeface: Typeface) -> Iterator[Block]:
    """The blocks of a letter in reading order."""
    if letter.heading:
        yield _set_block("heading", letter.heading, typeface)
    for kind, text in blocks(letter.body):
        yield _set_block(kind, text, typeface)
    signature = letterhead_of(letter.letterhead).signature
    if letter.signed or signature:
        signed = set_text(letter.signed, typeface, SIGN_OFF)
        yield replace(signed, key=f"signed{letter.signed}", image=signature, image_size=size_within(signature, 52 * mm, 17 * mm))
    if letter.ps:
        yield _set_block("paragraph", letter.ps, typeface)


def _groups(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Blocks that stay together: a heading with what it is above, a sign-off with what it is below."""
    group: list[Block] = []
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        group.append(block)
        signs_off = following is not None and following.face is SIGN_OFF
        if block.face is not HEADING and not signs_off:
            yield group
            group = []
    if group:
        yield group


class _Galley:
    """Pages that fill up from the top."""

    def __init__(self) -> None:
        self.pages: list[list[Placed]] = [[]]
        self._y = TOP[0]

    def add(self, group: Sequence[Block]) -> None:
        """Put blocks on the page, or on the next one if they would be torn apart."""
        if (len(group) > 1 or group[0].whole) and self._lines_left(group[-1], group[:-1]) < len(group[-1].lines):
            self._turn()
        for block in group:
            self._add(block)

    def _add(self, block: Block) -> None:
        room, length = self._lines_left(block), len(block.lines)
        if room >= length or (block.whole and not self.pages[-1]):
            self._put(block)
        elif not block.whole and length >= 4 and room >= 2:  # two lines at least on either side
            cut = min(room, length - 2)
            self._put(replace(block, key=f"{cut}<{block.key}", lines=block.lines[:cut]))
            self._add_on_next(replace(block, key=f"{cut}>{block.key}", lines=block.lines[cut:], bullet=False))
        else:
            self._add_on_next(block)

    def _add_on_next(self, block: Block) -> None:
        self._turn()
        self._add(block)

    def _put(self, block: Block) -> None:
        top = self._y - self._gap(block)
        self.pages[-1].append(Placed(block, top))
        self._y = top - block.height

    def _turn(self) -> None:
        if self.pages[-1]:
            self.pages.append([])
            self._y = TOP[1]

    def _gap(self, block: Block) -> float:
        return block.face.before if self.pages[-1] else 0

    def _lines_left(self, block: Block, above: Sequence[Block] = ()) -> int:
        """How many lines of a block fit on this page below the blocks `above` it."""
        taken = sum(each.face.before + each.height for each in above) + self._gap(block) + block.image_size[1]
        return int((self._y - taken - BOTTOM[min(len(self.pages), 2) - 1]) // block.face.leading)


def break_lines(text: tuple[Run, ...], typeface: Typeface, size: float, measure: float) -> tuple[tuple[Run, ...], ...]:
    """Lines that fit. A last line of one word is avoided when the others can spare it company."""
    limit = measure * 1000 / size
    lines = tuple(_lines(text, typeface, limit))
    for narrower in (0.97, 0.94, 0.91, 0.88, 0.85) if _ends_alone(lines) else ():
        other = tuple(_lines(text, typeface, limit * narrower))
        if len(other) == len(lines) and not _ends_alone(other):
            return other
    return lines


def _ends_alone(lines: Sequence[tuple[Run, ...]]) -> bool:
    return len(lines) > 1 and len(lines[-1]) == 1 and " " not in lines[-1][0][1].strip()


def _lines(text: tuple[Run, ...], typeface: Typeface, limit: float) -> Iterator[tuple[Run, ...]]:
    """First come, first set, as a typist would; `limit` is in thousandths of the size."""
    line: list[Run] = []
    used = 0.0
    for word in _words(text, typeface, limit):
        width = sum(typeface.width(style, piece) for style, piece in word)
        space = typeface.width(word[0][0], " ") if line else 0.0
        if word[0][1] == "\n" or (line and used + space + width > limit):
            yield tuple(_joined(line))
            line, used, space = [], 0.0, 0.0
        if word[0][1] != "\n":
            line += [(word[0][0], " "), *word] if space else word
            used += space + width
    if line:
        yield tuple(_joined(line))


def _words(text: tuple[Run, ...], typeface: Typeface, limit: float) -> Iterator[list[Run]]:
    """Words, each in runs of one style; a line feed is a word of its own, and one that is wider than a line is cut up."""
    word: list[Run] = []
    for style, written in text:
        for number, part in enumerate(written.replace("\n", " \n ").split(" ")):
            if number and word:
                yield word
                word = []
            for piece in _fitting(style, part, typeface, limit):
                if sum(typeface.width(*each) for each in word) + typeface.width(style, piece) > limit:
                    yield word
                    word = []
                word.append((style, piece))
    if word:
        yield word


def _fitting(style: Style, word: str, typeface: Typeface, limit: float) -> Iterator[str]:
    while typeface.width(style, word) > limit and len(word) > 1:
        cut = max(1, int(len(word) * limit / typeface.width(style, word)) - 1)
        yield word[:cut]
        word = word[cut:]
    if word:
        yield word


def _joined(line: list[Run]) -> Iterator[Run]:
    for style, same in groupby(line, key=lambda run: run[0]):
        yield style, "".join(text for _, text in same)
