"""The top and bottom of pages in a brand's own HTML: shown on every page, harmless, and every fault told with its line."""

from pathlib import Path

import pytest

from channels.brand import Brand
from engine.header import Header
from landing.frame import frame_faults
from landing.page_files import load_page
from landing.preview import previews, somebody
from landing.render import Renderer
from landing.settings import LandingSettings
from store.errors import InputError
from tests.conftest import NOON
from tests.landing.landing_pages import PAGE, Pages

HEADER = """<p class="claim">{% if language == 'nl' %}Van het land{% else %}From the land{% endif %}: {{ sender.name }}</p>
<img src="{{ picture('winback/welcome.svg') }}" alt="">
"""


@pytest.fixture
def branded(templates: Path) -> Path:
    (templates / "brand").mkdir()
    (templates / "brand/header.html").write_text(HEADER)
    (templates / "brand/footer.html").write_text('<p><a href="https://groenhof.example">groenhof.example</a></p>')
    (templates / "brand/page.css").write_text(".claim { font-weight: 900; }")
    return templates


@pytest.mark.usefixtures("branded")
@pytest.mark.parametrize(("language", "claim"), [("en", "From the land"), ("nl-NL", "Van het land")])
def test_every_page_has_the_brands_own_top_bottom_and_style(pages: Pages, language: str, claim: str) -> None:
    for path in ("/", "/p/nothing"):
        shown = pages.browser.get(path, headers={"accept-language": language}).text
        assert f'<p class="claim">{claim}: Groenhof</p>' in shown
        assert '<img src="/i/winback/welcome.svg" alt="">' in shown
        assert shown.index("groenhof.example") < shown.index("Markt 1, Utrecht")  # who writes stands below it all the same
    style = pages.browser.get(shown.split('rel="stylesheet" href="')[1].split('"')[0]).text
    assert style.endswith(".claim { font-weight: 900; }")
    assert "script" not in pages.browser.get("/").headers["content-security-policy"]


def test_a_preview_has_them_too(branded: Path, settings: LandingSettings) -> None:
    (branded / "page.yaml").write_text(PAGE)
    recipient = somebody("winback", Header("Win back", "offers", None), {})
    shown = next(previews(settings, Brand(), load_page(branded / "page.yaml"), recipient, NOON))
    assert '<img src="data:image/svg+xml;base64,' in shown.html
    assert "groenhof.example" in shown.html


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("<p>\n{{ sender.name", 2, "cannot be read"),
        ("<p>\n{{ customer.first_name }}</p>", 2, "'customer' is not something that a frame knows"),
        ("{{ sendr.name }}", 1, "Did you mean 'sender'?"),
        ("<p>\n\n<script>1</script>", 3, "runs a script"),
        ("<p onclick=x>", 1, "runs a script"),
        ("<p style='color:red'>", 1, "holds a style"),
        ("\n<img src='//cdn.example/x.png'>", 2, "fetches something from elsewhere"),
        ("{{ picture('no/such.svg') }}", 1, "there is no picture 'no/such.svg'"),
        ("{{ picture() }}", 1, "cannot be made"),
        ("{{ 'a' * 10**10 }}", 1, "does not count with *"),
        ("{% if language == 'de' %}<img src=\"{{ picture('no/such.svg') }}\">{% endif %}", 1, "there is no picture 'no/such.svg'"),
        ('<img srcset="data:image/png;base64,AA">', 1, "fetches something from elsewhere"),
        ("<link rel=stylesheet href=x.css>", 1, "brings in another file"),
        ("{% for each in range(10**9) %}{% endfor %}", 1, "'range' is not something"),
    ],
)
def test_a_fault_is_told_with_its_line(templates: Path, settings: LandingSettings, text: str, line: int, told: str) -> None:
    (templates / "brand").mkdir()
    (templates / "brand/footer.html").write_text(text)
    found = list(frame_faults(templates))
    assert [(fault.line, told in f"{fault.message} {fault.remedy}") for fault in found] == [(line, True)]
    with pytest.raises(InputError, match=r"footer\.html"):
        next(previews(settings, Brand(), load_page(templates / "winback/page.yaml"), somebody("x", Header("x", None, None), {}), NOON))


@pytest.mark.parametrize(
    ("style", "line", "told"),
    [
        (b"p {}\n.claim { background: url( 'https://cdn.example/x.png') }", 2, "the style fetches something from elsewhere"),
        (b"@import 'more.css';", 1, "brings in another file"),
        (b"\n\n@font-face { font-family: x; src: url(../i/x.woff) }", 3, "name fonts"),
        (b".claim::after { content: '\xe9' }", 1, "Save it as a text file in UTF-8"),
    ],
)
def test_a_fault_in_the_style_is_told_too(templates: Path, settings: LandingSettings, style: bytes, line: int, told: str) -> None:
    (templates / "brand").mkdir()
    (templates / "brand/page.css").write_bytes(style)
    found = list(frame_faults(templates))
    assert [(fault.line, told in f"{fault.message} {fault.remedy}") for fault in found] == [(line, True)]
    with pytest.raises(InputError, match=r"page\.css"):
        Renderer(settings, Brand())
