"""What a screen reader says of the pages: in which order, with which names, and what belongs to what."""

import os
import re
from pathlib import Path

import pytest

from tests.eyes import scenes
from tests.eyes.browser import Visit
from tests.eyes.scenes import Scene

READ = Path(__file__).parent / "read"
GOLDEN = (
    scenes.page, scenes.mistakes, scenes.survey_results, scenes.survey_resumed, scenes.opt_out, scenes.opted_out, scenes.centre_saved,
    scenes.code_wrong, scenes.lost, scenes.join_mistakes, scenes.confirm, scenes.my_data, scenes.my_data_erase,
)  # fmt: skip
WRONG = (scenes.mistakes, scenes.suggestion, scenes.survey_mistake, scenes.code_wrong, scenes.join_mistakes, scenes.my_data_mistake)
_OWN = re.compile(r"(?<=/)[\w-]+\.[\w-]{16}(?=[/\n])|\bc\d+\b")  # another recipient has other tokens, and another number
# Complaints that no field points to, and fields that are wrong and do not say so or why.
_UNTIED = """() => {
    const told = [...document.querySelectorAll('[aria-describedby]')].filter(each => each.ariaInvalid == 'true')
        .flatMap(each => each.getAttribute('aria-describedby').split(' '));
    const complaints = [...document.querySelectorAll('.complaint')].map(each => each.id);
    return [complaints.length > 0, complaints.filter(each => !told.includes(each)), told.filter(each => !document.getElementById(each))];
}"""


@pytest.mark.parametrize("scene", GOLDEN, ids=lambda scene: scene.__name__)
def test_a_page_is_read_as_it_was_read_before(visit: Visit, scene: Scene) -> None:
    """After a change that is meant: CONTACTFLOW_WRITE_GOLDEN=1 pytest tests/eyes/test_reading.py, read what changed, and commit it."""
    scene(visit)
    read = _OWN.sub("OWN", visit.page.locator("body").aria_snapshot() + "\n")
    golden = READ / f"{scene.__name__}.yaml"
    if os.environ.get("CONTACTFLOW_WRITE_GOLDEN"):
        golden.write_text(read, encoding="utf-8")
    assert read == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("scene", WRONG, ids=lambda scene: scene.__name__)
def test_what_is_wrong_is_said_with_the_field(visit: Visit, scene: Scene) -> None:
    scene(visit)
    assert visit.page.evaluate(_UNTIED) == [True, [], []]
