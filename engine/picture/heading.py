"""What stands around the flow: title, owner, learning goal and version; and a legend of the kinds that occur."""

from collections.abc import Iterable, Iterator
from itertools import islice

from engine.campaign import CampaignSpec
from engine.graph import FlowGraph
from engine.nodes import Phrase
from engine.picture.labels import Line, cell, gap, holding, label, lines_of, row, stack, table
from engine.picture.lettering import clean
from engine.picture.style import FAINT, INK, SOFT, STROKES, STYLES, SWATCH_HEIGHT, SWATCH_WIDTH, EdgeKind, Kind
from engine.picture.words import Language, say, word

TERM_WIDTH = 84
ENTRY_WIDTH = 144  # one kind in the legend
MANY_NODES = 24  # from here on a picture is wide


def heading_label(graph: FlowGraph, kinds: Iterable[Kind], edges: Iterable[EdgeKind], language: Language) -> str:
    """Title, who and which version, and what the campaign is to teach; then the legend, which the finished drawing moves to its foot."""
    columns = 4 if len(graph.nodes) < MANY_NODES else 7
    above, below = _heading(graph, columns * ENTRY_WIDTH, language), _legend(kinds, edges, columns, language)
    return label(table([row([holding(above)]), row([holding(below)])]))


def _heading(graph: FlowGraph, width: int, language: Language) -> str:
    titles = lines_of(title_of(graph.campaign), 21, INK, width, bold=True)
    facts = lines_of("   ·   ".join(_facts(graph, language)).replace("   ", "\u2002"), 10, FAINT, width)
    rows = [row([holding(stack(titles, width))]), row([gap(width, 3)]), row([holding(stack(facts, width))])]
    terms = [_term(term, text, width - TERM_WIDTH) for term, text in _terms(graph.campaign, language)]
    rows += [row([gap(width, 9)])] if terms else []
    rows += [row([holding(term)]) for term in terms]
    return table([*rows, row([gap(width, 18)])])


def title_of(campaign: CampaignSpec) -> str:
    """The campaign's name in words, or else its short name."""
    return clean(campaign.title or "") or campaign.campaign


def _legend(kinds: Iterable[Kind], edges: Iterable[EdgeKind], columns: int, language: Language) -> str:
    """The kinds that occur, each with a cell in its own colour that the drawing replaces by a sample of it."""
    entries = [_entry(STYLES[kind].accent, STYLES[kind].word, language) for kind in kinds]
    entries += [_entry(STROKES[edge].colour, STROKES[edge].meaning, language) for edge in edges]
    rows = [row([gap(1, 16)])]
    remaining = iter(entries)
    while line := list(islice(remaining, columns)):
        rows += [row(line), row([gap(1, 6)])]
    return table(rows)


def _facts(graph: FlowGraph, language: Language) -> Iterator[str]:
    campaign = graph.campaign
    if campaign.title:
        yield word("campaign {0}", language, campaign.campaign)
    if campaign.owner:
        yield word("owner {0}", language, campaign.owner)
    if campaign.purpose:
        yield word("purpose {0}", language, campaign.purpose)
    if graph.version:
        yield word("version {0}", language, graph.version)


def _terms(campaign: CampaignSpec, language: Language) -> Iterator[tuple[str, str]]:
    goal = campaign.learn
    if goal:
        metric = Phrase(goal.metric)
        success = (
            Phrase("{0} within {1}; a difference of {2} would matter", metric, goal.within, goal.minimum_lift)
            if goal.minimum_lift
            else Phrase("{0} within {1}", metric, goal.within)
        )
        yield word("To learn", language), goal.question
        yield word("Success", language), say(success, language)
    if campaign.exit_when:
        yield word("Leaves early", language), word("as soon as: {0}", language, str(campaign.exit_when))
    if campaign.reentry != "never":
        yield word("Comes back", language), word("may come in again after {0}", language, campaign.reentry)


def _term(term: str, text: str, width: int) -> str:
    rows = [row([cell(line, width)]) for line in lines_of(text, 11, INK, width)]
    name = table([row([cell(Line(term, 11, FAINT), TERM_WIDTH)])])
    return table([row([f'<td align="left" valign="top">{name}</td>', holding(table(rows))]), row([gap(1, 2)])])


def _entry(colour: str, text: str, language: Language) -> str:
    sample = table([row([gap(SWATCH_WIDTH, SWATCH_HEIGHT, f' bgcolor="{colour}"')])])
    words = word(text, language)
    line = Line(words[:1].upper() + words[1:], 10, SOFT)
    return holding(table([row([holding(sample), gap(8), cell(line, ENTRY_WIDTH - SWATCH_WIDTH - 18), gap(10)])]))
