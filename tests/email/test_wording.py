"""A wording is compiled once, and gives the same bytes for the same values for ever."""

import email
import email.policy
import json
import subprocess
import sys
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from channels.contract import CompositionFault, Content
from channels.email.compiling import compile_wording
from channels.email.merging import PlainTemplate, QuotedTemplate
from channels.email.wording import EmailWording

MJML = """\
<mjml>
  <mj-head>
    <mj-preview>For {{ customer.first_name or "you" }}</mj-preview>
    <mj-attributes><mj-all font-family="Georgia" /></mj-attributes>
    <mj-style inline="inline">.big { color: #112233; }</mj-style>
  </mj-head>
  <mj-body>
    <mj-section><mj-column>
      <mj-text css-class="big">Dear {{ customer.first_name or "you" }}, a &lt; b &amp; c = d € {{ customer.city }}</mj-text>
      <mj-raw>{% if customer.age and customer.age < 30 %}</mj-raw>
      <mj-text>Young</mj-text>
      <mj-raw>{% else %}</mj-raw>
      <mj-text>Wise</mj-text>
      <mj-raw>{% endif %}</mj-raw>
      <mj-table>
        {% for name, price in customer.picks %}<tr><td>{{ name }}</td><td>{{ price }}</td></tr>{% endfor %}
      </mj-table>
      <mj-image src="https://example.com/a.png?b=1&amp;c=2" alt="say &quot;yes&quot;" />
      <mj-button href="{{ links.page }}">Look</mj-button>
      <mj-text><a href="{{ links.opt_out }}">Stop</a></mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""
VALUES: dict[str, Any] = {
    "customer": {"first_name": "Zoë <b>", "city": "Ut=recht", "age": 20, "picks": [["Tea & cake", 3], ["👩‍👩‍👧", 4.5]]},
    "links": {"page": "https://example.com/p?a=1&b=2", "opt_out": "https://example.com/stop"},
}


def load(folder: Path, text: str, name: str = "mail.mjml", subject: str = "For {{ customer.first_name }}") -> EmailWording:
    (folder / name).write_text(text)
    wording = compile_wording(folder / name, {"subject": subject}, folder)
    assert isinstance(wording, EmailWording), wording
    return wording


def composed(wording: EmailWording, values: dict[str, Any] = VALUES) -> Content:
    content = wording.compose(values)
    assert isinstance(content, Content), content
    return content


def read(content: Content) -> tuple[EmailMessage, str, str]:
    """The mail, its text and its HTML, as Python's own mail reader has them."""
    assert content.raw is not None
    message = email.message_from_bytes(content.raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    text, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    return message, text, html


def test_what_travels_is_what_is_shown(tmp_path: Path) -> None:
    content = composed(load(tmp_path, MJML))
    message, text, html = read(content)
    assert (message["Subject"], text, html) == (content.parts["subject"], content.parts["text"], content.parts["html"])
    assert content.raw is not None
    assert max(len(line) for line in content.raw.split(b"\r\n")) <= 78
    assert b"\n." not in content.raw
    assert content.raw.isascii()


def test_values_stand_where_the_template_says_and_are_escaped_in_html_only(tmp_path: Path) -> None:
    parts = composed(load(tmp_path, MJML)).parts
    assert parts["subject"] == "For Zoë <b>"
    assert "Dear Zoë &lt;b&gt;, a &lt; b &amp; c = d € Ut=recht" in parts["html"]
    assert "Dear Zoë <b>, a < b & c = d € Ut=recht" in parts["text"]
    assert "<td>Tea &amp; cake</td><td>3</td>" in parts["html"]
    assert "<td>👩‍👩‍👧</td><td>4.5</td>" in parts["html"]
    assert 'href="https://example.com/p?a=1&amp;b=2"' in parts["html"]
    assert "Look <https://example.com/p?a=1&b=2>" in parts["text"]
    assert "Young" in parts["html"] + parts["text"]
    assert "Wise" not in parts["html"] + parts["text"]
    assert 'alt="say &quot;yes&quot;"' in parts["html"]
    assert "color: #112233" in parts["html"]


def test_the_text_part_reads_like_a_letter(tmp_path: Path) -> None:
    assert composed(load(tmp_path, MJML)).parts["text"] == (
        'Dear Zoë <b>, a < b & c = d € Ut=recht\n\nYoung\n\nTea & cake 3\n\n👩‍👩‍👧 4.5\n\nsay "yes"\n\nLook <https://example.com/p?a=1&b=2>\n\n'
        "Stop <https://example.com/stop>\n"
    )


def test_a_wording_is_restored_from_its_source_byte_for_byte(tmp_path: Path) -> None:
    wording = load(tmp_path, MJML)
    restored = EmailWording.restored(wording.source)
    assert restored == wording
    assert restored.source == wording.source
    assert composed(restored).raw == composed(wording).raw


def test_another_process_composes_the_same_bytes(tmp_path: Path) -> None:
    wording = load(tmp_path, MJML)
    (tmp_path / "source").write_bytes(wording.source)
    code = (
        "import sys, json, pathlib; from channels.email.wording import EmailWording;"
        f"w = EmailWording.restored(pathlib.Path({str(tmp_path / 'source')!r}).read_bytes());"
        f"sys.stdout.buffer.write(w.compose(json.loads({json.dumps(VALUES)!r})).raw)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout == composed(wording).raw


def test_the_variables_are_what_the_templates_read(tmp_path: Path) -> None:
    wording = load(tmp_path, MJML, subject="{{ campaign.title }} {{ today }}{% set x = customer['language'] %}{{ x }}")
    assert wording.variables == {
        "campaign.title",
        "customer.age",
        "customer.city",
        "customer.first_name",
        "customer.language",
        "customer.picks",
        "links.opt_out",
        "links.page",
        "today",
    }


@pytest.mark.parametrize(
    ("text", "values", "variable"),
    [
        ("{{ customer.city }}", {"customer": {}}, "customer.city"),
        ("{{ customer.city }}", {"customer": {"city": None}}, "customer.city"),
        ("{{ customer.city }}", {}, "customer.city"),
        ("{{ customer.age + 1 }}", {"customer": {"age": None}}, "customer.age"),
        (
            "{{ customer.first_name }} {{ customer.last_name | upper }}",
            {"customer": {"first_name": "A", "last_name": None}},
            "customer.last_name",
        ),
        ("{% for x in customer.picks %}{{ x }}{% endfor %}", {"customer": {}}, "customer.picks"),
        ("{{ code }}", {"code": None}, "code"),
        ("{{ code }}", {}, "code"),
    ],
)
def test_a_value_that_is_missing_is_named(tmp_path: Path, text: str, values: dict[str, Any], variable: str) -> None:
    fault = load(tmp_path, text, "mail.txt", "Hello").compose(values)
    assert fault == CompositionFault(f"{variable} has no value", variable)


@pytest.mark.parametrize(
    "text", ['{{ customer.city or "there" }}', '{{ customer.city | default("there") }}', "{% if not customer.city %}there{% endif %}"]
)
@pytest.mark.parametrize("customer", [{}, {"city": None}])
def test_a_missing_value_may_be_replaced(tmp_path: Path, text: str, customer: dict[str, Any]) -> None:
    assert composed(load(tmp_path, text, "mail.txt", "Hello"), {"customer": customer}).parts["text"].strip() == "there"


@pytest.mark.parametrize(
    "text", ["{{ 'x' * 10 ** 9 }}", "{{ 9 ** 9999 }}", "{{ 1 / 0 }}", "{{ 'a' + 1 }}", "{{ ''.__class__.__mro__ }}", "{{ [1][9] }}"]
)
def test_an_expression_that_cannot_be_worked_out_costs_one_message(tmp_path: Path, text: str) -> None:
    assert isinstance(load(tmp_path, text, "mail.txt", "Hello").compose({}), CompositionFault)


def test_an_attribute_with_the_name_of_a_method_is_an_attribute(tmp_path: Path) -> None:
    wording = load(tmp_path, "{{ customer.items }} {{ customer.keys }}", "mail.txt", "Hello")
    assert composed(wording, {"customer": {"items": 3, "keys": "two"}}).parts["text"] == "3 two"


def test_a_subject_cannot_begin_another_header(tmp_path: Path) -> None:
    content = composed(load(tmp_path, "Hi", "mail.txt"), {"customer": {"first_name": "Jan\r\nBcc: all@example.com\u2028X: y"}})
    assert content.raw is not None
    message = email.message_from_bytes(content.raw, policy=email.policy.default)
    assert message.keys() == ["Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
    assert message["Subject"] == "For Jan Bcc: all@example.com X: y"


def test_an_empty_subject_is_not_sent(tmp_path: Path) -> None:
    assert load(tmp_path, "Hi", "mail.txt", "{{ customer.x or ' ' }}").compose({"customer": {}}) == CompositionFault("the subject is empty")


@pytest.mark.parametrize(
    "text",
    [
        "{% macro m(x) %}<b>{{ x }} € =</b>{% endmacro %}{{ m(customer.city) }}",
        "{% filter upper %}straße = {{ customer.city }}{% endfilter %}",
        "{% set kept %}<i>{{ customer.city }} =3D</i>{% endset %}{{ kept }}{{ kept }}",
        "{% for n in [[1, [2]]] recursive %}{{ n[0] }}={% endfor %}{{ customer.city }}",
    ],
)
def test_text_that_a_template_keeps_for_later_is_encoded_once(tmp_path: Path, text: str) -> None:
    wording = load(tmp_path, f"<html><body>{text}</body></html>", "mail.html", "Hello")
    html = composed(wording, {"customer": {"city": "Łódź & co"}}).parts["html"]
    assert "=3D=" not in html
    assert html.count("=C5") == 0
    assert "&amp; co" in html.lower()


SCALARS = st.one_of(st.text(), st.integers(), st.floats(allow_nan=False), st.booleans())


@settings(max_examples=150)
@given(SCALARS, SCALARS)
def test_no_value_whatever_breaks_a_mail(first: Any, second: Any) -> None:
    wording = _wording()
    content = composed(wording, {"customer": {"first_name": first, "city": second}, "links": {"page": first}})
    message, text, html = read(content)
    assert (text, html) == (content.parts["text"], content.parts["html"])
    assert len(message["Subject"]) > 0
    assert "<script" not in html.lower()


@settings(max_examples=150)
@given(SCALARS, SCALARS)
def test_text_and_names_alone_are_merged_as_jinja_merges_them(first: Any, second: Any) -> None:
    text = "Dear {{ customer.first_name }} in {{ customer.city }},\n.{{ today }}= {{ customer.first_name }} €"
    values = {"customer": {"first_name": first, "city": second}, "today": "2026-03-02"}
    steered = text + "{% if today is none %}!{% endif %}"
    for template in (PlainTemplate, partial(QuotedTemplate, escaping=True), partial(QuotedTemplate, escaping=False)):
        assert _merged(template(text), values) == _merged(template(steered), values)


def _merged(template: PlainTemplate | QuotedTemplate, values: dict[str, Any]) -> str | type[Exception]:
    try:
        return template.render(values)
    except UndefinedError as error:
        return type(error)


def _wording() -> EmailWording:
    html = '<p>Hi {{ customer.first_name }}.\n.{{ customer.city }}</p><a href="{{ links.page }}">x</a>'
    return EmailWording("To {{ customer.first_name }}", ".{{ customer.city }} = {{ customer.first_name }}\n\n", html)


def test_includes_come_from_the_templates_and_keep_their_own_place(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/foot.mjml").write_text("<mj-section><mj-column><mj-text>Foot {{ code }}</mj-text></mj-column></mj-section>")
    (tmp_path / "parts/name.txt").write_text("{{ customer.first_name }}!")
    text = (
        '<mjml><mj-body><mj-section><mj-column><mj-text>Hi {% include "parts/name.txt" %}</mj-text></mj-column></mj-section>'
        '<mj-include path="parts/foot.mjml" /></mj-body></mjml>'
    )
    wording = load(tmp_path, text)
    assert composed(wording, {"customer": {"first_name": "Jan"}, "code": "AB"}).parts["text"] == "Hi Jan!\n\nFoot AB\n"
    assert "include" not in wording.source.decode()


def test_the_winback_mails_greet_whoever_has_no_name() -> None:
    root = Path(__file__).parents[2] / "templates"
    for name in ("personal", "general"):
        wording = compile_wording(root / f"winback/{name}.mjml", {"subject": "Hello"}, root)
        assert isinstance(wording, EmailWording), wording
        values = {
            "customer": {"first_name": None, "favourite_department": None},
            "links": {name: f"https://example.com/{name}" for name in ("page", "opt_out", "preferences")},
            "sender": {"name": "Shop", "address": ""},
            "campaign": {"title": "Win back"},
        }
        parts = composed(wording, values).parts
        assert "Hello there," in parts["html"]
        assert "<https://example.com/page>" in parts["text"]
        assert "<https://example.com/opt_out>" in parts["text"]


def test_a_template_is_compiled_once_for_all_processes_and_again_when_anything_in_it_changes(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "foot.mjml").write_text("<mj-text>Foot</mj-text>")
    text = '<mjml><mj-body><mj-section><mj-column><mj-include path="foot.mjml" /></mj-column></mj-section></mj-body></mjml>'
    fresh = load(tmp_path, text, subject="Hello")
    compiling = "import sys, pathlib; from channels.email.compiling import compile_wording; p = pathlib.Path(sys.argv[1]);"
    compiling += "w = compile_wording(p / 'mail.mjml', {'subject': sys.argv[2]}, p, p / 'cache'); print('mjml' in sys.modules, len(w.html))"

    def compiled(subject: str) -> bool:
        result = subprocess.run([sys.executable, "-c", compiling, str(tmp_path), subject], capture_output=True, check=True, text=True)
        return result.stdout.startswith("True")

    assert [compiled("Hello"), compiled("Hello"), compiled("Other"), compiled("Other")] == [True, False, True, False]
    assert compile_wording(tmp_path / "mail.mjml", {"subject": "Hello"}, tmp_path, cache) == fresh
    (tmp_path / "foot.mjml").write_text("<mj-text>Feet</mj-text>")
    assert [compiled("Hello"), compiled("Hello")] == [True, False]
    for file in cache.iterdir():
        file.write_text("{broken")
    assert compiled("Hello")


def test_nothing_of_smtp_or_mjml_is_loaded_to_check_a_mail_of_text(tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_text("Hello {{ customer.first_name }}")
    code = (
        "import sys, pathlib; from channels.email import EmailChannel, EmailSettings; p = pathlib.Path(sys.argv[1]);"
        "c = EmailChannel(EmailSettings(host='localhost', port=25, sender_address='a@b.example'));"
        "c.load(p / 'mail.txt', {'subject': 'Hi'}, p); c.close();"
        "print(sorted({'mjml', 'bs4', 'smtplib', 'ssl', 'email_validator', 'sqlalchemy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True, text=True)
    assert result.stdout == "[]\n"
