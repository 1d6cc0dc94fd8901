"""Figures on cards and edges: all of them are there, in place, and the picture fits a page."""

import re
from xml.etree import ElementTree as ET

from engine.picture import FigureRow, Figures, FlowFigures, draw_dot, draw_figures, render
from engine.picture.lettering import width_of
from tests.picture import flows

SVG = "{http://www.w3.org/2000/svg}"
A4_POINTS = (180 / 25.4 * 72, 267 / 25.4 * 72)
MAIL = Figures(
    ("personal", "general"),
    (
        FigureRow("decided", (("1,902", ""), ("935", ""))),
        FigureRow("sent", (("1,680", "88%"), ("94", "10.1%"))),
        FigureRow("cost", (("€0.84", ""), ("€0.35", ""))),
    ),
    ("463 not sent: 310 never gave consent",),
)
FIGURES = FlowFigures(
    nodes={"mail": MAIL},
    controls={"lapsed": Figures((), (FigureRow("control", (("459", "20%"),)),))},
    edges={
        ("mail", "next"): ("1,374 · 75%", "personal 75%", "general 74%"),
        ("answer", "timeout"): ("1,168 · 85%", "a rather long name of an arm 84%", "another one that is long 86%"),
    },
    weights={("mail", "next"): 1_374, ("answer", "timeout"): 1_168},
)


def svg() -> ET.Element:
    return ET.fromstring(render(draw_figures(flows.winback(), FIGURES), "svg"))


def texts(root: ET.Element) -> dict[str, ET.Element]:
    return {element.text or "": element for element in root.iter(f"{SVG}text")}


def end_of(element: ET.Element) -> float:
    return float(element.attrib["x"]) + width_of(element.text or "", float(element.attrib["font-size"]), bool(element.get("font-weight")))


def test_every_figure_stands_in_the_picture() -> None:
    said = set(texts(svg()))
    assert {"personal", "general", "decided", "1,902", "935", "1,680", "88%", "94", "10.1%", "€0.84", "€0.35"} <= said
    assert {"463 not sent: 310 never gave consent", "459", "20%", "1,374 · 75%"} <= said


def test_counts_end_below_one_another_and_so_do_their_parts() -> None:
    found = texts(svg())
    for column in (("1,902", "1,680", "€0.84"), ("935", "94", "€0.35"), ("10.1%", "general")):
        ends = [end_of(found[each]) for each in column]
        assert max(ends) - min(ends) < 2.1, column
    assert end_of(found["1,680"]) < float(found["88%"].attrib["x"])


def test_arms_stand_beside_one_another_on_an_edge_when_there_is_room() -> None:
    said = set(texts(svg()))
    assert "personal 75% · general 74%" in said
    assert {"a rather long name of an arm 84%", "another one that is long 86%"} <= said


def test_figures_are_told_to_who_cannot_see_them() -> None:
    description = svg().findtext(f"{SVG}desc") or ""
    assert "sent personal 1,680 88%, general 94 10.1%" in description
    assert "463 not sent: 310 never gave consent" in description


def test_without_heading_and_legend_it_fits_a_page_in_letters_that_can_be_read() -> None:
    root = svg()
    ids = {element.get("id") for element in root.iter()}
    assert "node-mail" in ids
    assert not {"heading", "legend"} & ids
    _, _, width, height = (float(each) for each in root.attrib["viewBox"].split())
    scale = min(A4_POINTS[0] / width, A4_POINTS[1] / height)
    assert 9 * scale > 5.5  # points on paper, the smallest letters of a card


def test_figures_keep_every_node_and_edge() -> None:
    ids = [re.findall(r'\[id="([^"]+)"', text) for text in (draw_dot(flows.winback()), draw_figures(flows.winback(), FIGURES))]
    assert ids[0] == ids[1]
