"""What MJML's own compiler takes is compiled to what it would make of it."""

import re
from pathlib import Path

import pytest

from channels.email.compiling import compile_wording
from channels.email.wording import EmailWording

OFFICIAL = Path(__file__).parents[3] / "shared/data/mjml"


@pytest.mark.skipif(not OFFICIAL.exists(), reason="MJML's own templates are not there: ../shared/data/mjml")
@pytest.mark.parametrize("name", sorted(path.stem for path in OFFICIAL.glob("*.mjml")))
def test_mjmls_own_templates_compile(name: str) -> None:
    wording = compile_wording(OFFICIAL / f"{name}.mjml", {"subject": "Hello"}, OFFICIAL)
    assert isinstance(wording, EmailWording), wording
    assert len(wording.text) > 100


def html(folder: Path, head: str, column: str) -> str:
    (folder / "mail.mjml").write_text(
        f"<mjml><mj-head>{head}</mj-head><mj-body><mj-section><mj-column>{column}</mj-column></mj-section></mj-body></mjml>"
    )
    wording = compile_wording(folder / "mail.mjml", {"subject": "Hello"}, folder)
    assert isinstance(wording, EmailWording), wording
    return wording.html or ""


def test_an_attribute_that_is_given_twice_counts_as_it_was_given_first(tmp_path: Path) -> None:
    made = html(tmp_path, "", '<mj-text font-size="12px" color="red" font-size="14px">x</mj-text>')
    assert "font-size:12px" in made
    assert "color:red" in made
    assert "font-size:14px" not in made


def test_defaults_of_a_brand_and_of_a_mail_add_up_and_the_mails_own_win(tmp_path: Path) -> None:
    brand = '<mj-attributes><mj-text color="red" align="right" /><mj-class name="big" font-size="40px" /></mj-attributes>'
    own = '<mj-attributes><mj-text color="blue" /><mj-class name="small" font-size="8px" /></mj-attributes>'
    made = html(tmp_path, brand + own, '<mj-text mj-class="big">x</mj-text><mj-text mj-class="small">x</mj-text>')
    assert re.findall(r"font-size:(\d+px);[^\"]*text-align:(\w+);color:(\w+)", made) == [
        ("40px", "right", "blue"),
        ("8px", "right", "blue"),
    ]


@pytest.mark.parametrize("name", ["Roboto", "Raleway"])
def test_a_font_may_be_declared_twice_and_comes_from_where_the_last_says(tmp_path: Path, name: str) -> None:
    fonts = f'<mj-font name="{name}" href="https://a.example/1.css" /><mj-font name="{name}" href="https://a.example/2.css"></mj-font>'
    made = html(tmp_path, fonts, f'<mj-text font-family="{name}, Arial">x</mj-text>')
    assert "https://a.example/2.css" in made
    assert "1.css" not in made
    assert "googleapis" not in made


def test_signs_in_attributes_are_escaped_whatever_quotes_they_stand_in(tmp_path: Path) -> None:
    made = html(tmp_path, "", """<mj-image src="https://a.example/a.png" alt='say "yes", 1 < 2 &amp; 3' />""")
    assert 'alt="say &quot;yes&quot;, 1 &lt; 2 &amp; 3"' in made


def test_a_template_compiles_to_the_same_bytes_every_time(tmp_path: Path) -> None:
    picture = '<mj-carousel-image src="https://a.example/a.png" />'
    column = f'<mj-carousel>{picture * 2}</mj-carousel><mj-navbar hamburger="hamburger" />'
    assert html(tmp_path, "", column) == html(tmp_path, "", column)


def test_files_of_html_and_css_may_be_included(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text(".big { color: #123456; }")
    (tmp_path / "b.css").write_text(".big { letter-spacing: 7px; }")
    (tmp_path / "c.html").write_text("<b>{{ customer.first_name }}</b>")
    head = '<mj-include path="a.css" type="css" /><mj-include path="b.css" type="css" css-inline="inline" />'
    made = html(tmp_path, head, '<mj-text css-class="big">x</mj-text><mj-include path="c.html" type="html" />')
    assert ".big { color: #123456; }" in made
    assert re.search(r'style="[^"]*letter-spacing: ?7px', made)
    assert "<b>{{ customer.first_name }}</b>" in made
