"""Page files: every fault is told at its place, and a page that runs never breaks."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.brand import Brand
from channels.colours import READABLE, contrast
from customers.tables import Customer
from engine.language.faults import Fault
from landing.colours import DARK_PAPER, LIGHT_PAPER, brand_css
from landing.drafts import NOTHING_YET
from landing.fields import FIELD_TYPES, PhoneField
from landing.page import Page
from landing.page_check import check_brand, check_page
from landing.page_files import SHIPPED, PageShelf, load_brand_of, load_page
from landing.pictures import HEAVIEST_PICTURE
from landing.surveys import END
from landing.turns import send
from landing.wording import BUILT_IN, Merger
from landing.words import LANGUAGES, WORDS
from store.errors import InputError
from tests.landing.landing_pages import untold

TEMPLATES = Path("templates")


def faults_of(tmp_path: Path, text: str) -> list[Fault]:
    path = tmp_path / "page.yaml"
    path.write_text(text)
    return check_page(path, tmp_path, ("vip",), "page.yaml")


SURVEY = "title: Hi\nform:\n  a: {scale: Q}\n  b: {text: Q}\n"
FAULTS = [
    ("titel: Hello", ["page.yaml:1:1", "title"]),
    ("title: Hello\nblok: 3", ["page.yaml:2:1", "Did you mean 'blocks'?"]),
    ("title: {en: Hi, du: Hallo}", ["page.yaml:1:1", "'du' is not a language"]),
    ("title:", ["page.yaml:1:1", "no text"]),
    ("title: Hi\nform:\n  a: {chioce: Q}", ["page.yaml:3:3", "choice, scale"]),
    ("title: Hi\nform:\n  a: {text: Q, scale: Q}", ["page.yaml:3:3", "exactly one"]),
    ("title: Hi\nform:\n  a: {text: Q, requird: yes}", ["page.yaml:3:16", "Did you mean 'required'?"]),
    ("title: Hi\nform:\n  a: {choice: Q, options: {x: X}}", ["page.yaml:3:18", "at least 2"]),
    ("title: Hi\nform:\n  Bad Name: {text: Q}", ["page.yaml:3:3", "small letters"]),
    ("title: Hi\nblocks:\n  - {text: x, image: y}", ["page.yaml:3:5", "Make two blocks"]),
    ("title: Hi\nimage: nowhere.png", ["page.yaml:2:1", "not there"]),
    ("title: Hi\nimage: ../../etc/passwd", ["page.yaml:2:1", "not there"]),
    ("title: Hi\nthanks: {vouchr: x}", ["page.yaml:2:10", "Did you mean 'voucher'?"]),
    ('title: "Hi {{ customer.first_name }}"', ["page.yaml:1:1", "not known of every customer", "default('reader')"]),
    ('title: "Hi {{ customer.frist_name }}"', ["page.yaml:1:1", "Did you mean 'customer.first_name'?"]),
    ('title: "You like {{ customer.said_a }}"\nform:\n  a: {text: Q}', ["page.yaml:1:1", "what the customer answered", "A mail may"]),
    ('title: "Hi {{ customer.id }}"', ["page.yaml:1:1", "not something that a page knows"]),
    ('title: "Hi {{ customer"', ["page.yaml:1:1", "cannot be merged"]),
    ("title: \"{{ 'a' * 10000000000 }}\"", ["page.yaml:1:1", "cannot be merged"]),
    ("title: \"{{ cycler('a') }}\"", ["page.yaml:1:1", "cannot be merged"]),
    ('title: "{{ 1 / 0 }}"', ["page.yaml:1:1", "cannot be merged"]),
    ("title: {{ customer.first_name }}", ["page.yaml:1:8", "quotes"]),
    ("title: Hi\n\tintro: x", ["page.yaml:2:1", "tab"]),
    ("title: Hi\nform:\n  a: {text: Q, from: customer.city}", ["page.yaml:3:16", "a link may be forwarded", "customer.first_name"]),
    (SURVEY + "pages:\n  one: {ask: [a, x]}\n  two: {ask: [b]}", ["page.yaml:6:18", "no question 'x'"]),
    (SURVEY + "pages:\n  one: {ask: [a, a]}\n  two: {ask: [b]}", ["page.yaml:6:18", "asked twice"]),
    (SURVEY + "pages:\n  one: {ask: [a]}", ["page.yaml:4:3", "'b' is on no page"]),
    (SURVEY + "pages:\n  one: {ask: [a, b]}\n  end: {ask: []}", ["page.yaml:7:9", "at least 1"]),
    (SURVEY + "pages:\n  one: {ask: [a]}\n  end: {ask: [b]}", ["page.yaml:7:3", "cannot be called 'end'"]),
    (SURVEY + "pages:\n  one: {ask: [a]}\n  two: {ask: [b], next: one}", ["page.yaml:7:19", "forwards only"]),
    (SURVEY + "pages:\n  one: {ask: [a], next: [{when: {a: 6}, then: two}]}\n  two: {ask: [b]}", ["page.yaml:6:26", "1, 2, 3, 4, 5"]),
    (SURVEY + "pages:\n  one: {ask: [a], next: [{when: {b: x}, then: two}]}\n  two: {ask: [b]}", ["page.yaml:6:26", "has not been asked"]),
    (SURVEY + "pages:\n  one: {ask: [a], next: [{then: two}]}\n  two: {ask: [b]}", ["page.yaml:6:26", "a way on is either"]),
    (SURVEY + "pages:\n  one: {ask: [a], nxt: two}\n  two: {ask: [b]}", ["page.yaml:6:19", "Did you mean 'next'?"]),
    (SURVEY + "pages:\n  one: {ask: [a], next: [{whn: {a: 1}, then: two}]}\n  two: {ask: [b]}", ["page.yaml:6:27", "Did you mean 'when'?"]),
    ("- a list", ["page.yaml:1:1"]),
    ("", ["page.yaml:1:1", "empty"]),
]


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_a_fault_in_a_page_is_told_at_its_place_with_what_to_do(tmp_path: Path, text: str, said: list[str]) -> None:
    assert not untold(faults_of(tmp_path, text), said)


def test_all_faults_of_a_page_are_told_at_once(tmp_path: Path) -> None:
    assert len(faults_of(tmp_path, "blok: 1\ngreting: x\nform: {a: {scale: Q, hnt: x}, b: {}}\nbutton: ''")) == 6


def test_a_variable_is_guarded_by_a_default_or_a_condition(tmp_path: Path) -> None:
    assert not faults_of(tmp_path, 'title: "{% if customer.city %}In {{ customer.city }}{% endif %} {{ customer.vip | default(0) }}"')
    assert not faults_of(tmp_path, 'title: "{{ campaign.title }} of {{ sender.name }}"')


def test_a_heavy_picture_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(bytes(HEAVIEST_PICTURE + 1))
    assert "150 kB at most" in faults_of(tmp_path, "title: Hi\nimage: big.png")[0].remedy


def test_what_is_shipped_has_no_fault() -> None:
    assert not check_page(SHIPPED / "default.yaml", SHIPPED)
    assert not check_page(TEMPLATES / "winback/page.yaml", TEMPLATES)
    assert not check_brand(TEMPLATES)


def test_the_page_in_the_how_to_passes_and_shows_every_type_of_field(tmp_path: Path) -> None:
    text = Path("docs/how-to/write-a-landing-page.md").read_text().split("```yaml\n")[1].split("```")[0]
    assert not faults_of(tmp_path, text)
    assert {field.word for field in load_page(tmp_path / "page.yaml").form.values()} == set(FIELD_TYPES)


def test_a_brand_with_faults_is_told_and_shows_no_page(tmp_path: Path) -> None:
    (tmp_path / "brand").mkdir()
    file = tmp_path / "brand/brand.yaml"
    file.write_text("font: Arial\nlogo: no.png\n")
    (fault,) = check_brand(tmp_path, lambda path: path.name)
    assert fault.render().startswith("brand.yaml:2:1: the picture 'no.png' is not there.")
    file.write_text("\naccent: red\n")
    with pytest.raises(InputError, match=r"brand\.yaml:2:1: 'accent' cannot be that"):
        load_brand_of(tmp_path)


@given(st.text(max_size=300))
def test_no_text_whatever_makes_the_check_fall_over(text: str) -> None:
    path = Path("/dev/shm") / "contactflow-any-page.yaml"  # memory: hypothesis writes it hundreds of times
    path.write_text(text, encoding="utf-8", errors="replace")
    check_page(path, path.parent)
    path.unlink()


def test_an_edited_page_is_shown_at_once_and_a_broken_edit_is_told_once_and_leaves_the_last_good_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, shelf = tmp_path / "page.yaml", PageShelf(tmp_path)
    for text, shown in (("title: One", "One"), ("title: Two!", "Two!"), ("titel: Three!!", "Two!"), ("title: Four!!!!", "Four!!!!")):
        path.write_text(text)
        for _ in range(3):
            assert shelf.page("page.yaml").title.spoken("en") == shown
    assert len(caplog.messages) == 1
    assert "Did you mean 'title'?" in caplog.messages[0]
    held = path.rename(tmp_path / "held.yaml")
    assert shelf.page("page.yaml").title.spoken("en") == "Four!!!!"
    held.rename(path)
    assert shelf.page("page.yaml").title.spoken("en") == "Four!!!!"


def test_a_campaign_whose_page_was_never_there_gets_the_shipped_page(tmp_path: Path) -> None:
    shipped = load_page(SHIPPED / "default.yaml")
    assert PageShelf(tmp_path).page("gone.yaml") == PageShelf(tmp_path).page(None) == shipped


def test_a_workspace_may_have_a_default_page_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/default.yaml").write_text("title: Ours")
    assert PageShelf(tmp_path).page(None).title.spoken("nl") == "Ours"


def test_a_broken_page_is_an_error_that_lists_its_faults(tmp_path: Path) -> None:
    (tmp_path / "page.yaml").write_text("titel: x\nblok: y")
    with pytest.raises(InputError, match=r"(?s)titel.*blok"):
        load_page(tmp_path / "page.yaml")


EVERY_FIELD = Page.model_validate(
    {
        "title": "All",
        "form": {f"f_{word}": {word: "Q", **({"options": {"a": "A", "b": "B"}} if word == "choice" else {})} for word in FIELD_TYPES},
    }
)


@given(st.dictionaries(st.sampled_from(list(EVERY_FIELD.form)), st.text(), max_size=7), st.none() | st.text(max_size=3))
def test_whatever_is_typed_becomes_an_answer_or_a_complaint_in_every_language(typed: dict[str, str], region: str | None) -> None:
    sent = send(EVERY_FIELD.survey, NOTHING_YET, typed, region, None)
    assert not sent.values.keys() & sent.spot.complaints.keys()
    assert sent.is_right == (sent.target == END)
    assert all(complaint in WORDS[language] for complaint in sent.spot.complaints.values() for language in LANGUAGES)


@given(st.text())
def test_a_value_is_merged_as_text_whatever_it_holds(value: str) -> None:
    merged = Merger().merge("{{ customer.x }}|{{ missing.y | default('-') }}", {"customer": {"x": value}})
    assert merged.unescape() == f"{value}|-"
    assert "<" not in merged


def test_a_text_cannot_reach_into_the_program() -> None:
    assert Merger().merge("{{ ''.__class__.__mro__ }}{{ sender.__class__ }}", {"sender": {}}) == ""


def test_a_phone_number_belongs_to_the_customers_country() -> None:
    field = PhoneField(phone="Q")
    assert field.read("0470 12 34 56", "BE").value == "+32470123456"
    assert field.read("+32 470 12 34 56", None).value == "+32470123456"


def test_every_language_has_every_word_with_the_same_blanks() -> None:
    for language in LANGUAGES:
        assert WORDS[language].keys() == WORDS["en"].keys()
        for name, text in WORDS[language].items():
            assert {part for part in ("{channel}", "{purpose}", "{sender}") if part in text} == {
                part for part in ("{channel}", "{purpose}", "{sender}") if part in WORDS["en"][name]
            }


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_any_brand_colour_becomes_readable(accent: str) -> None:
    css = brand_css(Brand(accent=accent))
    light, dark = css.split("--accent:")[1][:7], css.split("--accent:")[2][:7]
    ink = css.split("--on-fill:")[1][:7]
    assert contrast(light, LIGHT_PAPER) >= READABLE
    assert contrast(dark, DARK_PAPER) >= READABLE
    assert contrast(ink, accent) >= READABLE


def test_contrast_is_that_of_the_recommendation() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the well-known grey that just fails


def test_a_page_may_show_every_column_of_a_customer_but_our_own_bookkeeping() -> None:
    columns = {"customer." + name for name in Customer.model_fields}
    assert columns ^ set(BUILT_IN) == {f"customer.{name}" for name in ("id", "created_at", "changed_at", "erased_at")}
