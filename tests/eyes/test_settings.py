"""Who has told their system how they see: large letters, more space, forced colours, nothing that moves."""

import pytest

from tests.eyes import scenes
from tests.eyes.browser import PHONE, Visit
from tests.eyes.scenes import SCENES, Scene
from tests.eyes.test_faults import CUT

# What WCAG 1.4.12 says that people may set; as a style sheet of the reader's own, which a policy of ours does not keep out.
_SPACED = """() => { const sheet = new CSSStyleSheet();
    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
        p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = [sheet]; }"""
_MOVING = """() => [...document.querySelectorAll('*')].filter(each => {
    const style = getComputedStyle(each);
    return (style.animationName || 'none') != 'none' || style.transitionDuration.split(', ').some(each => parseFloat(each) > 0);
}).map(each => each.outerHTML.slice(0, 100))"""
_EDGES = """selector => { const style = getComputedStyle(document.querySelector(selector));
    return [style.borderTopStyle, style.borderTopWidth, style.borderTopColor] }"""


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_nothing_is_cut_off_with_more_space_between_letters_and_lines(visit: Visit, scene: Scene) -> None:
    scene(visit)
    visit.page.evaluate(_SPACED)
    assert visit.page.evaluate(CUT) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_letters_of_twice_the_size_stay_on_a_phone(visit: Visit) -> None:
    scenes.page(visit)
    before = visit.page.evaluate("document.querySelector('h1').getBoundingClientRect().height")
    visit.page.evaluate("document.documentElement.style.fontSize = '32px'")
    assert visit.page.evaluate("document.querySelector('h1').getBoundingClientRect().height") > 1.5 * before
    assert visit.page.evaluate(CUT) == []


def test_nothing_moves_for_whoever_wants_nothing_to_move(visit: Visit) -> None:
    scenes.page(visit)
    assert visit.page.evaluate(_MOVING) == []
    visit.page.emulate_media(reduced_motion="no-preference")
    assert visit.page.evaluate(_MOVING)
    visit.page.emulate_media(reduced_motion="reduce")


def test_what_is_chosen_is_seen_in_forced_colours(visit: Visit) -> None:
    scenes.centre(visit)
    visit.page.emulate_media(forced_colors="active")
    chosen, other = (visit.page.evaluate(_EDGES, f".option:{which}") for which in ("has(:checked)", "not(:has(:checked))"))
    assert float(chosen[1][:-2]) > float(other[1][:-2])
