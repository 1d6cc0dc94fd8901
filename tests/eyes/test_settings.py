"""Who has told their system how they see: large letters, forced colours, nothing that moves."""

from tests.eyes import scenes
from tests.eyes.browser import Visit
from tests.eyes.test_faults import CUT

_MOVING = """() => [...document.querySelectorAll('*')].filter(each => {
    const style = getComputedStyle(each);
    return (style.animationName || 'none') != 'none' || style.transitionDuration.split(', ').some(each => parseFloat(each) > 0);
}).map(each => each.outerHTML.slice(0, 100))"""
_EDGES = """selector => { const style = getComputedStyle(document.querySelector(selector));
    return [style.borderTopStyle, style.borderTopWidth, style.borderTopColor] }"""


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
