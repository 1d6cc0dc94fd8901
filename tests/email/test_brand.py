"""A brand's colours and pictures are declared once, and stand in every mail."""

import email
import email.policy
import re
from base64 import b64decode, b64encode
from email.message import EmailMessage
from pathlib import Path

import pytest

from channels.brand import BRAND, Brand, read_brand
from channels.contract import Content, WordingFault
from channels.email.compiling import compile_wording
from channels.email.pictures import shown_alone
from channels.email.wording import EmailWording

PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
ROOT = Path(__file__).parents[2] / "templates"


def compiled(folder: Path, column: str, brand: str = "", hosted: str | None = None) -> EmailWording | list[WordingFault]:
    (folder / "brand").mkdir(exist_ok=True)
    (folder / BRAND).write_text(brand)
    (folder / "mail.mjml").write_text(f"<mjml><mj-body><mj-section><mj-column>\n{column}</mj-column></mj-section></mj-body></mjml>")
    return compile_wording(folder / "mail.mjml", {"subject": "Hello"}, folder, hosted=hosted)


def html(wording: EmailWording | list[WordingFault]) -> str:
    assert isinstance(wording, EmailWording), wording
    return wording.html or ""


def fault(wording: EmailWording | list[WordingFault]) -> tuple[str, int, int, str]:
    assert isinstance(wording, list)
    (only,) = wording
    return only.file.name, only.line, only.column, only.message


def test_a_colour_of_the_brand_stands_where_nothing_may_vary(tmp_path: Path) -> None:
    made = html(compiled(tmp_path, '<mj-text color="{{ brand.accent }}" padding="0" >x</mj-text>', 'accent: "#123456"'))
    assert "color:#123456" in made
    assert "brand" not in made


@pytest.mark.parametrize(("logo", "shown"), [("", "no logo"), ("logo: logo.png", "a logo")])
def test_only_what_holds_for_the_brand_is_in_the_mail(tmp_path: Path, logo: str, shown: str) -> None:
    (tmp_path / "logo.png").write_bytes(PIXEL)
    column = '{% if brand.logo %}<mj-image src="{{ brand.logo }}" alt="a logo" />{% else %}<mj-text>no logo</mj-text>{% endif %}'
    made = html(compiled(tmp_path, f"{column}<mj-text>{{% if x %}}yes{{% endif %}}</mj-text>", logo))
    assert [text for text in ("no logo", "a logo") if text in made] == [shown]
    assert "{% if x %}yes{% endif %}" in made


def test_a_question_about_the_brand_may_stand_inside_another(tmp_path: Path) -> None:
    column = "<mj-text>{% if not brand.logo %}{% if x %}a{% else %}b{% endif %}{% else %}{% if y %}c{% endif %}{% endif %}d</mj-text>"
    assert "{% if x %}a{% else %}b{% endif %}d" in html(compiled(tmp_path, column))


@pytest.mark.parametrize(
    ("column", "brand", "told"),
    [
        ("<mj-text>{{ brand.acent }}</mj-text>", "", ("mail.mjml", 2, 10, "brand.acent is not known.")),
        ("<mj-text>{{ brand.logo }}</mj-text>", "", ("mail.mjml", 2, 10, "brand.logo has no value.")),
        ("<mj-text>{{ brand.accent | upper }}</mj-text>", "", ("mail.mjml", 2, 10, "a brand's value stands alone.")),
        ("<mj-text>{{ brand.accent }}</mj-text>", "# x\naccent: red", ("brand.yaml", 2, 1, "'accent' cannot be that.")),
        ("<mj-text>{{ brand.accent }}</mj-text>", "acent: red", ("brand.yaml", 1, 1, "'acent' is not known.")),
        ("<mj-text>{{ brand.accent }}</mj-text>", "a: b: c", ("brand.yaml", 1, 1, "mapping values are not allowed here.")),
        ('<mj-image src="no.png" />', "", ("mail.mjml", 2, 16, "the picture 'no.png' is not there.")),
        ('<mj-image src="../no.png" />', "", ("mail.mjml", 2, 16, "the picture '../no.png' is not there.")),
        ('<mj-image src="a.svg" />', "", ("mail.mjml", 2, 16, "'a.svg' is not shown by mail programs.")),
    ],
)
def test_what_is_wrong_with_brand_and_pictures_is_told_at_its_place(
    tmp_path: Path, column: str, brand: str, told: tuple[str, int, int, str]
) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    found = fault(compiled(tmp_path, column, brand))
    assert (found[:3], found[3].endswith(told[3])) == (told[:3], True), found


def test_a_fault_keeps_its_place_behind_what_the_brand_put_in(tmp_path: Path) -> None:
    found = fault(compiled(tmp_path, '<mj-text color="{{ brand.accent }}">{{ brand.font }}</mj-text>\n <mj-text>{{ a b }}</mj-text>'))
    assert found[:3] == ("mail.mjml", 3, 11)


def test_a_picture_travels_in_the_mail_once_and_every_reader_finds_it(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(PIXEL)
    wording = compiled(tmp_path, '<mj-image src="a%20b.png" alt="x" /><mj-image src="a b.png" alt="y" />')
    assert isinstance(wording, EmailWording)
    content = EmailWording.restored(wording.source).compose({})
    assert isinstance(content, Content)
    assert content.raw is not None
    message = email.message_from_bytes(content.raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    text, related = message.iter_parts()
    page, picture = related.iter_parts()
    assert (message.get_content_type(), text.get_content_type(), related.get_content_type()) == (
        "multipart/alternative",
        "text/plain",
        "multipart/related",
    )
    assert (picture.get_content(), picture.get_content_type()) == (PIXEL, "image/png")
    assert page.get_content().count(f"cid:{picture['Content-ID'][1:-1]}") == 2
    assert not message.defects
    assert shown_alone(content).count(f'src="data:image/png;base64,{b64encode(PIXEL).decode()}"') == 2
    assert max(map(len, content.raw.split(b"\r\n"))) <= 78


def test_hosted_pictures_are_fetched_from_the_landing_pages(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(PIXEL)
    wording = compiled(tmp_path, '<mj-image src="a b.png" />', hosted="https://pages.example/i")
    assert 'src="https://pages.example/i/a%20b.png"' in html(wording)
    assert isinstance(wording, EmailWording)
    assert wording.pictures == ()


def test_the_brand_that_ships_is_the_one_of_a_workspace_without_one(tmp_path: Path) -> None:
    assert read_brand(tmp_path) == Brand()
    assert isinstance(read_brand(ROOT), Brand)


@pytest.mark.parametrize("name", ["winback/personal", "winback/general", "hillstrom/mens", "hillstrom/womens"])
def test_the_shipped_mails_have_no_colour_of_their_own(name: str) -> None:
    assert re.findall(r"#[0-9a-f]{6}", (ROOT / f"{name}.mjml").read_text()) == []
    made = html(compile_wording(ROOT / f"{name}.mjml", {"subject": "Hello"}, ROOT))
    assert "prefers-color-scheme: dark" in made
    assert re.search(r'<meta [^>]*name="color-scheme"', made)


@pytest.mark.parametrize("name", ["winback/general.mjml", "winback/personal.mjml", "hillstrom/mens.mjml", "hillstrom/womens.mjml"])
def test_every_shipped_mail_lets_its_reader_choose_and_stop(name: str) -> None:
    wording = compile_wording(ROOT / name, {"subject": "Hello"}, ROOT)
    assert isinstance(wording, EmailWording), wording
    assert {"links.preferences", "links.opt_out"} <= wording.variables
