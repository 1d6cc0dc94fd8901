from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.merging import one_line
from channels.print.layout import BODY, BOTTOM, HEADING, MEASURE, TOP, Page, break_lines, pages_of
from channels.print.letter import Letter, Letterhead
from channels.print.markup import Run, blocks, guard, plain_text, runs
from channels.print.typeface import Typeface, load_typeface
from tests.channels.images import picture_base64

HEAD = Letterhead(("Huis & Haard", "Oudegracht 114"), "NL", "left", "shop.example", "#1d3c5a")
LETTER = Letter("nl", "2 maart 2026", "", "Dear Zoë,", "", "", "Page", "Scan:", "Stop:", "https://x", "7K3QX-9MPTA", HEAD.text)
SENTENCE = "Words that go on and on, as words in letters do. "


@pytest.fixture(scope="module")
def typeface() -> Typeface:
    return load_typeface(None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", (("regular", "plain"),)),
        ("a **b** c", (("regular", "a "), ("bold", "b"), ("regular", " c"))),
        ("*b*, c", (("italic", "b"), ("regular", ", c"))),
        ("5 * 3 = 15", (("regular", "5 * 3 = 15"),)),
        (r"\*no\* \\", (("regular", "*no* \\"),)),
        ("**never closed", (("bold", "never closed"),)),
    ],
)
def test_marks_become_runs(text: str, expected: tuple[Run, ...]) -> None:
    assert runs(text) == expected


def test_blank_lines_and_list_items_divide_blocks() -> None:
    text = "# Title\n\nOne\nparagraph\\\nbroken here\n\nA list:\n- one\n  still one\n- two\n"
    assert list(blocks(text)) == [
        ("heading", "Title"),
        ("paragraph", "One paragraph\nbroken here"),
        ("paragraph", "A list:"),
        ("item", "one still one"),
        ("item", "two"),
    ]


@given(st.text())
def test_a_guarded_value_means_only_itself(value: str) -> None:
    line = one_line(value).strip()
    assert plain_text(guard(line)) == " ".join(line.split(" ")).strip()
    assert all(style == "regular" for kind, text in blocks(guard(line)) for style, _ in runs(text, kind))
    assert all(kind == "paragraph" for kind, _ in blocks(guard(line)))


@given(text=st.text(alphabet="abcdefgh  \n*é-", max_size=600), measure=st.floats(60, 400))
@settings(deadline=None)
def test_lines_fit_and_lose_no_word(text: str, measure: float) -> None:
    typeface = load_typeface(None)
    written = runs(text)
    lines = break_lines(written, typeface, 11, measure)
    for line in lines:
        assert sum(typeface.width(style, piece) for style, piece in line) * 11 / 1000 <= measure + 0.01
    said = "".join(piece for line in lines for _, piece in line)
    assert "".join(said.split()) == "".join("".join(piece for _, piece in written).split())


def test_a_last_line_of_one_word_gets_company(typeface: Typeface) -> None:
    for count in range(20, 60):
        lines = break_lines(runs("word " * count), typeface, 11, 300)
        assert len(lines) == 1 or " " in lines[-1][0][1]


def placed(page: Page) -> list[tuple[float, float]]:
    return [(each.top, each.top - each.block.height) for each in page]


@pytest.mark.parametrize("paragraphs", [1, 6, 8, 12, 20])
def test_no_text_overlaps_nor_leaves_its_page(typeface: Typeface, paragraphs: int) -> None:
    letter = replace(LETTER, heading="News", body="\n\n".join([SENTENCE * 5] * paragraphs), signed="Anna\\\nHuis", ps="PS " + SENTENCE * 3)
    pages = pages_of(letter, typeface)
    for number, page in enumerate(pages):
        edges = placed(page)
        first = min(number, 1)
        assert edges[0][0] <= TOP[first]
        assert edges[-1][1] >= BOTTOM[first] - 0.01
        assert all(above[1] >= below[0] for above, below in pairwise(edges))
    lines = sum(len(each.block.lines) for page in pages for each in page)
    alone = sum(len(break_lines(runs(text), typeface, BODY.size, MEASURE)) for _, text in blocks(letter.body))
    assert lines >= alone + 3


@pytest.mark.parametrize("filler", range(18, 30))
def test_a_heading_stays_with_its_text_and_a_sign_off_with_its_greeting(typeface: Typeface, filler: int) -> None:
    body = "\n\n".join(["x"] * (filler // 2) + ["# Heading", SENTENCE * 2] + ["y"] * 3 + ["Kind regards,"])
    signed = replace(HEAD, signature=picture_base64(400, 150))
    pages = pages_of(replace(LETTER, body=body, signed="Anna", letterhead=signed.text), typeface)
    for page in pages:
        assert page[-1].block.face is not HEADING
    where = {each.block.key: number for number, page in enumerate(pages) for each in page}
    assert where["signedAnna"] == where["paragraphKind regards,"]


def test_a_paragraph_is_divided_with_two_lines_on_either_side(typeface: Typeface) -> None:
    for filler in range(8, 26):
        letter = replace(LETTER, body="\n\n".join(["x"] * (filler // 2) + [SENTENCE * 12] * 2))
        for page in pages_of(letter, typeface):
            for each in page:
                assert len(each.block.lines) >= 2 or "x" in each.block.key


def test_a_word_that_is_wider_than_the_page_is_cut_and_not_lost(typeface: Typeface) -> None:
    link = "https://shop.example/" + "x" * 300
    lines = break_lines(runs(f"Look: {link}"), typeface, 11, 300)
    assert "".join(piece for line in lines for _, piece in line).replace(" ", "") == f"Look:{link}"
