"""Without a valid link nothing is shown, nothing can be learned by trying, and nothing leaks into logs or to others."""

import logging
import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select

from customers.contact_log import Kind
from customers.tables import Contact, Customer
from engine.links import LinkPurpose, Links
from landing.app import landing_app
from landing.guard import HEADERS
from landing.settings import LandingSettings
from store.clock import FixedClock
from store.session import open_database
from store.tokens import Signer
from tests.landing.landing_pages import BASE, BROWSER, CHOICE, KEY, NOON, Pages, served

FOREIGN = Links(BASE, Signer([b"somebody else's secret key"]))
OURS = Links(BASE, Signer([KEY]))
PURPOSES: tuple[LinkPurpose, ...] = ("page", "opt_out", "one_click")


def path_of(link: str) -> str:
    return link.removeprefix(BASE)


@pytest.fixture
def stranger(settings: LandingSettings, clock: FixedClock) -> Iterator[httpx.Client]:
    """A browser at pages whose database is away: whatever it is shown, nobody's rows were read for it."""
    app = landing_app(open_database("sqlite:////no/such/folder/at/all.db"), settings, clock, lambda _: None)
    with served(app) as address, httpx.Client(base_url=address, headers={"user-agent": BROWSER}) as browser:
        yield browser


def test_wrong_altered_foreign_expired_and_swapped_links_are_one_and_the_same_page(stranger: httpx.Client) -> None:
    good = path_of(OURS.link("page", 1, None))
    paths = ["/p/x", "/p/", "/nothing", "/p/" + "x" * 3_000, "/p/%00", "/p/é", good + "x", good[:-1] + "!", good + "/thanks/x/y", "/u/1.2"]
    paths += [path_of(FOREIGN.link(purpose, 1, None)) for purpose in PURPOSES]
    paths += [path_of(OURS.link(purpose, 1, NOON - timedelta(days=1))) for purpose in PURPOSES]
    paths += [good.replace("/p/", "/o/"), good.replace("/p/", "/u/"), path_of(OURS.link("opt_out", 1, None)).replace("/o/", "/p/")]
    answers = [stranger.get(path) for path in paths] + [stranger.post(path, data=CHOICE) for path in paths if path != "/nothing"]
    answers += [stranger.post(path, data=CHOICE) for path in ("/p/x/again", "/s/x", "/o/x/why")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert "This link does not work" in answers[0].text


def test_a_link_to_a_message_that_is_gone_looks_like_any_wrong_link(pages: Pages) -> None:
    gone = [pages.browser.get(pages.path(purpose, 10**9)) for purpose in PURPOSES]
    gone.append(pages.browser.post(pages.path("page", 10**9), data=CHOICE))
    gone.append(pages.browser.post(pages.path("one_click", 10**9), data={"List-Unsubscribe": "One-Click"}))
    wrong = pages.browser.get("/p/x")
    assert {(answer.status_code, answer.text) for answer in gone} == {(404, wrong.text)}


def test_an_expired_link_takes_no_answer(pages: Pages) -> None:
    path = pages.path()
    pages.clock.put(NOON + timedelta(days=31))
    assert pages.browser.post(path, data=CHOICE).status_code == 404
    assert not pages.contacts()


def test_every_answer_has_every_header(pages: Pages) -> None:
    pages.browser.get(pages.path())
    answers = [
        pages.browser.get(path) for path in (pages.path(), pages.path("opt_out"), pages.path("one_click"), "/", "/c", "/p/x", "/x/y")
    ]
    answers += [
        pages.browser.post(pages.path(), data=CHOICE),
        pages.browser.post(pages.path()),
        pages.browser.put("/"),
        pages.browser.get("/i/x"),
    ]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.url.path[:3]
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers


def test_pages_ask_nothing_of_anybody_else_and_hold_no_script(pages: Pages) -> None:
    for path in (pages.path(), pages.path("opt_out"), "/", "/p/x"):
        text = pages.browser.get(path).text
        assert not re.findall(r"(?:src|href|action)=\"(?!/|#)", text)
        assert "<script" not in text
        assert "style=" not in text
        assert "<style" not in text


def test_a_page_with_its_style_and_picture_is_light(pages: Pages) -> None:
    text = pages.browser.get(pages.path()).text
    style = re.findall(r"/static/[0-9a-f]{12}\.css", text)[0]
    answer = pages.browser.get(style)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert len(text) + len(answer.content) + Path("templates/winback/welcome.svg").stat().st_size < 50_000


def test_only_pictures_below_the_templates_are_served(pages: Pages, templates: Path) -> None:
    (templates.parent / "outside.png").write_bytes(b"secret")
    (templates / "link.png").symlink_to(templates.parent / "outside.png")
    found = pages.browser.get("/i/winback/welcome.svg")
    assert (found.status_code, found.headers["content-type"]) == (200, "image/svg+xml")
    for name in (
        "../outside.png",
        "..%2foutside.png",
        "%2e%2e/outside.png",
        "link.png",
        "winback/page.yaml",
        "winback",
        "%00.png",
        "/etc/hostname",
    ):
        assert pages.browser.get(f"/i/{name}").status_code == 404, name


def test_a_name_with_markup_in_it_is_only_text(pages: Pages) -> None:
    rename(pages, "<img src=x onerror=alert(1)> {{ 7*7 }}")
    text = pages.browser.get(pages.path()).text
    assert "&lt;img src=x onerror=alert(1)&gt; {{ 7*7 }}" in text
    assert "<img src=x" not in text
    pages.browser.post(pages.path(), data=CHOICE)
    assert "<img src=x onerror=alert(1)> {{ 7*7 }}" in pages.contacts(Kind.ANSWERED)[0].detail["questions"]["interest"]


def rename(pages: Pages, name: str) -> None:
    with Session(pages.database) as session:
        session.exec(select(Customer)).one().first_name = name
        session.commit()


def test_a_dutch_customer_is_spoken_to_in_dutch_and_a_stranger_in_the_browsers_language(pages: Pages) -> None:
    with Session(pages.database) as session:
        session.exec(select(Customer)).one().language = "nl"
        session.commit()
    assert '<html lang="nl">' in pages.browser.get(pages.path()).text
    assert "Wil je dat we stoppen?" in pages.browser.get(pages.path("opt_out")).text
    assert "Deze link werkt niet" in pages.browser.get("/p/x", headers={"accept-language": "fr, nl-BE;q=0.8, en;q=0.5"}).text
    assert "This link does not work" in pages.browser.get("/p/x", headers={"accept-language": "fr"}).text


def test_logs_hold_no_token_no_name_and_no_answer(
    pages: Pages, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        pages.browser.get(pages.path())
        pages.browser.post(pages.path(), data=CHOICE | {"mail": "anna@example.com"})
        break_the_log(pages)
        broken = pages.browser.post(pages.path(), data={"interest": "fresh", "remark": "my secret"})
    assert (broken.status_code, "Something went wrong on our side" in broken.text) == (500, True)
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore")))
    written = ours + "".join(capfd.readouterr())
    assert "A request failed with" in written
    for secret in (pages.path().split("/")[2], "Anna", "anna@example.com", "my secret"):
        assert secret not in written


def break_the_log(pages: Pages) -> None:
    """The next answer will meet a row that bears its key already."""
    with Session(pages.database) as session:
        key = f"answered:{pages.people.message_id}:2"
        session.add(Contact(at=NOON, customer_id=pages.people.customer_id, direction="in", channel="web", kind="event", key=key))
        session.commit()


def test_without_a_database_a_visitor_is_asked_to_come_back(stranger: httpx.Client) -> None:
    answers = [stranger.get(path_of(OURS.link(purpose, 1, None))) for purpose in PURPOSES]
    answers.append(stranger.post(path_of(OURS.link("page", 1, None)), data=CHOICE))
    answers.append(stranger.post("/c", data={"code": "7K3QX-9MPTY"}))
    for answer in answers:
        assert (answer.status_code, "nothing has been stored" in answer.text) == (503, True)
        assert answer.headers["retry-after"] == "60"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # on PostgreSQL the next test holds the customer's row
def test_with_a_locked_database_an_answer_is_refused_whole_and_can_be_sent_again(pages: Pages) -> None:
    event.listen(pages.database, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 50"))
    pages.database.dispose()
    locker = sqlite3.connect(str(pages.database.url.database), isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    assert pages.browser.post(pages.path(), data=CHOICE).status_code == 503
    locker.execute("ROLLBACK")
    locker.close()
    assert not pages.contacts()
    assert pages.browser.post(pages.path(), data=CHOICE).status_code == 303


@pytest.mark.parametrize("patience", [1.0])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no locks on rows
def test_a_customer_who_is_being_changed_for_long_is_not_waited_for(pages: Pages) -> None:
    with Session(pages.database) as session:
        session.execute(select(Customer).where(col(Customer.id) == pages.people.customer_id).with_for_update())
        assert pages.browser.post(pages.path(), data=CHOICE).status_code == 503
        assert not session.exec(select(Contact)).all()
    assert pages.browser.post(pages.path(), data=CHOICE).status_code == 303
