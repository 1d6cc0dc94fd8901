"""Without a mouse: everything is reached, in order, and one always sees where one is."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page

from customers.contact_log import Kind
from tests.eyes.browser import Visit
from tests.eyes.scenes import SCENES, Scene, mistakes, opt_out

MOST_PRESSES = 80
# Every stop that the Tab key should make, in the order of the page; a group of radio buttons is one, its arrows do the rest.
_STOPS = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, video, summary')]
    .filter(each => each.tabIndex >= 0 && (each.type != 'radio' || each == (document.querySelector(`[name="${each.name}"]:checked`)
        ?? document.querySelector(`[name="${each.name}"]`))))
    .map((each, number) => each.dataset.stop = String(number))"""
# Where one is, and what is wrong with it: not marked, or not to be seen.
_HERE = """() => {
    const each = document.activeElement, marked = each.closest('.option') ?? each, box = marked.getBoundingClientRect();
    const style = getComputedStyle(marked), seen = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height, 40) / 2);
    const faults = [], own = each.getBoundingClientRect();
    if (style.outlineStyle == 'none' || parseFloat(style.outlineWidth) < 2) faults.push('no outline');
    const ring = each.tagName == 'TEXTAREA' ? -2 : 4;  // of a text that may be longer than the window, Chromium shows where one writes
    if (own.top < 0 || own.bottom + ring > innerHeight) faults.push(`not all in the window: ${own.top} to ${own.bottom}`);
    if (!seen || !(marked.contains(seen) || seen.contains(marked))) faults.push('behind something');
    return [each.dataset.stop ?? each.tagName, faults];
}"""


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_the_tab_key_stops_at_everything_in_order_and_shows_where(visit: Visit, scene: Scene) -> None:
    scene(visit)
    visit.page.evaluate(
        "document.body.tabIndex = -1; document.body.focus()"
    )  # as before the first press, also where something has the focus
    expected = visit.page.evaluate(_STOPS)
    visited = walk(visit.page, len(expected))
    assert [faults for _, faults in visited if faults] == []
    assert [int(first) + 1 for first, _ in pairwise([stop for stop, _ in visited])] == [int(stop) for stop, _ in visited[1:]]
    assert [stop for stop, _ in visited] == expected


def walk(page: Page, count: int) -> list[tuple[str, list[str]]]:
    """Press Tab so often; where that leads, and what is wrong there. The parts of a film's controls are one stop."""
    visited: list[tuple[str, list[str]]] = []
    for _ in range(MOST_PRESSES):
        if len(visited) == count:
            break
        page.keyboard.press("Tab")
        stop, faults = page.evaluate(_HERE)
        if not visited or visited[-1][0] != stop:
            visited.append((stop, faults))
    return visited


def test_what_is_wrong_has_the_focus_and_leads_to_each_field(visit: Visit) -> None:
    mistakes(visit)
    assert visit.page.evaluate("document.activeElement.className") == "notice wrong"
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.name") == "interest"
    visit.page.locator('.wrong a[href="#field-mail"]').focus()
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.name") == "mail"


def test_a_form_is_filled_in_and_sent_by_keys_alone(visit: Visit) -> None:
    message_id = visit.open()
    go_to(visit.page, "interest")
    visit.page.keyboard.press("Space")
    visit.page.keyboard.press("ArrowDown")
    go_to(visit.page, "score")
    visit.page.keyboard.press("ArrowLeft")
    go_to(visit.page, "remark")
    visit.page.keyboard.type("More soup, please")
    go_to(visit.page, "news")
    visit.page.keyboard.press("Space")
    visit.page.keyboard.press("Tab")
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Enter")
    answers = visit.world.contacts(message_id, Kind.ANSWERED)[0].detail["answers"]
    assert answers == {"interest": "cooking", "score": 5, "remark": "More soup, please", "news": True}


def test_stop_is_said_by_keys_alone(visit: Visit) -> None:
    opt_out(visit)
    visit.page.keyboard.press("Tab")
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Space")
    assert visit.page.locator("h1").inner_text() == "You have been signed off"


def go_to(page: Page, name: str) -> None:
    """Press Tab until the field with this name has the focus."""
    for _ in range(MOST_PRESSES):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            return
    pytest.fail(f"{name} is not reached")
