"""Mails that are broken, huge or meant to do harm show something sensible, and never an error page."""

import re
import smtplib
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.clock import FixedClock
from studio.inbox.framing import framed, has_dark
from studio.inbox.reading import Opened, open_mail, shown_name
from studio.inbox.records import Arrival, keep, open_records
from studio.inbox.server import start_inbox
from studio.paths import StudioPaths
from studio.router import studio_router

VIEWS = ("", "desk", "phone", "text", "links", "headers", "source")
PIXEL = b64encode(b"\x89PNG\r\n\x1a\n")


def html(body: str, charset: str = "utf-8") -> bytes:
    return f"Content-Type: text/html; charset={charset}\r\n\r\n{body}".encode()


def parted(*parts: bytes, kind: str = "mixed") -> bytes:
    between = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return f'MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary="b"\r\n\r\n'.encode() + between + b"--b--\r\n"


CORPUS = {
    "nothing": b"",
    "only a line end": b"\r\n",
    "no headers": b"\r\n\r\nHello",
    "only zeros": b"\0" * 500,
    "every byte": b"Subject: x\r\n\r\n" + bytes(range(256)),
    "an unknown charset": html("Hi", "klingon-8"),
    "a codec that is no charset": html("Hi", "base64"),
    "a slow codec": html("xn--" + "a" * 100_000, "punycode"),
    "half a character in UTF-7": html("+2AA-", "utf-7"),
    "wrong UTF-8": b"Content-Type: text/html; charset=utf-8\r\n\r\ncaf\xe9",
    "broken base64": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!=x",
    "an unknown encoding": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-secret\r\n\r\nHi",
    "no boundary": b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\nHi",
    "never closed": parted(html("<b>Hi"))[:-8],
    "parts in parts": b"".join(f'Content-Type: multipart/mixed; boundary="{i}"\r\n\r\n--{i}\r\n'.encode() for i in range(3000)),
    "a message in a message": b"Content-Type: message/rfc822\r\n\r\n" * 300,
    "a bad header": b"Subject: =?utf-8?b?====?=\r\nFrom: =?x?y?z?=\r\nContent-Type: text/html; charset*0*=a'b\r\n: none\r\n\r\n<p>Hi",
    "a header of 1 MB": b"Subject: " + b"x" * 1_000_000 + b"\r\n\r\nHi",
    "half a multibyte header": b"Subject: caf\xe9\r\nX-Other: =?utf-8?q?caf=C3?=\r\n\r\nHi",
    "half a character in a header": b"Subject: =?utf-7?q?+2AA-?=\r\n\r\nHi",
    "a link that never ends": html("<a href=" * 20_000),
    "comments that never end": html("<!--" * 20_000),
    "10 MB of HTML": html("<p>x</p>" * 1_250_000),
    "10 MB of text": b"Subject: big\r\n\r\n" + b"line of text\r\n" * 720_000,
    "10 MB in one line": html("<a href='https://example.com/'>x</a>" * 280_000),
}


@pytest.fixture
def paths(tmp_path: Path) -> StudioPaths:
    return StudioPaths(tmp_path / "inbox.db", tmp_path / "sms.jsonl", tmp_path / "print")


@pytest.fixture
def client(paths: StudioPaths) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(studio_router(paths))
    with TestClient(app) as opened:
        yield opened


@pytest.mark.parametrize("name", CORPUS)
def test_a_strange_mail_never_gives_an_error_page(client: TestClient, paths: StudioPaths, name: str) -> None:
    inbox = start_inbox(paths.inbox)
    with smtplib.SMTP("127.0.0.1", inbox.port, "localhost") as connection:
        connection.sendmail("a@example.com", ["x@example.com"], CORPUS[name])
    inbox.stop()
    assert client.get("/inbox").status_code == 200
    for view in VIEWS:
        page = client.get(f"/inbox/1?view={view}")
        assert page.status_code == 200
        assert len(page.content) < 1_500_000
        assert "<h1>" in page.text
    assert client.get("/inbox/1/html").status_code == 200
    assert client.get("/inbox/1/mail.eml").content.split() == CORPUS[name].split()


def test_what_can_be_read_of_a_strange_mail_is_shown() -> None:
    assert open_mail(CORPUS["wrong UTF-8"]).html == "café"
    assert open_mail(CORPUS["an unknown charset"]).html == "Hi"
    assert open_mail(CORPUS["an unknown encoding"]).text == "Hi"
    assert open_mail(CORPUS["never closed"]).html == "<b>Hi"
    assert open_mail(html("caf\u00e9").replace(b"\xc3\xa9", b"\xe9").replace(b"utf-8", b"iso-8859-1")).html == "café"
    assert open_mail(CORPUS["half a multibyte header"]).headers[0] == ("Subject", "caf\ufffd")


def test_a_mail_that_cannot_be_taken_apart_shows_its_source() -> None:
    opened = open_mail(CORPUS["parts in parts"] * (1 + sys.getrecursionlimit() // 1000))
    assert opened.fault is not None
    assert opened.source.startswith("Content-Type: multipart/mixed")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from([b"Content-Type: ", b"multipart/", b"text/html", b"; charset", b"*0*=", b'="', b"b", b"\r\n", b"--", b"=?", b"?q?"])
    )
    .map(b"".join)
    .flatmap(lambda start: st.binary(max_size=300).map(lambda rest: start + rest))
)
def test_whatever_comes_in_can_be_opened_and_framed(raw: bytes) -> None:
    opened = open_mail(raw)
    assert opened.fault is None or opened.html is None
    assert framed(opened, "dark").startswith(("<base", "<!", " ", "\r", "\n", "\t"))


def test_names_of_attachments_cannot_act_or_pretend(client: TestClient, paths: StudioPaths, clock: FixedClock) -> None:
    name = 'Content-Type: application/x-msdownload\r\nContent-Disposition: attachment; filename="{}"\r\n\r\nMZ'
    evil = name.format("<img src=x onerror=alert(1)>.exe").encode()
    turned = name.format("invoice=?utf-8?q?=E2=80=AE?=fdp.exe").encode()
    raw = parted(html("Hi"), evil, turned, name.format("../../etc/passwd").encode())
    keep(open_records(paths.inbox), [Arrival(clock.now(), None, None, None, None, "", "x@example.com", "s", raw)])
    page = client.get("/inbox/1").text
    assert "&lt;img src=x onerror=alert(1)&gt;.exe" in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "../../etc/passwd" in page
    assert shown_name("a\u202e\u2066\x00b\n") == "ab"


def test_pictures_that_a_mail_carries_are_inside_its_frame() -> None:
    picture = b"Content-Type: image/png\r\nContent-ID: <logo@shop>\r\nContent-Transfer-Encoding: base64\r\n\r\n" + PIXEL
    opened = open_mail(
        parted(html('<img src="cid:logo@shop"><img src="cid:other"><img src="https://example.com/x.png">'), picture, kind="related")
    )
    document = framed(opened, "light")
    assert f'<img src="data:image/png;base64,{PIXEL.decode()}"><img src="cid:other">' in document
    assert opened.attachments == ()


def test_a_picture_named_a_million_times_does_not_fill_the_memory() -> None:
    picture = b"Content-Type: image/png\r\nContent-ID: <p>\r\n\r\n" + b"x" * 100_000
    opened = open_mail(parted(html('<img src="cid:p">' * 100_000), picture, kind="related"))
    assert len(framed(opened, "light")) < 50_000_000


def test_nothing_that_reaches_out_by_itself_is_left_in_the_frame() -> None:
    body = (
        '<!DOCTYPE html><link rel="preconnect" href="https://spy.example"><LINK rel=dns-prefetch href=//spy.example>'
        '<meta http-equiv="refresh" content="0;url=https://spy.example"><meta name="viewport" content="x"><p>Hi</p>'
    )
    document = framed(open_mail(html(body)), "light")
    assert "spy.example" not in document
    assert re.match(r'<!DOCTYPE html><base target="_blank">.*<meta name="viewport" content="x"><p>Hi</p>$', document)


@pytest.mark.parametrize(
    ("scheme", "dark", "light"), [("light", "(max-width:0)", "(min-width:0)"), ("dark", "(min-width:0)", "(max-width:0)")]
)
def test_light_and_dark_are_the_ones_asked_for(scheme: str, dark: str, light: str) -> None:
    style = "@media (prefers-color-scheme: dark) { p { color: red } } @media ( Prefers-Color-Scheme:LIGHT ) { p { color: blue } }"
    opened = open_mail(html(f"<style>{style}</style>"))
    document = framed(opened, "dark" if scheme == "dark" else "light")
    assert f"@media {dark} {{ p {{ color: red }}" in document
    assert f"@media {light} {{ p {{ color: blue }}" in document
    assert f"color-scheme:only {scheme}!important" in document
    assert has_dark(opened)


def test_a_mail_that_knows_no_dark_stays_light() -> None:
    opened = Opened("", html="<p>Hi</p>")
    assert not has_dark(opened)
    assert "color-scheme:only light!important" in framed(opened, "dark")
