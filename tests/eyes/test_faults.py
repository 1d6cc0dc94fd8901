"""Every page in every language: nothing that axe finds, nothing cut off, nothing heavy, nothing asked of others."""

from itertools import product
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from landing.words import LANGUAGES
from tests.eyes.browser import DESK, PHONE, Visit
from tests.eyes.scenes import SCENES, Scene

HEAVIEST_BYTES = 50_000
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = ((PHONE, "light"), (DESK, "dark"), (PHONE, "dark"), (DESK, "light"))
_AXE = "rules => axe.run(document, {runOnly: rules, rules: {'target-size': {enabled: true}}, resultTypes: ['violations']})"
# What reaches over an edge of the window, or of the sheet, which would cut it off.
CUT = """() => [...document.body.querySelectorAll('*')].filter(each => {
    const box = each.getBoundingClientRect(), seen = box.width > 1 && !each.closest('.away, .unseen');
    const hides = getComputedStyle(each).overflowX != 'visible' && each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1;
    return seen && (box.right > innerWidth + .5 || box.left < -.5 || hides);
}).map(each => each.outerHTML.slice(0, 100))"""
# What a finger would miss (WCAG 2.5.8): less than 24 pixels, with the label that belongs to it, and not a link within a sentence.
_SMALL = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea')].filter(each => {
    const target = each.closest('.option') ?? each, box = target.getBoundingClientRect();
    const height = getComputedStyle(target).display == 'inline' ? target.parentElement.getBoundingClientRect().height : box.height;
    return !each.closest('.away') && (box.width < 24 || height < 24);
}).map(each => each.outerHTML.slice(0, 100))"""
# What WCAG 1.4.12 says that people may set; as a style sheet of the reader's own, which a policy of ours does not keep out.
_SPACED = """() => { const sheet = new CSSStyleSheet();
    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
        p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = [sheet]; }"""
_BYTES = """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .filter(each => !/[.](svg|png|jpg|gif|mp4|vtt)$/.test(each.name)).reduce((sum, each) => sum + each.decodedBodySize, 0)"""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_page_keeps_nobody_out(visit: Visit, scene: Scene, language: str) -> None:
    scene(visit)
    for width, scheme in looks_at(scene, language):
        visit.page.set_viewport_size({"width": width, "height": 640})
        visit.page.emulate_media(color_scheme=scheme)
        assert faults(visit.page) == [], (width, scheme)
    visit.page.set_viewport_size({"width": PHONE, "height": 640})
    assert visit.page.evaluate(CUT) == []
    assert visit.page.evaluate(_SMALL) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE
    assert 1_000 < visit.page.evaluate(_BYTES) <= HEAVIEST_BYTES
    assert visit.page.evaluate("document.scripts.length") == 0
    assert visit.page.locator("html").get_attribute("lang") == language
    headlines = visit.page.locator("h1").all_inner_texts()
    assert [f"{headline} · Groenhof" for headline in headlines] == [visit.page.title()]
    ours = (visit.world.address, visit.world.away)
    assert [each for each in visit.requests if not each.startswith(ours)] == []
    assert [each for each in visit.complaints if "the server responded with a status" not in each] == []
    visit.page.evaluate(_SPACED)
    assert visit.page.evaluate(CUT) == []


def looks_at(scene: Scene, language: str) -> list[tuple[int, Any]]:
    """Two of the four looks in one language, one in the others, so that every page is seen in all of them and every language in most."""
    first = SCENES.index(scene) + LANGUAGES.index(language)
    number = 2 if LANGUAGES.index(language) == 2 else 1
    return [LOOKS[(first + each) % len(LOOKS)] for each in range(number)]


def faults(page: Page) -> list[str]:
    """What axe is sure of; each with the element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(_AXE, RULES)
    return [f"{each['id']}: {node['html'][:120]}" for each in found["violations"] for node in each["nodes"]]


def test_every_page_is_seen_in_every_look() -> None:
    seen = {(scene.__name__, look) for scene, language in product(SCENES, LANGUAGES) for look in looks_at(scene, language)}
    assert seen == set(product((scene.__name__ for scene in SCENES), LOOKS))
