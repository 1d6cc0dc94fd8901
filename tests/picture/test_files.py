"""The files: SVG, PNG and PDF of the same drawing."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image
from pypdf import PdfReader

from engine.picture import PictureError, PictureFormat, draw_dot, render
from engine.picture.icons import ICONS
from engine.picture.outlines import Box, drawn
from engine.picture.style import PAPER, STROKES, STYLES
from tests.picture import flows

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def winback() -> str:
    return draw_dot(flows.winback())


@pytest.fixture(scope="module")
def winback_svg(winback: str) -> ET.Element:
    return ET.fromstring(render(winback, "svg"))


def test_the_svg_needs_nothing_from_outside(winback: str) -> None:
    svg = render(winback, "svg").decode()
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<(image|use|style|script|a|foreignObject)\b|href|url\(|transform=", svg)


def test_the_svg_can_be_linked_to_by_node_and_edge(winback_svg: ET.Element) -> None:
    ids = [element.attrib["id"] for element in winback_svg.iter() if "id" in element.attrib]
    assert len(set(ids)) == len(ids)
    assert {"node-mail", "node-won", "control-lapsed", "edge-answer.timeout", "legend", "heading"} <= set(ids)


def test_the_svg_tells_its_story_to_who_cannot_see_it(winback_svg: ET.Element) -> None:
    assert winback_svg.get("role") == "img"
    assert winback_svg.get("lang") == "en"
    named = {element.get("id"): element.text or "" for element in winback_svg}
    title, description = (named[each] for each in winback_svg.attrib["aria-labelledby"].split())
    assert title == "Win back lapsed customers"
    for words in ("e-mail mail · Goal: visits the page", "wait for answer · Response to mail · at most 5 days", "10% held out"):
        assert words in description


def test_every_node_and_edge_has_a_tooltip(winback_svg: ET.Element) -> None:
    groups = [group for group in winback_svg.iter(f"{SVG}g") if group.attrib["class"].split()[0] in ("node", "edge")]
    assert len(groups) == 10 + 11
    assert all(group.findtext(f"{SVG}title") for group in groups)


def test_a_viewer_with_other_letters_squeezes_them_into_the_box(winback_svg: ET.Element) -> None:
    texts = list(winback_svg.iter(f"{SVG}text"))
    assert len(texts) > 40
    assert all(float(text.attrib["textLength"]) > 0 for text in texts)


def test_the_png_is_twice_as_fine_as_a_screen(winback: str, winback_svg: ET.Element) -> None:
    image = Image.open(io.BytesIO(render(winback, "png")))
    assert image.width == pytest.approx(2 * float(winback_svg.attrib["width"]), abs=1)
    assert image.height == pytest.approx(2 * float(winback_svg.attrib["height"]), abs=4)


def test_the_png_shows_the_colours_and_is_white_at_its_edge(winback: str) -> None:
    image = Image.open(io.BytesIO(render(winback, "png"))).convert("RGB")
    seen = {colour for _, colour in image.getcolors(1 << 24) or ()}
    assert {rgb(STYLES[kind].accent) for kind in ("email", "sms", "print", "goal", "entry")} <= seen
    assert all(image.getpixel((x, 0)) == (255, 255, 255) for x in range(0, image.width, 50))


def test_a_picture_of_a_small_flow_is_a_page_of_a4_with_its_letters_inside(winback: str) -> None:
    document = PdfReader(io.BytesIO(render(winback, "pdf")))
    page = document.pages[0]
    assert len(document.pages) == 1
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 842)
    assert "Does a personal pick bring back more people" in page.extract_text()
    assert document.metadata
    assert document.metadata.title == "Win back lapsed customers"
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]  # pypdf types any object
    assert {"/FontFile2" in font["/FontDescriptor"] for font in fonts} == {True}
    assert len(document.outline) == 10


def test_a_picture_of_sixty_nodes_is_one_page_whose_letters_can_be_read() -> None:
    dot = draw_dot(flows.sixty())
    page = PdfReader(io.BytesIO(render(dot, "pdf"))).pages[0]
    svg = ET.fromstring(render(dot, "svg"))
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    scale = min(float(page.mediabox.width) / width, float(page.mediabox.height) / height)
    smallest = min(float(text.attrib["font-size"]) for text in svg.iter(f"{SVG}text"))
    assert smallest * scale >= 4.4  # points: the size of the names; titles are half as large again
    assert max(page.mediabox.width, page.mediabox.height) <= 1685  # A2, which offices can print


@pytest.mark.parametrize("format_", ["svg", "png", "pdf"])
def test_the_same_text_gives_the_same_bytes_in_every_format(winback: str, format_: PictureFormat) -> None:
    assert render(winback, format_) == render(winback, format_)


def test_dot_is_a_format_too(winback: str) -> None:
    assert render(winback, "dot").decode() == winback


def test_any_script_can_be_drawn_in_any_format() -> None:
    dot = draw_dot(flows.nasty())
    assert "中文字符" in render(dot, "svg").decode()
    assert render(dot, "pdf").startswith(b"%PDF")
    assert render(dot, "png").startswith(b"\x89PNG")


def test_the_picture_is_the_same_from_the_systems_graphviz(winback: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = ET.fromstring(render(winback, "svg"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    if not (Path("/usr/bin/dot").exists() or Path("/usr/local/bin/dot").exists()):
        pytest.skip("no Graphviz on this system")
    monkeypatch.setenv("PATH", "/usr/bin:/usr/local/bin:/bin")
    theirs = ET.fromstring(render(winback, "svg"))
    assert [text.text for text in theirs.iter(f"{SVG}text")] == [text.text for text in ours.iter(f"{SVG}text")]


def test_without_graphviz_the_error_says_what_to_install(winback: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PictureError, match=r"pip install graphviz-pure.*apt-get install graphviz"):
        render(winback, "svg")


def test_a_graphviz_that_fails_is_told_with_its_own_words() -> None:
    with pytest.raises(PictureError, match=r"could not lay out the picture: .*syntax error"):
        render("digraph {", "svg")


def test_a_graphviz_that_cannot_be_started_is_told(winback: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "graphviz-pure"
    broken.write_bytes(b"\x00")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(PictureError, match="Install graphviz-pure again"):
        render(winback, "svg")


def test_importing_the_picture_opens_no_database_and_starts_no_prefect() -> None:
    heavy = ("sqlalchemy", "prefect", "reportlab", "numpy")
    program = f"import sys; import engine.picture; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_kinds_differ_in_shape_in_icon_and_in_colour() -> None:
    box = Box(0, 0, 200, 60)
    shapes = {kind: drawn(style.outline, box) for kind, style in STYLES.items()}
    for one, other in combinations(STYLES, 2):
        assert shapes[one] != shapes[other]
        assert ICONS[one] != ICONS[other]
        assert STYLES[one].accent != STYLES[other].accent
    assert not {style.accent for style in STYLES.values()} & {stroke.colour for stroke in STROKES.values()}


def test_edges_differ_without_colour() -> None:
    assert len({stroke.dashes for stroke in STROKES.values()}) == len(STROKES)


def test_all_text_has_the_contrast_that_wcag_asks_for() -> None:
    for kind, style in STYLES.items():
        for ink in (style.title_ink, style.line_ink, style.kind_ink):
            assert contrast(ink, style.fill) >= 4.5, (kind, ink)
    assert all(contrast(stroke.colour, PAPER) >= 4.5 for stroke in STROKES.values())


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: (lighter + 0.05) / (darker + 0.05)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (linear(part / 255) for part in rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = parts(colour)
    return red, green, blue


def parts(colour: str) -> Iterator[int]:
    return (int(colour[start : start + 2], 16) for start in (1, 3, 5))
