"""Whole ways on a phone: from the link in a message to the thanks, from a letter to the page, from enough to a pause, from a form to a
welcome, and from one's data to none.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine

from customers.choices import ChoiceKind, choices_of
from customers.contact_log import Kind
from customers.tables import CustomerId
from landing.join_words import SAID as JOINING
from landing.my_data_words import TOLD
from landing.preference_words import SAID
from landing.settings import LandingSettings
from landing.words import WORDS
from store.clock import to_micros
from store.session import reading
from tests.eyes.browser import PHONE, Visit, visiting
from tests.eyes.office import Office, office
from tests.eyes.world import World, fill, settings_of, world
from tests.landing.landing_pages import as_pages, patience

__all__ = ["as_pages", "patience"]
DOES_SCRIPT = {"en": True, "nl": False, "de": False}


@pytest.fixture(params=["en", "nl", "de"])
def visitor(browser: Browser, here: World, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A recipient of each language, most of them with a browser that runs no script."""
    with visiting(browser, here, request.param, script=DOES_SCRIPT[request.param]) as visit:
        yield visit


@pytest.fixture
def settings(tmp_path: Path, database: Engine) -> LandingSettings:
    fill(database)
    return settings_of(tmp_path / "templates")


@pytest.fixture
def over_postgres(browser: Browser, database: Engine, as_pages: Engine, settings: LandingSettings) -> Iterator[Visit]:
    """A recipient at pages that reach PostgreSQL under their own role."""
    with world(database, as_pages, settings) as there, visiting(browser, there, "nl", script=False) as visit:
        yield visit


@pytest.fixture(params=["en", "nl"])
def at_office(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Office]:
    """A visitor of each language at pages behind which what is asked for is carried out; one of them runs no script."""
    with office(browser, tmp_path, request.param, script=DOES_SCRIPT[request.param]) as found:
        yield found


# What is to be seen on the way, each walk asserts itself.
def test_from_the_mail_to_the_thanks_and_back(visitor: Visit) -> None:
    answer_everything(visitor)
    assert stays_within_the_phone(visitor)


def test_from_the_letter_to_the_page(visitor: Visit) -> None:
    type_the_code(visitor)
    assert stays_within_the_phone(visitor)


def test_from_enough_to_the_reason_and_to_a_pause(visitor: Visit) -> None:
    stop_and_think_again(visitor)
    assert stays_within_the_phone(visitor)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_ways_are_the_same_over_postgresql(over_postgres: Visit) -> None:
    answer_everything(over_postgres)
    type_the_code(over_postgres)
    stop_and_think_again(over_postgres)
    assert stays_within_the_phone(over_postgres)


@pytest.mark.parametrize("visitor", ["en", "nl"], indirect=True)
def test_a_page_that_is_another_one_to_some_stays_the_same_to_each(visitor: Visit) -> None:
    message_id, text = visitor.open(campaign="editions"), words_of(visitor)[1]
    title, variant = text("h1"), "pictures" if visitor.page.locator(".banner").count() else "words"
    visitor.page.reload()
    assert text("h1") == title
    visitor.choose("score", "4")
    visitor.send()
    assert text(".voucher .code") == "TABLE-5"
    (answered,) = visitor.world.contacts(message_id, Kind.ANSWERED)
    assert answered.detail["page_variant"] == variant
    assert stays_within_the_phone(visitor)


def test_from_a_form_to_a_press_in_a_mail_to_what_one_receives(at_office: Office) -> None:
    visit, said, text = at_office.visit, JOINING[at_office.visit.language], words_of(at_office.visit)[1]
    visit.go("/join/newsletter")
    visit.page.fill('[name="email"]', "nora@example.com")
    visit.send()
    assert text("h1") == said["asked_title"]
    visit.go(at_office.link_mailed())
    assert text("h1") == said["confirm_title"]
    assert at_office.addresses() == ["c1@example.com", "nora@example.com"]
    assert at_office.allowed() == ["c1@example.com"]
    visit.send()
    assert text("h1") == said["done_title"]
    assert at_office.allowed() == ["c1@example.com", "nora@example.com"]
    visit.follow("main a.button")
    assert visit.page.locator('[name="allow:offers:email"]').is_checked()
    assert stays_within_the_phone(visit)


def test_from_a_button_to_ones_data_to_a_correction_to_nothing_at_all(at_office: Office) -> None:
    visit, told, text = at_office.visit, TOLD[at_office.visit.language], words_of(at_office.visit)[1]
    visit.page.goto(visit.world.link("preferences", 1))
    visit.send('form[action$="/my-data"] button')
    assert text("h1") == told["asked_title"]
    door = at_office.link_mailed()
    visit.go(door)
    assert text("h1") == told["door_title"]
    assert "c1@example.com" not in text("body")
    visit.send()
    assert "c1@example.com" in text("dl")
    with visit.page.expect_download() as saved:
        visit.page.locator("a[download]").click()
    assert json.loads(saved.value.path().read_text())["customer"]["email"] == "c1@example.com"
    visit.page.fill("#my-city", "Gouda")
    visit.send('form[action$="/correct"] button')
    assert text("[role=status]") == told["corrected"]
    at_office.carry_out()
    visit.page.reload()
    assert "Gouda" in text("dl")
    assert stays_within_the_phone(visit)
    visit.follow("p.apart a")
    assert text("h1") == told["erase_title"]
    visit.send('form[action$="/erase"] button')
    assert text("h1") == told["erasing_title"]
    at_office.carry_out()
    assert at_office.addresses() == [None]
    visit.go(door)
    assert text("h1") == TOLD["en"]["erased_title"]  # which language they spoke is forgotten, too
    assert stays_within_the_phone(visit)


def answer_everything(visit: Visit) -> None:
    words, text = words_of(visit)
    message_id = visit.open(campaign="survey")
    visit.choose("score", "2")
    visit.send()
    assert text(".part") == words["part"].format(part=2, parts=3)
    visit.choose("reason", "cold")
    visit.send()
    for typed, complaint in (("anna@example", words["not_an_email"]), ("anna@gmial.com", words["did_you_mean"])):
        visit.page.fill("#field-mail", typed)
        visit.send()
        assert complaint.format(address="anna@gmail.com") in text(".complaint")
        assert visit.page.input_value("#field-mail") == typed
    visit.page.fill("#field-mail", "anna@gmail.com")
    visit.send()
    assert text(".results h2") == words["results"]
    assert text(".voucher .code") == "WELCOME-5"
    assert [each.detail["answers"] for each in visit.world.contacts(message_id, Kind.ANSWERED)] == [
        {"score": 2, "reason": "cold", "mail": "anna@gmail.com"}
    ]
    visit.follow(".back a")
    assert text("[role=status]") == words["answered"]


def type_the_code(visit: Visit) -> None:
    message_id = visit.world.invite(visit.language)
    visit.go("/")
    visit.page.fill("#code", "7k3qx 9mpt")
    visit.send()
    assert visit.page.input_value("#code") == "7k3qx 9mpt"
    visit.page.fill("#code", f" {visit.world.code(message_id).lower().replace('-', ' ')} ")
    visit.send()
    assert "Anna-Sophie" in visit.page.locator(".greeting").inner_text()
    assert len(visit.world.contacts(message_id, Kind.VISITED)) == 1


def stop_and_think_again(visit: Visit) -> None:
    words, text = words_of(visit)
    said = SAID[visit.language]
    message_id = visit.open()
    visit.follow("footer a")
    assert text("h1") == words["stop_title"]
    assert not visit.world.contacts(message_id, Kind.OPTED_OUT)
    visit.send()
    assert text("h1") == words["stopped_title"]
    visit.choose("why", "too_often")
    visit.send("form.apart button")
    assert text("h1") == said["told_title"]
    assert len(visit.world.contacts(message_id, Kind.OPTED_OUT)) == 1
    visit.follow("main a.button")
    assert not visit.page.locator('[name="allow:offers:email"]').is_checked()
    visit.page.locator('[name="pause:service"]').select_option("30")
    visit.send()
    assert text("[role=status]") == said["saved"]
    with reading(visit.world.database) as session:
        customer_id = CustomerId(visit.world.contacts(message_id, Kind.OPTED_OUT)[0].customer_id)
        until = choices_of(session, customer_id)[ChoiceKind.PAUSE, "service"]
    assert until > to_micros(visit.world.clock.now())


def words_of(visit: Visit) -> tuple[dict[str, str], Callable[[str], str]]:
    """What the pages say in the visitor's language, and a way to read what stands somewhere."""
    return WORDS[visit.language], lambda selector: visit.page.locator(selector).first.inner_text()


def stays_within_the_phone(visit: Visit) -> bool:
    """Whether nobody has to push what is shown now from side to side."""
    return bool(visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE)
