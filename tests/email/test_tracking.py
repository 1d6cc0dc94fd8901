"""Links that are followed, marks of statistics and the picture that tells of an opening: once a wording, and nothing of a mail lost."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import CompositionFault, Content
from channels.email import EmailChannel, EmailSettings
from channels.email.tracking import Tracking, followed
from channels.email.wording import EmailWording
from channels.following import Targets, host_of

FOLLOWED = {"subject": "s", "clicks": "yes"}
MARKED = {"subject": "s", "marks": "utm_source=shop&utm_medium=email"}
VALUES: dict[str, Any] = {
    "customer": {"first_name": "Zoë & co", "urls": ["1", "2"], "city": "a b"},
    "links": {
        "click": "https://us.example/l/T",
        "open": "https://us.example/e/T.gif",
        "page": "https://us.example/p/X",
        "opt_out": "https://us.example/o/X",
    },
}


def load(folder: Path, text: str, options: dict[str, str], name: str = "mail.html") -> EmailWording:
    (folder / name).write_text(text)
    wording = EmailChannel(EmailSettings(host="x", port=1, sender_address="a@shop.example")).load(folder / name, options, folder)
    assert isinstance(wording, EmailWording), wording
    return wording


def composed(wording: EmailWording, values: dict[str, Any] = VALUES) -> Content:
    content = wording.compose(values)
    assert isinstance(content, Content), content
    return content


def hrefs(wording: EmailWording) -> list[str]:
    return re.findall(r'href="([^"]*)"', composed(wording).parts["html"])


US = "https://us.example/l/T/1"
CASES = {
    # what stands in the template: where the mail's link leads, where the redirect leads (None: not followed)
    '<a href="https://shop.example/b">b</a>': (US, "https://shop.example/b"),
    "<a class='x'\n href='http://shop.example'>b</a>": (US, "http://shop.example"),
    "<a href=https://shop.example/b>b</a>": (US, "https://shop.example/b"),
    '<area href="https://shop.example/b">': (US, "https://shop.example/b"),
    '<a href=" https://shop.example/b ">b</a>': (US, "https://shop.example/b"),
    '<a href="https://shop.example/?a=1&amp;b=2#c">b</a>': (US, "https://shop.example/?a=1&b=2#c"),
    '<a title="a > b" href="https://shop.example/">b</a>': (US, "https://shop.example/"),
    '<a href="https://shop.example/{{ customer.city }}">b</a>': (US, "https://shop.example/a b"),
    '<a href="https://shop.example/?n={{ customer.first_name | urlencode }}">b</a>': (US, "https://shop.example/?n=Zo%C3%AB%20%26%20co"),
    '<a href="https://shop.example/{% if customer.city %}x{% else %}y{% endif %}">b</a>': (US, "https://shop.example/x"),
    '<a href="https://shop.example/{{ customer.nick or "you" }}">b</a>': (US, "https://shop.example/you"),
    '<a href="https://shop.example/">shop.example</a>': ("https://shop.example/", None),
    '<a href="https://shop.example/"> <b>https://shop.example/b?c=1</b></a>': ("https://shop.example/", None),
    '<a href="{{ links.page }}">b</a>': ("https://us.example/p/X", None),
    '<a href="{{ links.opt_out }}">b</a>': ("https://us.example/o/X", None),
    '<a href="mailto:us@shop.example">b</a>': ("mailto:us@shop.example", None),
    '<a href="tel:+31201234567">b</a>': ("tel:+31201234567", None),
    '<a href="#top">b</a>': ("#top", None),
    '<a href="https://{{ customer.city }}.example/">b</a>': ("https://a b.example/", None),
    '<a href="https://shop.example{{ customer.city }}/">b</a>': ("https://shop.examplea b/", None),
    '<a href="https://shop.example\\@evil.example/">b</a>': ("https://shop.example\\@evil.example/", None),
    '{% for u in customer.urls[:1] %}<a href="https://shop.example/{{ u }}">b</a>{% endfor %}': ("https://shop.example/1", None),
    '{% set u = "q" %}<a href="https://shop.example/{{ u }}">b</a>': ("https://shop.example/q", None),
}


@pytest.mark.parametrize("written", CASES)
def test_a_link_that_leads_outside_goes_over_us_and_all_others_stay(written: str, tmp_path: Path) -> None:
    mail, target = CASES[written]
    wording = load(tmp_path, f"<p>Hello, all of you who read this</p>{written}", FOLLOWED)
    assert hrefs(wording) == [mail]
    if target is not None:
        assert Targets.of(wording.source).address(1, VALUES) == target


def test_html_and_text_share_the_number_of_an_address(tmp_path: Path) -> None:
    link = '<a href="https://shop.example/?a=1&amp;c={{ customer.city }}">b</a>'
    wording = load(tmp_path, f'{link}<a href="https://other.example/">c</a>{link}', FOLLOWED)
    assert hrefs(wording) == [US, US.replace("/1", "/2"), US]
    assert composed(wording).parts["text"].count(f"<{US}>") == 2
    assert wording.targets == ("https://shop.example/?a=1&c={{ customer.city }}", "https://other.example/")


def test_links_of_a_text_are_followed_to_the_end_of_the_address_and_no_further(tmp_path: Path) -> None:
    text = "See https://shop.example/a?b={{ customer.city }}, or (https://shop.example/b).\n<https://shop.example/c.> {{ links.page }}\n"
    wording = load(tmp_path, text, FOLLOWED, "mail.txt")
    assert wording.targets == ("https://shop.example/a?b={{ customer.city }}", "https://shop.example/b", "https://shop.example/c.")
    assert composed(wording).parts["text"] == f"See {US}, or ({US[:-1]}2).\n<{US[:-1]}3> https://us.example/p/X\n"


def test_a_followed_link_whose_value_is_missing_keeps_its_mail_back_as_the_plain_one_does(tmp_path: Path) -> None:
    missing = {**VALUES, "customer": {"urls": []}}
    for text in (
        '<p>Hello</p><a href="https://shop.example/{{ customer.city }}">b</a>',
        '<p>Hello</p>{% if not customer.nick %}<a href="https://shop.example/{{ customer.city }}">b</a>{% endif %}',
    ):
        for options in ({"subject": "s"}, FOLLOWED):
            fault = load(tmp_path, text, options).compose(missing)
            assert isinstance(fault, CompositionFault)
            assert fault.variable == "customer.city"


def test_a_link_that_is_not_shown_needs_no_value(tmp_path: Path) -> None:
    shy = '<p>Hello</p>{% if customer.city %}<a href="https://shop.example/{{ customer.city }}">b</a>{% endif %}'
    assert isinstance(load(tmp_path, shy, FOLLOWED).compose({**VALUES, "customer": {}}), Content)


def test_whatever_a_value_holds_nobody_is_led_to_another_server(tmp_path: Path) -> None:
    wording = load(tmp_path, '<a href="https://shop.example/{{ customer.city }}">b</a>', FOLLOWED)
    targets = Targets.of(wording.source)

    @given(st.text())
    def lead(city: str) -> None:
        address = targets.address(1, {"customer": {"city": city}})
        assert address is not None
        assert host_of(address) == "shop.example"
        assert not re.search(r"[\r\n]", address)

    lead()


@pytest.mark.parametrize("number", [0, 2, -1, 10**9])
def test_a_number_that_no_link_has_leads_nowhere(number: int, tmp_path: Path) -> None:
    assert Targets.of(load(tmp_path, CASE, FOLLOWED).source).address(number, VALUES) is None


CASE = '<a href="https://shop.example/b">b</a>'


def test_a_target_is_read_again_before_anybody_is_led_there() -> None:
    for text in ("javascript:alert(1)", "//evil.example", "https://{{ customer.city }}/", "ftp://shop.example/"):
        assert Targets((text,)).address(1, {"customer": {"city": "evil.example"}}) is None


def test_a_wording_that_follows_nothing_is_stored_as_before_and_one_that_does_comes_back_whole(tmp_path: Path) -> None:
    plain, tracked = load(tmp_path, CASE, {"subject": "s"}), load(tmp_path, CASE, FOLLOWED)
    assert b"targets" not in plain.source
    assert followed(plain, Tracking()) == plain
    for wording in (plain, tracked):
        again = EmailWording.restored(wording.source)
        assert again == wording
        assert composed(again).raw == composed(wording).raw


MARKS = {
    "https://shop.example/b": "https://shop.example/b?utm_source=shop&amp;utm_medium=email",
    "https://shop.example/b?a=1#c": "https://shop.example/b?a=1&amp;utm_source=shop&amp;utm_medium=email#c",
    "https://shop.example/b?": "https://shop.example/b?utm_source=shop&amp;utm_medium=email",
    "https://shop.example/#c?d": "https://shop.example/?utm_source=shop&amp;utm_medium=email#c?d",
    "https://shop.example/b?utm_source=own&amp;a=&quot;": "https://shop.example/b?utm_source=own&amp;a=&quot;&amp;utm_medium=email",
    "https://shop.example/?utm_medium=a&amp;utm_source=b": "https://shop.example/?utm_medium=a&amp;utm_source=b",
    "https://shop.example/{% if customer.city %}?a=1{% endif %}": "https://shop.example/?a=1",
    "{{ links.page }}": "https://us.example/p/X",
    "mailto:us@shop.example": "mailto:us@shop.example",
}


@pytest.mark.parametrize("written", MARKS)
def test_marks_leave_queries_fragments_and_marks_of_its_own_as_they_are(written: str, tmp_path: Path) -> None:
    assert hrefs(load(tmp_path, f'<a href="{written}">b</a>', MARKED)) == [MARKS[written]]


def test_marks_are_for_the_domains_that_are_named(tmp_path: Path) -> None:
    hosts = ("shop.example", "www.SHOP.example:8080", "myshop.example", "shop.example.org")
    text = "".join(f'<a href="https://{host}/">b</a>' for host in hosts)
    marked = ["utm_source" in href for href in hrefs(load(tmp_path, text, {**MARKED, "mark_domains": "shop.example"}))]
    assert marked == [True, True, False, False]


def test_a_followed_link_has_its_marks_where_it_leads(tmp_path: Path) -> None:
    wording = load(tmp_path, CASE, {**FOLLOWED, **MARKED})
    assert hrefs(wording) == [US]
    assert wording.targets == ("https://shop.example/b?utm_source=shop&utm_medium=email",)


def test_openings_are_told_by_one_picture_at_the_end_of_the_body(tmp_path: Path) -> None:
    pixel = '<img src="https://us.example/e/T.gif" width="1" height="1" alt=""'
    html = composed(load(tmp_path, f"<html><body>{CASE}</body></html>", {"subject": "s", "opens": "yes"})).parts["html"]
    assert html.count(pixel) == 1
    assert html.index(pixel) > html.index("</a>")
    assert html.rstrip().endswith("</body></html>")
    assert pixel in composed(load(tmp_path, CASE, {"subject": "s", "opens": "yes"})).parts["html"]
    assert "T.gif" not in composed(load(tmp_path, CASE, FOLLOWED)).parts["html"]
    assert "T.gif" not in composed(load(tmp_path, "Hello", {"subject": "s", "opens": "yes"}, "mail.txt")).parts["text"]


def test_mjml_is_followed_too_and_compiled_no_more_often(tmp_path: Path) -> None:
    mjml = '<mjml><mj-body><mj-section><mj-column><mj-button href="https://shop.example/?a=1&amp;b=2">Go</mj-button></mj-column></mj-section></mj-body></mjml>'
    (tmp_path / "mail.mjml").write_text(mjml)
    channel = EmailChannel(EmailSettings(host="x", port=1, sender_address="a@shop.example"), cache=tmp_path / "cache")
    both = [channel.load(tmp_path / "mail.mjml", options, tmp_path) for options in (FOLLOWED, {"subject": "s"})]
    assert [getattr(wording, "targets", None) for wording in both] == [("https://shop.example/?a=1&b=2",), ()]
    assert len(list((tmp_path / "cache").iterdir())) == 1
