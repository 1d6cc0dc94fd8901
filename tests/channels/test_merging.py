from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import CompositionFault
from channels.merging import Texts, compile_text, one_line, read_texts

HERE = Path("/templates")


def texts_of(text: str) -> Texts:
    texts = compile_text(text, HERE / "hello.txt", HERE)
    assert isinstance(texts, Texts)
    return texts


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("Dear {{ customer.first_name }}", {"customer.first_name"}),
        ("{{ customer['first_name'] }}", {"customer.first_name"}),
        ("{{ customer.first_name.upper() }} {{ code }} {{ today.year }}", {"customer.first_name", "code", "today"}),
        ("{% for n in customer.children %}{{ n.name }}{% endfor %}", {"customer.children"}),
        ("{% set name = customer.first_name %}{{ name }}", {"customer.first_name"}),
        ("{% if links.page %}x{% endif %}{{ customer.x|default(customer.y) }}", {"links.page", "customer.x", "customer.y"}),
        ("nothing", set()),
    ],
)
def test_variables_are_dotted_names_of_what_is_read(text: str, variables: set[str]) -> None:
    assert texts_of(text).variables == variables


@pytest.mark.parametrize(
    ("text", "values", "merged"),
    [
        ("Dear {{ customer.name }}", {"customer": {"name": "Zoe\u0308"}}, "Dear Zoë"),
        ("Dear {{ customer.name }}", {"customer": {"name": "A\r\nB\u200b\x07"}}, "Dear A B"),
        ("{{ customer.items }}", {"customer": {"items": 3}}, "3"),
        ("{{ customer.n * 2 + 1 }} {{ today }}", {"customer": {"n": 3}, "today": date(2026, 3, 2)}, "7 2026-03-02"),
        ("{% if customer.name %}A{% else %}B{% endif %}", {"customer": {"name": None}}, "B"),
        ("{% if customer.n == 3 %}A{% else %}B{% endif %}", {"customer": {}}, "B"),
        ("{{ customer.name or 'you' }}", {"customer": {"name": None}}, "you"),
        ("{{ customer.name }}", {"customer": {"name": "{{ 7 * 7 }}"}}, "{{ 7 * 7 }}"),
    ],
)
def test_values_are_merged(text: str, values: dict[str, Any], merged: str) -> None:
    assert texts_of(text).merge(values) == merged


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("{{ customer.name }}", "customer.name"),
        ("{{ customer.name|upper }}", "customer.name"),
        ("{{ customer.name|length }}", "customer.name"),
        ("{% for each in customer.name %}{% endfor %}", "customer.name"),
        ("{{ links.page }}", "links.page"),
        ("{{ code }}", "code"),
    ],
)
def test_what_is_shown_and_has_no_value_is_named(text: str, variable: str) -> None:
    fault = texts_of(text).merge({"customer": {"name": None}})
    assert fault == CompositionFault(f"{variable} has no value", variable)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ customer.__class__.__init__.__globals__ }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ 'a' * 10000000000 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ 1 / 0 }}",
        "{{ 'a' + 1 }}",
        "{{ none }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ],
)
def test_what_cannot_be_worked_out_is_a_fault_and_not_an_exception(text: str) -> None:
    assert isinstance(texts_of(text).merge({"customer": {"name": "Zoë"}}), CompositionFault)


@given(st.text())
def test_one_line_is_one_line_and_stays_so(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert one_line(line) == line


def test_a_family_emoji_is_not_torn_apart() -> None:
    assert one_line("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"


def test_an_include_travels_with_the_texts(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "greeting.txt").write_text("Dear {{ customer.name }}", encoding="utf-8")
    template = tmp_path / "hello.txt"
    template.write_text("{% include 'parts/greeting.txt' %}, bye", encoding="utf-8")
    texts = read_texts(template, tmp_path)
    assert isinstance(texts, Texts)
    (tmp_path / "parts" / "greeting.txt").unlink()
    assert texts.variables == {"customer.name"}
    assert Texts(texts.files).merge({"customer": {"name": "Zoë"}}) == "Dear Zoë, bye"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a\nb {{ x", 2, "end of template"),
        ("a\n{{ x|nosuchfilter }}", 2, "nosuchfilter"),
        ("a\n\n{% include 'gone.txt' %}", 3, "gone.txt"),
        ("{% include '../secret.txt' %}", 1, "outside"),
        ("{% include name %}", 1, "from a variable"),
        ("{% include 'broken.txt' %}", 4, "unexpected"),
    ],
)
def test_every_fault_is_told_where_it_stands(tmp_path: Path, text: str, line: int, says: str) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "broken.txt").write_text("1\n2\n3\n{{ x }", encoding="utf-8")
    template = folder / "hello.txt"
    template.write_text(text, encoding="utf-8")
    faults = read_texts(template, folder)
    assert isinstance(faults, list)
    assert [(fault.line, says in fault.message) for fault in faults] == [(line, True)], faults
