"""Every fault in a template is found before anything is sent, with its place and the remedy."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import WordingFault
from channels.email.compiling import compile_wording
from channels.email.wording import EmailWording

START = "<mjml><mj-body><mj-section><mj-column>\n"
END = "\n</mj-column></mj-section></mj-body></mjml>"


def faults(folder: Path, text: str, name: str = "mail.mjml", subject: str = "Hello") -> list[WordingFault]:
    (folder / name).write_text(text, encoding="utf-8", newline="")
    result = compile_wording(folder / name, {"subject": subject} if subject else {}, folder)
    return result if isinstance(result, list) else []


@pytest.mark.parametrize(
    ("body", "line", "column", "message", "remedy"),
    [
        ("<mj-text>{{ name </mj-text>", 2, 10, "{{ has no }}.", "Close it"),
        ("<mj-text>a\n {{ na me }}</mj-text>", 3, 2, "{{ na me }}: expected token", "between the braces"),
        ("<mj-text>{{ name | uper }}</mj-text>", 2, 10, "No filter named 'uper'", "between the braces"),
        ("<mj-text>{% if x %}a</mj-text>", 2, 10, "{% if %} is never closed", "{% endif %}"),
        ("<mj-text>a{% endif %}</mj-text>", 2, 11, "closes nothing", "Remove it"),
        ("<mj-text>{% for a in b %}{% if a %}{% endfor %}{% endif %}</mj-text>", 2, 36, "{% endfor %} closes nothing", "{% endif %}"),
        ("<mj-text>{% els %}</mj-text>", 2, 10, "{% els %} is not known", "{% else %}"),
        ("<mj-text>{% else %}</mj-text>", 2, 10, "outside an {% if %}", "Remove it"),
        ("<mj-text>{% extends 'x' %}</mj-text>", 2, 10, "cannot be used in this way", "include"),
        ("<mj-text>{% include name %}</mj-text>", 2, 10, "cannot be used in this way", "include"),
        ("<mj-text>{% include '../../secret' %}</mj-text>", 2, 10, "not among the templates", "under templates/"),
        ("<mj-include path='/etc/passwd' />", 2, 1, "not among the templates", "under templates/"),
        ("<mj-include path='missing.mjml' />", 2, 1, "not among the templates", "under templates/"),
        ("<mj-include path='a' colour='css' />", 2, 1, "understands a path and a type", "<mj-include path"),
        ("<mj-include path='mail.mjml' />", 2, 1, "includes itself", "circle"),
        ("{% for a in b %}<mj-text>{{ a }}</mj-text>{% endfor %}", 2, 1, "would vanish", "<mj-raw>"),
        ("Hello", 2, 1, "text between MJML elements would vanish", "<mj-text>"),
        ("<p>Hello</p>", 2, 1, "<p> is HTML", "<mj-text> or <mj-raw>"),
        ("<mj-txt>Hello</mj-txt>", 2, 1, "<mj-txt> is not known", "<mj-text>"),
        ("<mj-section></mj-section>", 2, 1, "cannot stand in <mj-column>", "<mj-body> or <mj-wrapper>"),
        ("<mj-text>Hello", 2, 1, "<mj-text> is never closed", "</mj-text>"),
        ("<mj-text>Hello<mj-button>x</mj-button></mj-text>", 2, 15, "<mj-button> cannot stand in <mj-text>", "Close it before"),
        ("</mj-text>", 2, 1, "closes nothing", "Remove it"),
        ("</mj-section>", 2, 1, "before <mj-column> is closed", "</mj-column>"),
        ("<mj-image width='{{ w }}' src='https://a.example/x.png' />", 2, 11, "'width' of <mj-image> is worked out once", "fixed value"),
        ("<mj-spacer height='{{ 9 }}px' />", 2, 12, "'height' of <mj-spacer> is worked out once", "fixed value"),
        ("<mj-text padding='{% if a %}1px{% endif %}'>x</mj-text>", 2, 10, "'padding' of <mj-text>", "fixed value"),
        ("<mj-text color=red>x</mj-text>", 2, 10, 'not written as name="value"', "quotes"),
        ("<mj-text color='red' color='{{ code }}'>x</mj-text>", 2, 29, "MJML leaves {{ code }} out", "<mj-text>"),
        ("<mj-text {% if x %}color='red'{% endif %}>x</mj-text>", 2, 10, 'not written as name="value"', "quotes"),
        ("<mj-text><a title={{ customer.name }}>x</a></mj-text>", 2, 19, "an attribute without quotes", "with the quotes"),
        ("<mj-table><tr><td width=1{{ code }}>x</td></tr></mj-table>", 2, 26, "an attribute without quotes", "with the quotes"),
        ("<?xml version='1.0'?>", 2, 1, "would vanish", "Remove it"),
        ("<mj-include path='mail.mjml' type='pdf' />", 2, 1, "understands a path and a type", "<mj-include path"),
        ("<mj-image alt='{{ customer.name }}' colour='{{ code }}' />", 2, 45, "MJML leaves {{ code }} out", "<mj-text>"),
        ("<mj-text>a</mj-text> < <mj-text>b</mj-text>", 2, 22, "begins no tag", "&lt;"),
    ],
)
def test_a_fault_says_where_what_and_what_to_do(tmp_path: Path, body: str, line: int, column: int, message: str, remedy: str) -> None:
    found = faults(tmp_path, START + body + END)
    assert found, "nothing was found"
    places = [(fault.line, fault.column) for fault in found if message in fault.message and remedy in fault.remedy]
    assert (line, column) in places, found
    assert all(fault.file == tmp_path / "mail.mjml" for fault in found)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('<mj-font name="Roboto" />', "<mj-font> has no 'href'"),
        ('<mj-attributes><mj-class color="red" /></mj-attributes>', "<mj-class> has no 'name'"),
        ("</mj-head><mj-head>", "there is a second <mj-head>"),
        ('<mj-attributes><mj-text color="red" /><mj-text padding="0" /></mj-attributes>', "<mj-text> stands in <mj-attributes> twice"),
        ('<mj-style inline="inline">.a { color: {{ code }}; }</mj-style>', "inline style is worked out once"),
        ("<mj-text>x</mj-text>", "<mj-text> cannot stand in <mj-head>"),
    ],
)
def test_a_head_is_checked_too(tmp_path: Path, head: str, message: str) -> None:
    found = faults(tmp_path, f"<mjml><mj-head>{head}</mj-head><mj-body></mj-body></mjml>")
    assert [message in fault.message for fault in found].count(True) == 1, found


def test_all_faults_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = START + "<mj-txt>a</mj-txt>\n{% if a %}\n<mj-text>{{ a b }}</mj-text>\n<mj-image width='{{ w }}' />" + END
    found = faults(tmp_path, text, subject="{{ oops")
    assert [fault.line for fault in found] == [1, 2, 3, 3, 4, 5]
    assert found[0].message.startswith("in the subject: ")


def test_a_mail_without_a_subject_is_a_fault(tmp_path: Path) -> None:
    assert [fault.message for fault in faults(tmp_path, "Hi", "mail.txt", "")] == ["the e-mail has no subject."]


def test_a_fault_in_an_included_file_is_told_at_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "foot.mjml").write_text("<!-- the foot -->\n<mj-text>{{ a b }}</mj-text>\n")
    found = faults(tmp_path, START + "<mj-include path='foot.mjml' />\n<mj-text>{{ c d }}</mj-text>" + END)
    assert [(fault.file.name, fault.line, fault.column) for fault in found] == [("foot.mjml", 2, 10), ("mail.mjml", 3, 10)]


def test_the_head_of_an_included_mail_does_not_vanish_in_silence(tmp_path: Path) -> None:
    (tmp_path / "other.mjml").write_text("<mjml>\n<mj-head></mj-head><mj-body></mj-body></mjml>")
    found = faults(tmp_path, "<mjml><mj-body><mj-include path='other.mjml' /></mj-body></mjml>")
    assert [(each.file.name, each.line, each.column) for each in found] == [("other.mjml", 2, 1)]


def test_includes_in_a_circle_are_told_where_the_circle_closes(tmp_path: Path) -> None:
    (tmp_path / "a.mjml").write_text("<mj-text>a</mj-text>\n <mj-include path='b.mjml' />")
    (tmp_path / "b.mjml").write_text("<mj-include path='a.mjml' />")
    found = faults(tmp_path, START + "<mj-include path='a.mjml' />" + END)
    assert [(each.file.name, each.line, each.column, each.remedy) for each in found] == [("b.mjml", 1, 1, "Break the circle.")]


def test_a_link_out_of_the_templates_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "templates"
    root.mkdir()
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "mail.txt").write_text("{% include 'link.txt' %}")
    found = compile_wording(root / "mail.txt", {"subject": "Hello"}, root)
    assert isinstance(found, list)
    assert "not among the templates" in found[0].message


def test_includes_that_multiply_are_stopped(tmp_path: Path) -> None:
    for level in range(6):
        (tmp_path / f"l{level}.txt").write_text(f"{{% include 'l{level + 1}.txt' %}}" * 50)
    (tmp_path / "l6.txt").write_text("x")
    assert faults(tmp_path, "{% include 'l0.txt' %}", "mail.txt")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("mail.mjml", b"\xff\xfe\x00", "not UTF-8"),
        ("mail.mjml", b"", "there is no <mjml>"),
        ("mail.mjml", b"Hello", "would vanish"),
        ("mail.mjml", b"<html><body>Hello</body></html>", "is HTML"),
        ("mail.txt", b"x" * 600_000, "600,000 characters"),
        ("mail.docx", b"x", "cannot be made from a .docx file"),
        ("mail.mjml", b"<mjml><mj-head></mj-head></mjml>", "there is no <mj-body>"),
    ],
)
def test_a_file_that_is_no_template(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    found = compile_wording(tmp_path / name, {"subject": "Hello"}, tmp_path)
    assert isinstance(found, list)
    assert any(message in fault.message for fault in found), found


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    found = compile_wording(tmp_path / "none.mjml", {"subject": "Hello"}, tmp_path)
    assert isinstance(found, list)
    assert "cannot be read" in found[0].message


BITS = st.sampled_from(
    [
        "<mjml>", "</mjml>", "<mj-body>", "</mj-body>", "<mj-section>", "</mj-section>", "<mj-column>", "</mj-column>",
        "<mj-text>", "</mj-text>", "<mj-raw>", "</mj-raw>", "<mj-button href='{{ a }}'>", "</mj-button>", "<mj-image src='&quot;' />",
        "{{ a }}", "{% if a %}", "{% endif %}", "{% for b in c %}", "{% endfor %}", "{{ '", "}}", "%}", "{%", "{#", "#}", "<!--", "-->",
        "<", ">", "&", "'", '"', "x", "\n", "€", "<br>", "<mj-table>", "</mj-table>", "<tr>", "</tr>", "<mj-style>", "</mj-style>",
        "<mj-head>", "</mj-head>", "{% raw %}", "{% endraw %}", "\x00", "<mj-include path='mail.mjml' />", "jxb00000x", "jxv00000x",
        "{% set a = 1 %}", "{% else %}",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(BITS, max_size=25).map("".join), st.sampled_from(["mjml", "html", "txt"]), st.booleans())
def test_no_template_whatever_makes_it_fall_over(tmp_path_factory: pytest.TempPathFactory, text: str, kind: str, framed: bool) -> None:
    folder = tmp_path_factory.getbasetemp()
    file = folder / f"any.{kind}"
    file.write_text(START + text + END if framed else text, encoding="utf-8")
    result = compile_wording(file, {"subject": "Hello"}, folder)
    if isinstance(result, EmailWording):
        assert EmailWording.restored(result.source) == result
        result.compose({"a": 1, "c": [2]})
    else:
        assert result
        assert all(fault.line >= 1 and fault.column >= 1 and fault.message and fault.remedy for fault in result)
