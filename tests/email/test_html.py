"""The HTML of a mail is HTML: a browser's parser finds no fault in it, whatever the values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinyhtml5.parser import HTMLParser

from channels.contract import Content
from channels.email.compiling import compile_wording
from channels.email.wording import EmailWording

TEMPLATES = Path(__file__).parents[2] / "templates"
MAILS = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.mjml") if path.parent.name != "brand")
HOSTILE = "\"><script>'&amp &lt;/td></table><!-- ]]> <b>"
GIVEN = {"today": "2026-03-02", "customer.language": "nl", "customer.country": "NL", "sender.currency": "EUR"}


def faults(html: str) -> list[str]:
    parser = HTMLParser()
    parser.parse(html)
    return [f"{line}:{column} {name}" for (line, column), name, _ in parser.errors]


def wording_of(name: str) -> EmailWording:
    wording = compile_wording(TEMPLATES / name, {"subject": "Hello"}, TEMPLATES)
    assert isinstance(wording, EmailWording), wording
    return wording


def values_of(wording: EmailWording, text: str) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for name in wording.variables:
        group, _, rest = name.partition(".")
        value = GIVEN.get(name, text)
        values.setdefault(group, {})
        values[group] = values[group] | {rest: value} if rest else value
    return values


@pytest.mark.parametrize("name", MAILS)
@settings(max_examples=25, deadline=None)
@given(text=st.one_of(st.just(HOSTILE), st.text(min_size=1).filter(str.strip)))
def test_no_value_makes_a_shipped_mail_into_something_else(name: str, text: str) -> None:
    wording = wording_of(name)
    content = wording.compose(values_of(wording, text))
    assert isinstance(content, Content), content
    assert faults(content.parts["html"]) == []


def test_the_parser_would_tell() -> None:
    assert faults("<!doctype html><table><tr><p>x</table>") != []
