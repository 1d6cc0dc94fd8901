"""Saying stop: one press, never a look, and heard at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sqlmodel import col, select

from customers.consent import ConsentChange, Source, consent_of, record_consent
from customers.contact_log import Kind
from customers.tables import ConsentEvent, CustomerId
from store.session import reading, writing
from tests.landing.landing_pages import NOON, Pages

CHANNELS = ("email", "sms", "print")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(autouse=True)
def allowed(pages: Pages) -> None:
    allow(pages)


def allow(pages: Pages, source: Source = Source.IMPORT) -> None:
    changes = [
        ConsentChange(CustomerId(pages.people.customer_id), purpose, channel, granted=True, at=pages.clock.now(), source=source)
        for purpose in ("offers", "service")
        for channel in CHANNELS
    ]
    with writing(pages.database) as session:
        record_consent(session, changes)


def refused(pages: Pages, purpose: str = "offers") -> list[str]:
    ids = np.array([pages.people.customer_id])
    with reading(pages.database) as session:
        return [channel for channel in CHANNELS if consent_of(session, ids, purpose, channel).refused[0]]


def refusals(pages: Pages) -> list[ConsentEvent]:
    with reading(pages.database) as session:
        every = session.exec(select(ConsentEvent).order_by(col(ConsentEvent.id))).all()
        session.expunge_all()
        return [event for event in every if not event.granted]


def test_looking_never_opts_out(pages: Pages) -> None:
    for purpose in ("opt_out", "one_click", "page"):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            pages.browser.request(method, pages.path(purpose), params=ONE_CLICK | {"scope": "all"}, follow_redirects=True)
    assert not refused(pages)
    assert not pages.contacts(Kind.OPTED_OUT)


def test_one_press_stops_this_channel_for_this_purpose(pages: Pages) -> None:
    assert "No more e-mails about “offers”" in pages.browser.get(pages.path("opt_out")).text
    answer = pages.browser.post(pages.path("opt_out"), data={"scope": "channel"})
    assert (answer.status_code, "You will receive no more e-mails" in answer.text) == (200, True)
    assert (refused(pages), refused(pages, "service")) == (["email"], [])


def test_without_a_choice_only_this_channel_is_stopped(pages: Pages) -> None:
    pages.browser.post(pages.path("opt_out"))
    assert refused(pages) == ["email"]


def test_one_press_stops_every_message_for_this_purpose(pages: Pages) -> None:
    answer = pages.browser.post(pages.path("opt_out"), data={"scope": "all"})
    assert "You will receive no more messages about “offers”" in answer.text
    assert (refused(pages), refused(pages, "service")) == (list(CHANNELS), [])


def test_a_mail_programs_one_click_opts_out_at_once(pages: Pages) -> None:
    answer = pages.browser.post(pages.path("one_click"), data=ONE_CLICK)
    assert answer.status_code == 200
    assert refused(pages) == ["email"]
    assert refusals(pages)[0].source == Source.ONE_CLICK.value


def test_a_one_click_may_come_as_multipart(pages: Pages) -> None:
    pages.browser.post(pages.path("one_click"), files={name: (None, value) for name, value in ONE_CLICK.items()})
    assert refused(pages) == ["email"]


def test_any_other_post_to_the_one_click_link_is_led_to_the_question(pages: Pages) -> None:
    bodies: list[dict[str, str]] = [{}, {"List-Unsubscribe": "Two-Clicks"}, {"scope": "all"}]
    for body in bodies:
        answer = pages.browser.post(pages.path("one_click"), data=body)
        assert (answer.status_code, answer.headers["location"]) == (303, pages.path("opt_out"))
    assert not refused(pages)


def test_an_opt_out_is_logged_with_its_evidence_and_wakes_whoever_waits(pages: Pages) -> None:
    pages.browser.post(pages.path("opt_out"))
    contact, event = pages.contacts(Kind.OPTED_OUT)[0], refusals(pages)[0]
    assert (contact.campaign, contact.node, contact.message_id) == ("winback", "mail", pages.people.message_id)
    assert (event.source, event.at, event.evidence["message_id"]) == (Source.PAGE.value, NOON, pages.people.message_id)
    assert pages.member().due_at == NOON
    assert [heard.kind for heard in pages.heard] == [Kind.OPTED_OUT]


def test_pressing_many_times_at_once_is_one_opt_out(pages: Pages) -> None:
    path = pages.path("opt_out")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: pages.browser.post(path), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert (len(pages.contacts(Kind.OPTED_OUT)), len(refusals(pages)), len(pages.heard)) == (1, 1, 1)


def test_whoever_came_back_can_opt_out_again_with_the_same_link(pages: Pages) -> None:
    pages.browser.post(pages.path("opt_out"))
    pages.clock.put(NOON.replace(hour=13))
    allow(pages, Source.PAGE)
    assert not refused(pages)
    pages.clock.put(NOON.replace(hour=14))
    pages.browser.post(pages.path("opt_out"))
    assert refused(pages) == ["email"]
    assert len(pages.contacts(Kind.OPTED_OUT)) == 2


def test_an_opt_out_link_never_expires(pages: Pages) -> None:
    path = pages.path("opt_out")
    pages.clock.put(NOON.replace(year=2036))
    pages.browser.post(path)
    assert refused(pages) == ["email"]


def test_the_question_shows_nothing_of_the_customer(pages: Pages) -> None:
    assert "Anna" not in pages.browser.get(pages.path("opt_out")).text
    assert "Anna" not in pages.browser.post(pages.path("opt_out")).text


def test_a_campaign_without_a_purpose_is_stopped_for_every_purpose(pages: Pages) -> None:
    pages.forget_purpose()
    assert "No more e-mails<" in pages.browser.get(pages.path("opt_out")).text
    answer = pages.browser.post(pages.path("opt_out"))
    assert "You will receive no more e-mails. " in answer.text
    assert (refused(pages), refused(pages, "service")) == (["email"], ["email"])
