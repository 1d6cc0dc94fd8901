"""Anybody may ask to join, nobody learns who is known, and only a press on a button in a mail allows anything."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
from sqlalchemy import select
from sqlmodel import Session

from customers.consent import EVERYTHING, ConsentChange, Source, consent_of, record_consent
from customers.contact_log import Kind
from customers.tables import ConsentEvent, Customer, CustomerId, table_of
from engine.links import CONFIRM_LIFE, LinkPurpose
from engine.tables import Campaign, FlowVersion, Member, OutboxMessage, Request
from landing.join_page import JoinPage
from landing.page_check import check_page
from landing.seals import BAIT, SHOWN
from store.session import reading, writing
from tests.landing.landing_pages import BASE, NOON, Pages

FLOW = """
campaign: newsletter
title: Join
purpose: offers
flow:
  form:
    request: join
    page: newsletter/join.yaml
  confirm:
    send: email
    answers_request: yes
    template: newsletter/confirm.mjml
    next: end
"""
PAGE = """
title: {en: Our news, nl: Ons nieuws, de: Neues von uns}
form:
  email: {email: {en: Your address, nl: Je adres, de: Ihre Adresse}, required: yes}
  first_name: {text: {en: First name, nl: Voornaam, de: Vorname}}
consent: {en: I want the news & the offers of {{ sender.name }}., nl: Ik wil het nieuws., de: Ich möchte Neues.}
"""
ADDRESS = "/join/newsletter"


@pytest.fixture
def templates(templates: Path) -> Path:
    (templates / "newsletter").mkdir()
    (templates / "newsletter/join.yaml").write_text(PAGE.replace("I want the", '"I want the').replace("name }}.", 'name }}."'))
    return templates


@pytest.fixture
def door(pages: Pages) -> Pages:
    """The pages, where a campaign can be joined."""
    with writing(pages.database) as session:
        version = FlowVersion(campaign="newsletter", version="ba9876543210", stored_at=NOON, source=FLOW)
        session.add(version)
        session.flush()
        session.add(Campaign(name="newsletter", started_at=NOON, version_id=version.id))
    return pages


def filled_in(door: Pages, language: str = "en", **typed: str) -> httpx.Response:
    """Look at the form, and send it filled in."""
    headers = {"accept-language": language}
    page = door.browser.get(ADDRESS, headers=headers)
    assert page.status_code == 200
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return door.browser.post(ADDRESS, data=hidden | typed, headers=headers)


def asked(door: Pages) -> Sequence[Any]:
    with reading(door.database) as session:
        return session.execute(select(table_of(Request)).order_by(table_of(Request).c.id)).all()


def test_a_form_that_is_filled_in_is_a_request_with_what_was_agreed_to_as_it_was_shown(door: Pages) -> None:
    answer = filled_in(door, email="New@Example.com", first_name=" Ann ")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ADDRESS}/asked")
    [request] = asked(door)
    assert (request.kind, request.campaign, request.state, request.customer_id) == ("join", "newsletter", "open", None)
    said = {"language": "en", "form": "newsletter/join.yaml", "said": "I want the news & the offers of Groenhof."}
    assert request.given == {**said, "email": "new@example.com", "first_name": "Ann"}
    assert "example" not in request.key
    assert "Look into your mailbox" in door.browser.get(f"{ADDRESS}/asked").text


def test_what_is_shown_is_what_is_kept_in_each_language(door: Pages) -> None:
    for number, (language, said) in enumerate([("nl-NL,nl;q=0.9", "Ik wil het nieuws."), ("de", "Ich möchte Neues.")]):
        assert said in door.browser.get(ADDRESS, headers={"accept-language": language}).text
        filled_in(door, language, email=f"a{number}@example.com")
        given = asked(door)[-1].given
        assert (given["said"], given["language"]) == (said, language[:2])


def test_nobody_learns_whether_an_address_is_known(door: Pages) -> None:
    with writing(door.database) as session:
        customer = session.get(Customer, door.people.customer_id)
        assert customer
        customer.email = "anna@example.com"
        grant(session, door.people.customer_id)
    answers = [filled_in(door, email=address) for address in ("anna@example.com", "nobody@example.com")]
    assert [(each.status_code, each.headers["location"], each.text) for each in answers] == [(303, f"{ADDRESS}/asked", "")] * 2
    assert len(asked(door)) == 2


def test_ten_presses_on_a_day_are_one_request(door: Pages) -> None:
    for address in ("ann@example.com", "ANN@example.com"):
        for _ in range(3):
            filled_in(door, email=address)
    assert len(asked(door)) == 1
    door.clock.put(door.clock.now() + timedelta(days=1))
    filled_in(door, email="ann@example.com")
    assert len(asked(door)) == 2


@pytest.mark.parametrize("typed", [{}, {"email": "no address"}, {"email": "ann@example.com", "first_name": "x" * 201}])
def test_what_is_not_right_is_asked_again(door: Pages, typed: dict[str, str]) -> None:
    answer = filled_in(door, **typed)
    assert answer.status_code == 422
    assert "Something is not right yet" in answer.text
    assert asked(door) == []


def test_a_mistyped_provider_is_asked_about_once(door: Pages) -> None:
    answer = filled_in(door, email="ann@gmial.com")
    assert answer.status_code == 422
    assert "ann@gmail.com" in answer.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    assert door.browser.post(ADDRESS, data=hidden | {"email": "ann@gmial.com"}).status_code == 303
    assert [row.given["email"] for row in asked(door)] == ["ann@gmial.com"]


def test_a_form_that_nobody_was_shown_or_that_a_program_filled_in_is_doubted(door: Pages) -> None:
    typed = {"email": "ann@example.com"}
    seal = dict(re.findall(r'name="(_shown)" value="([^"]*)"', door.browser.get(ADDRESS).text))
    for sent in (typed, typed | {SHOWN: "1.AAAA"}, typed | seal | {BAIT: "me"}):
        answer = door.browser.post(ADDRESS, data=sent)
        assert answer.status_code == 422
        assert "press the button once more" in answer.text
    door.clock.put(door.clock.now() + timedelta(days=2))
    assert door.browser.post(ADDRESS, data=typed | seal).status_code == 422
    assert asked(door) == []


@pytest.mark.parametrize("campaign", ["winback", "nowhere", "%00", "newsletter%2F"])
def test_only_campaigns_that_can_be_joined_have_a_form(door: Pages, campaign: str) -> None:
    for answer in (door.browser.get(f"/join/{campaign}"), door.browser.post(f"/join/{campaign}", data={"email": "a@example.com"})):
        assert answer.status_code in (404, 405)
    assert asked(door) == []


def test_while_somebody_edits_the_page_the_last_whole_one_is_shown(door: Pages) -> None:
    file = door.settings.templates / "newsletter/join.yaml"
    assert door.browser.get(ADDRESS).status_code == 200
    file.write_text("title: [")
    assert "Our news" in door.browser.get(ADDRESS).text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("required: yes", "required: no"), "nobody can join without an address"),
        (("first_name: {text", "age: {text"), "'age' cannot be asked of strangers"),
        (("first_name: {text", "first_name: {long_text"), "'first_name' cannot be asked of strangers"),
        (("consent:", "greeting:"), "'consent' is missing"),
        (("form:", "by_segment: {families: {title: Hello}}\nform:"), "sees the same as everybody"),
        (("form:", "blocks: [{event: Party, starts: 2026-05-01 10:00}]\nform:"), "an event is for whoever has a message"),
    ],
)
def test_a_page_to_join_by_asks_for_little_and_says_what_is_agreed_to(templates: Path, change: tuple[str, str], told: str) -> None:
    file = templates / "newsletter/join.yaml"
    assert check_page(file, templates, model=JoinPage) == []
    file.write_text(file.read_text().replace(*change))
    assert told in " ".join(fault.message for fault in check_page(file, templates, model=JoinPage))


class Confirmed(NamedTuple):
    """The link of a mail that asks whether it was them, and who it went to."""

    path: str
    customer_id: int
    message_id: int


@pytest.fixture
def mail(door: Pages) -> Confirmed:
    """Somebody has asked to join, and has the mail."""
    with writing(door.database) as session:
        version = session.execute(select(FlowVersion).where(FlowVersion.campaign == "newsletter")).scalar_one()  # type: ignore[arg-type]  # a column
        campaign = session.execute(select(Campaign).where(Campaign.name == "newsletter")).scalar_one()  # type: ignore[arg-type]  # a column
        return sent_to(session, campaign, version)


def sent_to(session: Session, campaign: Campaign, version: FlowVersion) -> Confirmed:
    assert campaign.id
    assert version.id
    customer = Customer(key="join-1", email="ann@example.com", language="nl", created_at=NOON, changed_at=NOON)
    session.add(customer)
    session.flush()
    assert customer.id
    member = Member(
        campaign_id=campaign.id, version_id=version.id, customer_id=customer.id, entered_at=NOON, node="confirmed", arrived_at=NOON,
        due_at=NOON + timedelta(days=7), fresh=False,
    )  # fmt: skip
    session.add(member)
    session.flush()
    assert member.id
    message = OutboxMessage(
        member_id=member.id, version_id=version.id, customer_id=customer.id, node="confirm", entry=1, hop=1, channel="email", state="sent",
        queued_at=NOON, due_at=NOON, stale_at=NOON,
    )  # fmt: skip
    session.add(message)
    document = {"form": "newsletter/join.yaml", "said": "Ik wil het nieuws.", "language": "nl"}
    session.add(
        Request(
            key="j",
            kind="join",
            at=NOON,
            campaign="newsletter",
            customer_id=customer.id,
            state="done",
            member_id=member.id,
            document=document,
        )
    )
    session.flush()
    assert message.id
    return Confirmed("", customer.id, message.id)


def link(door: Pages, mail: Confirmed, purpose: LinkPurpose = "confirm") -> str:
    return door.links.link(purpose, mail.message_id, NOON + CONFIRM_LIFE).removeprefix(BASE)


def grant(
    session: Session, customer_id: int, *, granted: bool = True, at: datetime = NOON, purpose: str = "offers", channel: str = "email"
) -> None:
    change = ConsentChange(CustomerId(customer_id), purpose, channel, granted=granted, at=at, source=Source.PAGE)
    record_consent(session, [change])


def allows(door: Pages, mail: Confirmed) -> bool:
    with reading(door.database) as session:
        return bool(consent_of(session, np.array([mail.customer_id]), "offers", "email").granted[0])


def test_looking_at_the_link_confirms_nothing_and_one_press_does(door: Pages, mail: Confirmed) -> None:
    for _ in range(2):
        for look in (door.browser.get, door.browser.head):
            assert look(link(door, mail)).status_code == 200
    page = door.browser.get(link(door, mail)).text
    assert "Ja, meld me aan" in page
    assert "Ik wil het nieuws." in page
    assert not allows(door, mail)
    door.clock.put(door.clock.now() + timedelta(hours=1))
    answer = door.browser.post(link(door, mail), follow_redirects=True)
    assert "Je bent aangemeld" in answer.text
    assert allows(door, mail)
    with reading(door.database) as session:
        [event] = session.execute(select(table_of(ConsentEvent))).all()
    assert (event.source, event.at) == ("page", NOON + timedelta(hours=1))
    about = {"message_id": mail.message_id, "campaign": "newsletter", "node": "confirm", "page": "join"}
    assert event.evidence == {**about, "form": "newsletter/join.yaml", "said": "Ik wil het nieuws.", "asked_at": NOON.isoformat()}
    [logged] = door.contacts(Kind.OPTED_IN)
    assert (logged.customer_id, logged.message_id, logged.node) == (mail.customer_id, mail.message_id, "confirm")
    assert [(each.kind, each.customer_id) for each in door.heard] == [(Kind.OPTED_IN, mail.customer_id)]


def test_a_confirmation_wakes_whoever_waits_for_it(door: Pages, mail: Confirmed) -> None:
    door.browser.post(link(door, mail))
    with reading(door.database) as session:
        member = table_of(Member).c
        assert session.execute(select(member.due_at).where(member.customer_id == mail.customer_id)).scalar_one() == NOON


def test_two_presses_are_one_consent(door: Pages, mail: Confirmed) -> None:
    for _ in range(2):
        assert door.browser.post(link(door, mail)).status_code == 303
    with reading(door.database) as session:
        assert len(session.execute(select(table_of(ConsentEvent))).all()) == 1
    assert len(door.contacts(Kind.OPTED_IN)) == len(door.heard) == 1


@pytest.mark.parametrize(("purpose", "channel"), [("offers", "email"), (EVERYTHING, EVERYTHING)])
def test_who_said_stop_after_asking_is_not_signed_up_by_the_older_link(door: Pages, mail: Confirmed, purpose: str, channel: str) -> None:
    with writing(door.database) as session:
        grant(session, mail.customer_id, granted=False, at=NOON + timedelta(minutes=1), purpose=purpose, channel=channel)
    door.clock.put(door.clock.now() + timedelta(hours=1))
    answer = door.browser.post(link(door, mail), follow_redirects=True)
    assert "Je hebt ons gevraagd te stoppen" in answer.text
    assert f'href="{ADDRESS}"' in answer.text
    assert not allows(door, mail)
    assert door.heard == []


def test_who_said_stop_before_asking_is_signed_up(door: Pages, mail: Confirmed) -> None:
    with writing(door.database) as session:
        grant(session, mail.customer_id, granted=False, at=NOON - timedelta(days=1), purpose=EVERYTHING, channel=EVERYTHING)
    door.clock.put(door.clock.now() + timedelta(hours=1))
    door.browser.post(link(door, mail))
    assert allows(door, mail)


def test_the_link_is_of_no_use_after_a_week_nor_for_another_purpose_nor_of_a_message_that_nobody_asked_for(
    door: Pages, mail: Confirmed
) -> None:
    others = [link(door, mail, "page").replace("/p/", "/j/"), link(door, mail._replace(message_id=door.people.message_id)), "/j/nonsense"]
    for path in others:
        assert (door.browser.get(path).status_code, door.browser.post(path).status_code) == (404, 404)
    good = link(door, mail)
    door.clock.put(door.clock.now() + CONFIRM_LIFE + timedelta(hours=2))
    assert (door.browser.get(good).status_code, door.browser.post(good).status_code) == (404, 404)
    assert not allows(door, mail)


def test_the_thanks_lead_to_the_preference_centre(door: Pages, mail: Confirmed) -> None:
    thanks = door.browser.post(link(door, mail), follow_redirects=True).text
    [centre] = re.findall(r'href="(/s/[^"]+)"', thanks)
    assert door.browser.get(centre).status_code == 200
