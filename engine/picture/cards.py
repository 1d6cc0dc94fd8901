"""The card of a node: what it is, what it says in words, and what happened there."""

from dataclasses import dataclass

from engine.nodes import Look, Node
from engine.picture.counts import Figures
from engine.picture.figures import figure_rows, figures_width, told
from engine.picture.labels import Line, cell, gap, holding, label, lines_of, row, stack, table
from engine.picture.style import BADGE, FAINT, GAP, PAPER, STYLES, Kind, Style
from engine.picture.words import Language, say, word

TEXT_WIDTH = 166  # points; most cards are equally wide, so that the picture is calm
KIND_SIZE, TITLE_SIZE, LINE_SIZE = 8, 12, 10
NAME_GAP = 4
FIGURES_WIDTH = 190  # with figures: fewer lines, for a picture that fits a page


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says."""

    kind: Kind
    name: str
    title: str
    lines: tuple[str, ...] = ()
    figures: Figures | None = None

    def tooltip(self, language: Language) -> str:
        """All of it in one line, also what did not fit."""
        words = [f"{word(STYLES[self.kind].word, language)} {self.name}".strip(), *(text for text in (self.title, *self.lines) if text)]
        if self.figures:
            words += told(self.figures)
        return " · ".join(words)


def card_of(node: Node, language: Language) -> Card:
    """The card of a node; a remark that is not its title already stands below its lines."""
    look: Look = node.look()
    lines = [say(line, language) for line in look.lines]
    lines += [node.note] if node.note and node.note != look.title else []
    return Card(look.shape, node.id, _opened(say(look.title, language)), tuple(lines))


def card_with(node: Node, figures: Figures | None, language: Language) -> Card:
    """The card of a node with what happened there in place of what is written there; a wait keeps its line, which its edges are read by."""
    look: Look = node.look()
    lines = tuple(say(line, language) for line in look.lines) if look.shape in ("wait", "wait_for") else ()
    return Card(look.shape, node.id, _opened(say(look.title, language)), lines, figures=figures or Figures())


def _opened(title: str) -> str:
    """A title opens with a capital, unless it is a comparison or a file, whose names are written as they are."""
    first = title.split(maxsplit=1)[0] if title.strip() else ""
    is_sentence = first.strip(":?!,.").isalpha() and not set(title) & set("=<>('\"")
    return title[:1].upper() + title[1:] if is_sentence else title


def card_label(card: Card, language: Language) -> str:
    """The card as an HTML-like label, all room for its outline included."""
    style = STYLES[card.kind]
    text = _text(card, style, language)
    inner = table(
        [
            row([gap(1, style.top)]),
            row([gap(style.left), _badge(style), gap(GAP), holding(text), gap(style.right)]),
            row([gap(1, style.bottom)]),
        ]
    )
    return label(inner)


def _badge(style: Style) -> str:
    colour = PAPER if style.solid else style.accent
    return holding(table([row([gap(BADGE, BADGE, f' bgcolor="{colour}"')])]))


def _text(card: Card, style: Style, language: Language) -> str:
    full = card.kind not in ("end", "control")
    usual = TEXT_WIDTH if card.figures is None else FIGURES_WIDTH
    limit = max(usual, figures_width(card.figures))
    titles = lines_of(card.title, TITLE_SIZE, style.title_ink, limit, bold=True)
    lines = [line for text in card.lines for line in lines_of(text, LINE_SIZE, style.line_ink, limit)]
    natural = max(line.width for line in (*titles, *lines, *_kind(card, style, limit, language)))
    width = limit if full else max(natural, figures_width(card.figures))
    rows = [row([holding(_kind_row(card, style, width, language))]), row([gap(width, 2)])]
    rows += [row([holding(stack([line], width))]) for line in titles]
    rows += [row([gap(width, 2)])] if lines else []
    rows += [row([holding(stack([line], width))]) for line in lines]
    if card.figures:
        rows += figure_rows(card.figures, style, width)
    return table(rows)


def _kind(card: Card, style: Style, limit: int, language: Language) -> tuple[Line, ...]:
    kind = Line(word(style.word, language).upper(), KIND_SIZE, style.kind_ink, bold=True)
    return (kind, *lines_of(card.name, KIND_SIZE, style.line_ink if style.solid else FAINT, limit - kind.width - NAME_GAP))


def _kind_row(card: Card, style: Style, limit: int, language: Language) -> str:
    kind, *names = _kind(card, style, limit, language)
    room = limit - kind.width - NAME_GAP
    first = table([row([cell(kind), gap(NAME_GAP), cell(names[0], room)] if names else [cell(kind)])])
    rest = [table([row([gap(kind.width + NAME_GAP), cell(name, room)])]) for name in names[1:]]
    return table(row([holding(each)]) for each in (first, *rest))
