"""What a reader would stumble over is remarked on, and a good mail is not."""

import shutil
from pathlib import Path

import pytest

from channels.contract import BatchInfo, Content, Message, MessageKey
from channels.email.channel import EmailChannel
from channels.email.compiling import compile_wording
from channels.email.inspection import CLIPPED_BYTES, inspect
from channels.email.settings import EmailSettings
from channels.email.spam import spam_score
from channels.email.wording import EmailWording
from tests.conftest import NOON

ROOT = Path(__file__).parents[2] / "templates"
LINKS = {
    "page": "https://shop.example/p/1",
    "opt_out": "https://shop.example/o/1?a=1&b=2",
    "one_click": "https://shop.example/u/1",
    "preferences": "https://shop.example/s/1",
}
TEXT = f"Something in words that is long enough to read. Stop: {LINKS['opt_out']}"
BEFORE = '<html><body><div style="display:none">What is in it for you</div>'
STOP = '<a href="https://shop.example/o/1?a=1&amp;b=2">Stop</a></body></html>'


def codes(html: str, text: str = TEXT, subject: str = "Hello") -> list[str]:
    return sorted({remark.code for remark in inspect({"subject": subject, "text": text, "html": html}, LINKS)})


# Contrasts by hand with the formula of WCAG 2.2: #777777 on white 4.48, #767676 on white 4.54, #949494 on white 3.03.
@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<p>Good</p>", []),
        ('<a href="">x</a>', ["dead-link"]),
        ('<a href="#">x</a>', ["dead-link"]),
        ('<a href="javascript:go()">x</a>', ["dead-link"]),
        ('<a href="https://a b.example">x</a>', ["dead-link"]),
        ('<a href="https://nowhere/">x</a>', ["dead-link"]),
        ('<a href="http://[::1">x</a>', ["dead-link"]),
        ('<a href="/offers">x</a>', ["relative-link"]),
        ('<a href="www.shop.example">x</a>', ["relative-link"]),
        ('<a href="mailto:a@b.example">x</a><a href="tel:+31">y</a><a href="http://localhost:8484/p/1">z</a>', []),
        ('<img src="a.png">', ["no-alt"]),
        ('<img src="a.png" alt="">', ["no-alt"]),
        ('<img src="a.png" width="1" alt=""><img src="b.png" alt="A pear">', []),
        ('<p style="color:#777777">x</p>', ["contrast"]),
        ('<p style="color:#767676">x</p>', []),
        ('<p style="color:#949494;font-size:24px">x</p>', []),
        ('<p style="color:#949494;font-size:19px;font-weight:bold">x</p>', []),
        ('<p style="color:#949494;font-size:19px">x</p>', ["contrast"]),
        ('<table bgcolor="#000"><tr><td>x</td></tr></table>', ["contrast"]),
        ('<div style="background:black"><p style="color:rgb(255,255,255)">x</p></div>', []),
        ('<div style="background:#ccc url(a.png)"><p style="color:#ddd">x</p></div>', []),
        ("<style>@import url(https://fonts.example/a.css);</style>", ["remote-font"]),
        ("x" * CLIPPED_BYTES, ["clipped"]),
    ],
)  # fmt: skip
def test_each_trouble_has_its_code(html: str, found: list[str]) -> None:
    assert codes(f"{BEFORE}{html}{STOP}") == found


@pytest.mark.parametrize(
    ("html", "text", "subject", "found"),
    [
        (f"<body>Hello{STOP}", TEXT, "Hello", ["no-preheader"]),
        (f'<div style="display:none">{"x" * 121}</div>{STOP}', TEXT, "Hello", ["preheader-length"]),
        (f"{BEFORE}<p>Bye</p>", TEXT, "Hello", ["no-unsubscribe"]),
        (f"{BEFORE}{STOP}", "A text that is long enough, but says nothing of stopping.", "Hello", ["no-unsubscribe"]),
        (f"{BEFORE}{STOP}", LINKS["opt_out"] + "\u200c" * 99, "Hello", ["no-text"]),
        (f"{BEFORE}{STOP}", TEXT, "x" * 71, ["subject-length"]),
        (f"{BEFORE}{STOP}", TEXT, "LAST CHANCE TO BUY", ["subject-capitals"]),
        ("", TEXT, "Hello", []),
        ("", f"{TEXT} <shop.example/x>", "Hello", ["relative-link"]),
    ],
)
def test_what_belongs_to_the_whole_mail_is_looked_at(html: str, text: str, subject: str, found: list[str]) -> None:
    assert codes(html, text, subject) == found


@pytest.mark.parametrize("name", ["winback/personal", "winback/general", "hillstrom/mens", "hillstrom/womens"])
def test_the_shipped_mails_leave_nothing_to_say(name: str) -> None:
    wording = compile_wording(ROOT / f"{name}.mjml", {"subject": "Hello"}, ROOT)
    assert isinstance(wording, EmailWording)
    for department in ("PRODUCE", "MEAT", "DELI", "FLORAL", None):
        values = {
            "customer": {"first_name": "Anna", "favourite_department": department},
            "links": LINKS,
            "sender": {"name": "Shop", "address": "Main street 1"},
            "campaign": {"title": "Spring"},
        }
        content = wording.compose(values)
        assert isinstance(content, Content)
        assert inspect(dict(content.parts), LINKS) == []


@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="SpamAssassin is not installed")
def test_spamassassin_reads_our_mail_and_knows_spam_from_it() -> None:
    channel = EmailChannel(EmailSettings(host="localhost", port=25, sender_address="shop@example.com"))
    batch = BatchInfo("b", "spring", "1", "mail", "Spring", NOON)

    def written(text: str) -> bytes:
        return channel.written_out(Message(MessageKey("k"), "a@example.com", Content({"subject": "Hello", "text": text}), LINKS), batch)

    ours, gtube = (spam_score(written(text)) for text in (TEXT, "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"))
    assert ours
    assert ours.points < ours.limit
    assert gtube
    assert (gtube.points > gtube.limit, "GTUBE" in gtube.rules) == (True, True)
