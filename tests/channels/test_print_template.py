from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from channels.contract import CompositionFault, Content
from channels.print import PrintChannel
from channels.print.phrases import PHRASES
from channels.print.wording import LetterWording
from tests.channels.adapters import VALUES, print_settings
from tests.channels.images import picture

SHIPPED = Path(__file__).parents[2] / "templates"


@pytest.fixture
def channel(tmp_path: Path) -> PrintChannel:
    return PrintChannel(print_settings(tmp_path))


def load(channel: PrintChannel, folder: Path, text: str) -> LetterWording:
    (folder / "letter.md").write_text(text, encoding="utf-8")
    wording = channel.load(folder / "letter.md", {}, folder)
    assert not isinstance(wording, list), wording
    return wording


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("---\nheading: {{ customer.first_name }}\n---\nDear", [(2, "not a text")]),
        ("---\nheading: {{ customer.first_name }}, hi\n---\nDear", [(2, "cannot be read")]),
        ("---\n- heading\n---\nDear", [(2, "name: value")]),
        ("---\nheadin: x\n---\nDear", [(2, "no setting 'headin'")]),
        ("---\nheading: x\ncolour: red\nlanguage: xx\n---\nDear {{ x }", [(3, "colour"), (4, "language"), (6, "unexpected")]),
        ("---\nheading: '{{ x|gone }}'\nps: '{% if %}'\n---\nDear", [(2, "gone"), (3, "Expected")]),
        ("---\nlogo: gone.png\n---\nDear", [(2, "not a PNG")]),
        ("---\nlogo: ../letter.png\n---\nDear", [(2, "not a PNG")]),
        ("---\nsignature: letter.md\n---\nDear", [(2, "not a PNG")]),
        ("---\nheading: x\n---\n\n", [(4, "no text")]),
        ("---\nheading: \x00\n---\nDear", [(2, "character")]),
        ("---\nheading: !!python/object:os.system x\n---\nDear", []),
        ("", [(1, "no text")]),
    ],
)
def test_every_fault_is_told_at_once_and_where_it_stands(
    channel: PrintChannel, tmp_path: Path, text: str, faults: list[tuple[int, str]]
) -> None:
    folder = tmp_path / "winback"
    folder.mkdir()
    (tmp_path / "letter.png").write_bytes(picture(10, 10))
    (folder / "letter.md").write_text(text, encoding="utf-8")
    loaded = channel.load(folder, {}, tmp_path)
    found = loaded if isinstance(loaded, list) else []
    assert len(found) == len(faults), found
    for fault, (line, says) in zip(found, faults, strict=True):
        assert (fault.line, says in fault.message, bool(fault.remedy)) == (line, True, True), fault


def test_a_heavy_image_is_refused(channel: PrintChannel, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(picture(10, 10) + b"\0" * 500_000)
    (tmp_path / "letter.md").write_text("---\nlogo: logo.png\n---\nDear", encoding="utf-8")
    faults = channel.load(tmp_path, {}, tmp_path)
    assert isinstance(faults, list)
    assert "kB" in faults[0].message


def test_a_letter_is_found_as_folder_file_or_name(channel: PrintChannel, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "letter.md").write_text("Dear", encoding="utf-8")
    (tmp_path / "b.md").write_text("Dear", encoding="utf-8")
    for path in ("a", "a/letter.md", "b", "b.md"):
        assert isinstance(channel.load(tmp_path / path, {}, tmp_path), LetterWording), path
    assert isinstance(channel.load(tmp_path / "c", {}, tmp_path), list)


def test_the_images_travel_with_the_wording(channel: PrintChannel, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(picture(300, 80))
    wording = load(channel, tmp_path, "---\nlogo: logo.png\n---\nDear {{ customer.first_name }}")
    (tmp_path / "logo.png").unlink()
    restored = channel.restore(wording.source)
    assert restored == wording
    assert restored.compose(VALUES) == wording.compose(VALUES)
    assert wording.letterhead.logo


@pytest.mark.parametrize(
    ("language", "written", "spelled"),
    [
        ("nl", "", "2 maart 2026"),
        ("DE-at", "", "2. März 2026"),
        ("fr", "", "2 mars 2026"),
        ("pl", "", "2 maart 2026"),  # not spoken: the sender's own
        (None, "", "2 maart 2026"),
        ("nl", "en", "2 March 2026"),  # the wording says what language it is in
    ],
)
def test_date_and_fixed_sentences_are_in_the_recipients_language(
    channel: PrintChannel, tmp_path: Path, language: str | None, written: str, spelled: str
) -> None:
    wording = load(channel, tmp_path, (f"---\nlanguage: {written}\n---\n" if written else "") + "Dear")
    values = deepcopy(VALUES)
    values["customer"]["language"] = language
    content = wording.compose(values)
    assert isinstance(content, Content)
    assert content.parts["date"] == spelled
    assert content.parts["panel"] == PHRASES[content.parts["language"]].panel
    assert "shop.example" in content.parts["invitation"]


def test_the_first_of_the_month_is_special_in_french() -> None:
    assert PHRASES["fr"].spell(date(2026, 5, 1)) == "1er mai 2026"
    assert {name: phrases.spell(date(2026, 5, 1)) for name, phrases in PHRASES.items() if name != "fr"} == {
        "nl": "1 mei 2026",
        "en": "1 May 2026",
        "de": "1. Mai 2026",
    }


def test_a_date_and_its_stored_text_give_the_same_letter(channel: PrintChannel, tmp_path: Path) -> None:
    wording = load(channel, tmp_path, "Dear {{ customer.first_name }}")
    assert wording.compose({**VALUES, "today": date(2026, 3, 2)}) == wording.compose({**VALUES, "today": "2026-03-02"})


@pytest.mark.parametrize(
    ("name", "value"), [("code", None), ("today", None), ("today", "soon"), ("links", {"page": None}), ("links", None)]
)
def test_no_letter_goes_without_code_link_and_date(channel: PrintChannel, tmp_path: Path, name: str, value: Any) -> None:
    fault = load(channel, tmp_path, "Dear").compose({**VALUES, name: value})
    assert isinstance(fault, CompositionFault)
    assert fault.variable == ("links.page" if name == "links" else name)


def test_a_value_is_neither_bold_nor_a_heading(channel: PrintChannel, tmp_path: Path) -> None:
    values = deepcopy(VALUES)
    values["customer"]["first_name"] = "# **Zoë**"
    content = load(channel, tmp_path, "{{ customer.first_name }}").compose(values)
    assert isinstance(content, Content)
    assert content.parts["body"] == r"\# \*\*Zoë\*\*"


def test_what_the_typeface_cannot_write_is_a_fault_and_no_box(channel: PrintChannel, tmp_path: Path) -> None:
    values = deepcopy(VALUES)
    values["customer"]["first_name"] = "日本"
    fault = load(channel, tmp_path, "Dear {{ customer.first_name }}").compose(values)
    assert isinstance(fault, CompositionFault)
    assert "U+65E5, U+672C" in fault.reason
    assert channel.address_of(values["customer"]) is None


def test_a_letter_has_as_many_sheets_as_pages_and_at_most_two(channel: PrintChannel, tmp_path: Path) -> None:
    wording = load(channel, tmp_path, "{% for n in customer.lines %}Line {{ n }}\n\n{% endfor %}")
    sheets = []
    for count in (3, 30, 200):
        content = wording.compose({**VALUES, "customer": {"lines": list(range(count))}})
        sheets.append(content.segments if isinstance(content, Content) else content.reason)
    assert sheets[:2] == [1, 2]
    assert "at most 2" in str(sheets[2])


def test_the_shipped_templates_load(channel: PrintChannel) -> None:
    wording = channel.load(SHIPPED / "winback" / "letter", {}, SHIPPED)
    assert isinstance(wording, LetterWording), wording
    content = wording.compose(VALUES)
    assert isinstance(content, Content)
    assert content.segments == 1
