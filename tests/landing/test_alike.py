"""Pages that are filled in are the pages that would have been rendered, and nothing of one recipient comes to another."""

import re
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from channels.brand import Brand
from customers.tables import CustomerId
from engine.header import header_of
from landing.alike import MOST_KEPT, Alike, Personal, personal
from landing.fields import TextField
from landing.page import Page
from landing.page_files import SHIPPED, load_page
from landing.recipients import Recipient
from landing.render import Renderer, Visitor
from landing.settings import LandingSettings
from landing.words import LANGUAGES, Language

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HEADER = header_of("campaign: winback", "winback")
SETTINGS = LandingSettings("http://pages.test", Path("templates"), (b"0123456789abcdef",), ZoneInfo("UTC"), "en", "Groenhof", "Markt 1")
NAMES = ["Anna", "Bo <b>&\"'", "", "\ue0000\ue001", "{{ customer.email }}"]
BLOCKS = """
title: {en: "{{ customer.first_name | default('You') }}, welcome", nl: Welkom}
greeting: "Hello {{ customer.first_name | default('there') }},"
intro: |-
  For {{ customer.first_name | default('you') }}
  and yours.

  {{ customer.city | default('') }}
image: winback/welcome.svg
alt: "{{ customer.first_name | default('you') }}"
blocks:
- {text: "One for {{ customer.first_name | default('you') }}"}
- {event: "A day with {{ customer.first_name | default('us') }}", starts: 2026-05-01, details: Bring a friend}
- {countdown: Spring, until: 2026-04-01}
form:
  name: {text: "Who are you, {{ customer.first_name | default('reader') }}?", from: customer.first_name}
  land: {choice: Where?, options: {NL: "{{ customer.city | default('Here') }}", BE: There}, from: customer.country}
"""


def page_of(text: str, folder: Path) -> Page:
    file = folder / "page.yaml"
    file.write_text(text)
    return load_page(file)


def recipient(number: int, first_name: str) -> Recipient:
    known = {"first_name": first_name, "city": "Delft & Rijswijk", "country": "NL"}
    attributes = {attribute: value for attribute, value in known.items() if value}
    return Recipient(number, number, CustomerId(number), "email", "winback", "1", "mail", None, HEADER, attributes)


def shown(renderer: Renderer, page: Page, language: Language, number: int, name: str, **more: object) -> str:
    visitor = Visitor(language, recipient(number, name), f"/o/{number}")
    values = {
        "shown": renderer.page(page, visitor, NOW),
        "answered": False,
        "doubted": False,
        "action": personal(f"/p/{number}"),
        "hidden": {"_shown": personal(str(number))},
        "bait": "_subject",
        "back": None,
        "again": personal(f"/p/{number}/again"),
        **more,
    }
    return renderer.render("page.html", visitor, values)


def test_each_recipient_sees_what_would_have_been_rendered_for_them_alone(tmp_path: Path) -> None:
    pages = [load_page(SHIPPED / "default.yaml"), load_page(Path("templates/winback/page.yaml")), page_of(BLOCKS, tmp_path)]
    renderer = Renderer(SETTINGS, Brand())
    for language, page in product(LANGUAGES, pages):
        for number, name in enumerate(NAMES * 3):
            alone = shown(renderer, page, language, number, name, like_no_other=object())
            assert shown(renderer, page, language, number, name) == alone


class Rendering:
    """A template, and how often it was rendered."""

    def __init__(self, source: str) -> None:
        self.template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
        self.times = 0

    def __call__(self, values: Any) -> str:
        self.times += 1
        return self.template.render(values)


def test_what_came_twice_is_not_rendered_again_but_filled_in() -> None:
    alike, render = Alike(), Rendering("<p>{{ name }}</p>{% if name %}{{ name }} {{ link }}{% endif %}")
    people = [{"name": personal(name), "link": personal(f"/{name}")} for name in ("a", "b<", "c", "d")]
    assert [alike.rendered(person, render) for person in people] == [
        "<p>a</p>a /a",
        "<p>b&lt;</p>b&lt; /b&lt;",
        "<p>c</p>c /c",
        "<p>d</p>d /d",
    ]
    assert render.times == 3  # twice, and once with places


LOOKS = """
{{ name|length }} | {{ name == 'a' }} | {{ 'a' in name }} | {{ '%s!' % name }} | {{ '{}'.format(name) }} | {{ name[0] }} | {{ name|upper }}
{{ name ~ '!' }} | {{ name + '!' }} | {{ name.x is defined }} | {% for each in name %}{{ each }} {% endfor %}
{{ {'a': 1, 'bb': 2}[name] }} | {{ name|replace('a', 'b') }} | {{ name is string }} | {{ name|wordcount }}
"""


@pytest.mark.parametrize("looks", re.split(r" \| |\n", LOOKS.strip()))
def test_a_template_that_looks_into_what_is_personal_is_rendered_for_each(looks: str) -> None:
    alike, render = Alike(), Rendering(looks)
    for name in ("a", "a", "bb", "a", "bb"):
        assert alike.rendered({"name": personal(name)}, render) == Rendering(looks)({"name": personal(name)})


def test_what_python_takes_for_equal_is_not_alike() -> None:
    alike, render = Alike(), Rendering("{{ value }}")
    for value in ("<b>", Markup("<b>"), 1, True, 1.0) * 3:
        assert alike.rendered({"value": value}, render) == Rendering("{{ value }}")({"value": value})
    for several in ({"a": "b"}, [("a", "b")], [], {}) * 3:
        assert alike.rendered({"value": several}, render) == Rendering("{{ value }}")({"value": several})


def test_the_same_question_of_a_page_that_was_changed_is_another() -> None:
    alike, render = Alike(), Rendering("{{ value.required }}")
    for required in (True, False) * 3:
        field = TextField.model_validate({"text": "What?", "required": required})
        assert alike.rendered({"value": field}, render) == str(required)


def test_so_many_are_kept_and_no_more() -> None:
    alike = Alike()
    for number in range(MOST_KEPT + 10):
        for _ in range(2):
            alike.rendered({"value": number}, Rendering("{{ value }}"))
    first, last = Rendering("{{ value }}"), Rendering("{{ value }}")
    alike.rendered({"value": MOST_KEPT + 9}, last)
    alike.rendered({"value": 0}, first)
    assert (first.times > 0, last.times) == (True, 0)


def test_a_text_that_is_empty_is_nobodys() -> None:
    assert not isinstance(personal(""), Personal)
