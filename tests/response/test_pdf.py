"""The PDF: the same report on paper, with its letters inside."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from response.parts import Column, Document, Picture, Section, Table, say
from response.render.pdf import as_pdf
from response.render.reader import Reader
from response.words import LANGUAGES
from tests.response.report_example import a_story, winning
from tests.response.response_story import Story
from tests.response.test_charts import AT, DOCUMENT


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with a_story(tmp_path) as told:
        yield told


def opened(document: Document, language: str = "en") -> PdfReader:
    return PdfReader(BytesIO(as_pdf(document, language)))


def words(pdf: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in pdf.pages).split())


def fonts(pdf: PdfReader) -> Iterator[Any]:
    for page in pdf.pages:
        resources: Any = page["/Resources"]
        yield from (font.get_object() for font in resources.get("/Font", {}).values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_stands_in_the_outline_and_every_headline_on_the_first_page(story: Story, language: str) -> None:
    document = winning(story).document
    pdf = opened(document, language)
    read = Reader(language, document)
    titles = [str(entry["/Title"]) for entry in pdf.outline if not isinstance(entry, list)]
    assert titles[: len(document.sections)] == [read.title(section) for section in document.sections]
    first = " ".join(pdf.pages[0].extract_text().split())
    assert all(read.say(each) in first for each in document.headline)


def test_every_table_is_in_it(story: Story) -> None:
    document = winning(story).document
    text = words(opened(document))
    for table in document.tables:
        assert table.facts or " ".join(Reader("en", document).name(table).split()) in text, table.name


def test_its_letters_are_inside_and_its_page_is_a4(story: Story) -> None:
    pdf = opened(winning(story).document)
    assert {font["/BaseFont"].split("+")[1] for font in fonts(pdf)} == {"LiberationSans", "LiberationSans-Bold"}
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts(pdf))
    assert {tuple(round(float(side)) for side in page.mediabox[2:]) for page in pdf.pages} == {(595, 842)}


def test_charts_stand_in_it_as_letters_and_lines() -> None:
    pdf = opened(DOCUMENT, "nl")
    text = words(pdf)
    assert "33.456,20" in text
    assert "+2,0 (+1,0 tot +3,0)" in text
    assert not any(page.images for page in pdf.pages)


def test_a_long_table_breaks_over_pages_with_its_heads_on_each() -> None:
    table = Table("long", (Column("reason", "text"), Column("customers")), tuple((f"row {number}", number) for number in range(150)))
    document = Document("x", say("versions"), AT, "UTC", "EUR", (Section("result", (table,)),))
    pages = [page.extract_text() for page in opened(document).pages]
    assert len(pages) >= 3
    assert all("Customers" in page for page in pages if "row " in page)
    assert "row 149" in pages[-1]


def test_a_table_wider_than_the_page_is_cut_into_parts_that_each_name_their_rows() -> None:
    columns = (Column("group", "text"), *(Column(f"a_rather_long_heading_{number}", "money") for number in range(24)))
    table = Table("wide", columns, (("the only group", *(1e6 + number for number in range(24))),))
    document = Document("x", say("versions"), AT, "UTC", "EUR", (Section("result", (table,)),))
    text = words(opened(document))
    assert text.count("the only group") > 1
    assert all(f"€1,000,0{number:02}" in text for number in range(24))


def test_a_long_table_that_a_screen_folds_is_named_on_paper_with_where_its_rows_stand() -> None:
    rows = tuple((f"row {number}", number) for number in range(150))
    table = Table("long", (Column("reason", "text"), Column("customers")), rows, folded=True, title=say("versions"))
    document = Document("x", say("versions"), AT, "UTC", "EUR", (Section("result", (table,)),))
    text = words(opened(document))
    assert "row 3" not in text
    assert "150 rows, too many for paper" in text
    assert "long.csv" in text


def test_the_flow_is_drawn_in_lines_and_letters_and_sql_is_left_to_the_page(story: Story) -> None:
    document = winning(story).document
    pdf = opened(document)
    pictures = [part for section in document.sections for part in section.parts if isinstance(part, Picture)]
    assert pictures
    assert not any(page.images for page in pdf.pages)
    text = words(pdf)
    assert "bought" in text
    assert "SELECT" not in text
    assert "they can be sent again" in text


def test_its_metadata_say_what_it_is_in_which_language_and_of_when(story: Story) -> None:
    document = winning(story).document
    pdf = opened(document, "nl")
    about: Any = pdf.metadata
    read = Reader("nl", document)
    assert (about.title, about.subject) == (read.say(document.title), " ".join(read.say(each) for each in document.headline))
    assert about.creation_date == document.as_of.replace(microsecond=0)
    assert pdf.trailer["/Root"]["/Lang"] == "nl"  # type: ignore[index]  # a dictionary, that pypdf does not know of


def test_the_same_report_is_the_same_file(story: Story) -> None:
    document = winning(story).document
    assert as_pdf(document) == as_pdf(document)
