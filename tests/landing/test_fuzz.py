"""Whatever is sent to the pages, they answer calmly: no failure of ours, no trace of the code, nobody without their own link."""

import string
from collections.abc import Iterator
from urllib.parse import quote

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel
from starlette.testclient import TestClient

from engine.links import PATHS, Links
from landing.app import landing_app
from landing.guard import HEADERS
from landing.settings import LandingSettings
from store.clock import FixedClock
from store.errors import TokenError
from store.session import open_database, writing
from store.tokens import Signer, normalise_code
from tests.landing.landing_pages import BASE, BROWSER, KEY, NOON, add_people

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SIGNER = Signer([KEY])
Sent = list[tuple[bytes, bytes]]
PLAIN = "/%.;:@&=+$,!~*'()"
CALM = {200, 302, 303, 307, 400, 404, 405, 413, 422, 429}
PERSONAL = ("Anna", "WELCOME-5")
TRACES = ("Traceback", "sqlalchemy", "landing/", ".py", "SELECT ")

PRINTED = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
anything = st.text(max_size=60) | st.sampled_from(
    ["", "\x00", "\ud7ff", "é", "%", "../..", "{{ 7*7 }}", "' OR 1=1 --", "<script>", "𝔘" * 20]
)
letters = st.text(string.ascii_letters + string.digits + "-_.", max_size=45)
fields = st.dictionaries(
    st.sampled_from(["interest", "score", "mail", "call", "news", "town", "remark", "scope", "code", "List-Unsubscribe"]) | anything,
    anything | st.sampled_from(["One-Click", "all", "channel", "6", "x" * 3_000]),
    max_size=8,
)
names = st.sampled_from(
    [b"accept-language", b"user-agent", b"referer", b"x-forwarded-for", b"range", b"cookie", b"accept", b"purpose", b"if-none-match"]
)
headers = st.lists(st.tuples(names, st.text(PRINTED, max_size=60).map(lambda text: text.encode("latin-1"))), max_size=5)


class _App:
    """The pages on a database of their own with one customer, and how they are asked without a network in between."""

    def __init__(self, app: FastAPI, message_id: int) -> None:
        self.browser = TestClient(app, base_url=BASE, raise_server_exceptions=False, follow_redirects=False)
        self.browser.headers["user-agent"] = BROWSER
        links = Links(BASE, SIGNER)
        self.paths = [links.link(purpose, message_id, None).removeprefix(BASE) for purpose in PATHS]


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory, settings: LandingSettings, clock: FixedClock) -> Iterator[_App]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'test.db'}")
    SQLModel.metadata.create_all(database)
    with writing(database) as session:
        people = add_people(session, clock)
    pages = landing_app(database, settings, clock, lambda _: None)
    yield _App(pages, people.message_id)
    pages.state.traces.stop()
    database.dispose()


def check(answer: httpx.Response, *, personal: bool = False) -> None:
    assert answer.status_code in CALM, answer.status_code
    assert {name: answer.headers.get(name) for name in HEADERS if name != "Cache-Control"}.items() <= HEADERS.items()
    assert "set-cookie" not in answer.headers
    assert not any(trace in answer.text for trace in TRACES)
    assert personal or not any(name in answer.text for name in PERSONAL)


@FEW
@given(
    kind=st.sampled_from([*PATHS.values(), "c", "i", "static", "hooks", "", "docs", "openapi.json"]), rest=letters | anything, sent=headers
)
def test_no_address_without_a_link_shows_or_breaks_anything(app: _App, kind: str, rest: str, sent: Sent) -> None:
    path = f"/{kind}/{quote(rest, safe=PLAIN, errors='replace')}"
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        check(app.browser.request(method, path, headers=sent))


@FEW
@given(place=st.integers(0, 40), letter=st.sampled_from(string.ascii_letters + string.digits + "-_.~é "))
def test_a_link_with_one_other_letter_is_no_link(app: _App, place: int, letter: str) -> None:
    for path in app.paths:
        start = path.index("/", 1) + 1
        at = start + place % (len(path) - start)
        if path[at] != letter:
            altered = path[:at] + letter + path[at + 1 :]
            answer = app.browser.get(altered + ("/1" if path.startswith("/l/") else ".gif" if path.startswith("/e/") else ""))
            assert answer.status_code == 404
            check(answer)


@FEW
@given(number=st.integers(0, 5), values=fields, sent=headers)
def test_a_form_may_hold_anything(app: _App, number: int, values: dict[str, str], sent: Sent) -> None:
    app.browser.app.middleware_stack = None  # type: ignore[attr-defined]  # counts of the last example are none of this one's
    path = [*app.paths, "/c"][number]
    check(app.browser.post(path, data=values, headers=sent), personal=True)


@FEW
@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "application/json"]) | letters,
)
def test_a_body_may_be_anything(app: _App, body: bytes, kind: str) -> None:
    app.browser.app.middleware_stack = None  # type: ignore[attr-defined]  # see above
    for path in (*app.paths[:3], "/c"):
        for more in ("", "; boundary=x", "; charset=utf-7"):
            framed = b"--x\r\n" + body + b"\r\n--x--" if "boundary" in more else body
            check(app.browser.post(path, content=framed, headers={"content-type": kind + more}), personal=True)


@FEW
@given(token=letters | anything)
def test_only_what_was_signed_is_read(token: str) -> None:
    for purpose in PATHS:
        with pytest.raises(TokenError):
            SIGNER.read(purpose, token, NOON)


@FEW
@given(typed=anything | st.text(string.ascii_letters + string.digits + " -", max_size=14))
def test_a_typed_code_is_a_code_or_a_mistake(typed: str) -> None:
    try:
        code = normalise_code(typed)
    except TokenError:
        return
    assert normalise_code(code.lower().replace("-", " ")) == code
