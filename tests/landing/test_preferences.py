"""The preference centre: what stands is shown, only what a person changed is written down, and looking changes nothing."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html import escape

import numpy as np
import pytest
from sqlalchemy import Engine, text
from sqlmodel import col, select

from customers.attributes import declare_attributes
from customers.choices import ChoiceKind, choices_of
from customers.conditions.vocabulary import AttributeKind
from customers.consent import ConsentChange, Source, consent_of, record_consent
from customers.contact_log import Kind
from customers.preferred import PartOfDay
from customers.tables import Choice, ConsentEvent, CustomerId
from landing.offered import Offered, Text
from landing.preference_words import SAID
from landing.settings import LandingSettings
from landing.words import LANGUAGES
from store.clock import to_micros
from store.session import reading, writing
from tests.landing.landing_pages import NOON, Pages

TICK = "yes"
OFFERS_BY_MAIL, OFFERS_BY_TEXT, SERVICE_BY_MAIL = "allow:offers:email", "allow:offers:sms", "allow:service:email"


@pytest.fixture
def settings(settings: LandingSettings, database: Engine) -> LandingSettings:
    """With two topics, whose attributes are declared."""
    with writing(database) as session:
        declare_attributes(session, {"topic_fresh": AttributeKind.BOOLEAN, "topic_wine": AttributeKind.BOOLEAN})
    topics: dict[str, Text] = {"fresh": {"en": "Fruit and vegetables", "nl": "Groente en fruit"}, "wine": "Wine"}
    return replace(settings, offered=Offered(("offers", "service"), {"offers": "Offers & news"}, topics))


@pytest.fixture(autouse=True)
def _allowed(pages: Pages) -> None:
    """Offers by mail were allowed in a file a year ago; there is a telephone number."""
    with writing(pages.database) as session:
        session.execute(text("UPDATE customer SET phone = '+31612345678'"))
        change = ConsentChange(mine(pages), "offers", "email", granted=True, at=NOON - timedelta(days=365), source=Source.IMPORT)
        record_consent(session, [change])


def mine(pages: Pages) -> CustomerId:
    return CustomerId(pages.people.customer_id)


def path(pages: Pages) -> str:
    return "/s/" + pages.links.link("preferences", pages.people.message_id, NOON + timedelta(days=30)).rpartition("/")[2]


def form(pages: Pages) -> dict[str, str]:
    """The form as a browser would send it back untouched."""
    shown = pages.browser.get(path(pages)).text
    boxes = dict.fromkeys(re.findall(r'type="checkbox" name="([^"]+)" value="yes" checked', shown), TICK)
    chosen = {name: re.findall(r'<option value="(\w*)"(?: selected)?>', options)[0] for name, options in selects(shown).items()}
    picked = {name: found[0] for name, options in selects(shown).items() if (found := re.findall(r'value="(\w*)" selected', options))}
    moment = re.findall(r'type="radio" name="moment" value="(\d)" checked', shown)
    was = re.findall(r'name="was" value="([^"]*)"', shown)[0]
    return {**boxes, **chosen, **picked, "moment": moment[0], "was": was}


def selects(shown: str) -> dict[str, str]:
    return dict(re.findall(r'<select id="[^"]*" name="([^"]*)">(.*?)</select>', shown, re.DOTALL))


def save(pages: Pages, typed: Mapping[str, str]) -> str:
    """Send a form; gives the page that follows."""
    answer = pages.browser.post(path(pages), data=dict(typed))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path(pages)}/saved")
    return pages.browser.get(answer.headers["location"]).text


def without(typed: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in typed.items() if key != name}


def granted(pages: Pages) -> list[str]:
    with reading(pages.database) as session:
        return [
            f"allow:{purpose}:{channel}"
            for purpose in ("offers", "service")
            for channel in ("email", "sms", "print")
            if consent_of(session, np.array([mine(pages)]), purpose, channel).granted[0]
        ]


def events(pages: Pages) -> list[tuple[str, str, bool, str]]:
    """The evidence, without the import's."""
    with reading(pages.database) as session:
        every = session.exec(select(ConsentEvent).order_by(col(ConsentEvent.id))).all()
        return [(each.purpose, each.channel, each.granted, each.source) for each in every][1:]


def choices(pages: Pages) -> dict[tuple[ChoiceKind, str], int]:
    with reading(pages.database) as session:
        return dict(choices_of(session, mine(pages)))


def rows(pages: Pages) -> int:
    with reading(pages.database) as session:
        return len(session.exec(select(Choice)).all())


def test_what_stands_is_shown_with_the_channels_that_reach_the_customer(pages: Pages) -> None:
    shown = pages.browser.get(path(pages)).text
    ticked = dict(re.findall(r'type="checkbox" name="([^"]+)" value="yes"( checked)?', shown))
    assert {name for name, mark in ticked.items() if mark} == {OFFERS_BY_MAIL}
    assert OFFERS_BY_TEXT in ticked
    assert "allow:offers:print" not in ticked, "no letter can reach somebody without an address"
    assert "Offers &amp; news" in shown
    for private in ("Anna", "612345678"):
        assert private not in shown


def test_looking_changes_nothing_nor_does_a_form_that_was_sent_back_untouched(pages: Pages) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        pages.browser.request(method, path(pages), params={"stop": "all"})
    save(pages, form(pages))
    save(pages, {})
    assert (granted(pages), events(pages), rows(pages), pages.contacts(), pages.heard) == ([OFFERS_BY_MAIL], [], 0, [], [])


def test_a_tick_taken_away_is_an_opt_out_in_person(pages: Pages) -> None:
    shown = save(pages, without(form(pages), OFFERS_BY_MAIL))
    assert "Saved." in shown
    assert (granted(pages), events(pages)) == ([], [("offers", "email", False, "page")])
    contact = pages.contacts(Kind.OPTED_OUT)[0]
    assert (contact.campaign, contact.node, contact.detail) == (
        "winback",
        "mail",
        {"purpose": "offers", "channel": "email", "source": "page"},
    )
    assert ([heard.kind for heard in pages.heard], pages.member().due_at) == ([Kind.OPTED_OUT], NOON)


def test_a_tick_added_grants_in_person_also_after_a_refusal(pages: Pages) -> None:
    save(pages, without(form(pages), OFFERS_BY_MAIL))
    pages.clock.put(NOON + timedelta(hours=1))
    save(pages, form(pages) | {OFFERS_BY_MAIL: TICK, SERVICE_BY_MAIL: TICK})
    assert granted(pages) == [OFFERS_BY_MAIL, SERVICE_BY_MAIL]
    assert len(pages.contacts(Kind.OPTED_IN)) == 2


def test_a_page_left_open_takes_back_nothing_that_was_decided_since(pages: Pages) -> None:
    stale = form(pages)
    pages.browser.post(pages.path("opt_out"))
    pages.clock.put(NOON + timedelta(days=2))
    save(pages, stale | {"topic:wine": TICK})
    assert granted(pages) == []
    assert choices(pages) == {(ChoiceKind.TOPIC, "wine"): 1}


def test_a_form_sent_twice_is_one_change(pages: Pages) -> None:
    typed = without(form(pages), OFFERS_BY_MAIL) | {"pause:service": "30", "rhythm:offers": "7", "topic:fresh": TICK}
    for hour in (0, 1):
        pages.clock.put(NOON + timedelta(hours=hour))
        save(pages, typed)
    assert (len(events(pages)), rows(pages), len(pages.contacts(Kind.OPTED_OUT))) == (1, 3, 1)


def test_topics_are_dated_choices_and_attributes_for_conditions(pages: Pages) -> None:
    save(pages, form(pages) | {"topic:fresh": TICK, "topic:wine": TICK})
    pages.clock.put(NOON + timedelta(hours=1))
    save(pages, without(form(pages), "topic:wine"))
    assert choices(pages) == {(ChoiceKind.TOPIC, "fresh"): 1, (ChoiceKind.TOPIC, "wine"): 0}
    assert rows(pages) == 3
    with reading(pages.database) as session:
        assert tuple(bool(each) for each in session.execute(text("SELECT topic_fresh, topic_wine FROM profile")).one()) == (True, False)


def test_a_pause_lasts_whole_days_is_shown_and_can_be_ended(pages: Pages) -> None:
    shown = save(pages, form(pages) | {"pause:offers": "30"})
    assert "Until 1 April 2026" in shown
    # In Amsterdam summer has begun by then.
    assert choices(pages) == {(ChoiceKind.PAUSE, "offers"): to_micros(NOON.replace(day=31, hour=22))}
    save(pages, form(pages))
    assert rows(pages) == 1
    assert "Until" not in save(pages, form(pages) | {"pause:offers": "end"})
    assert choices(pages) == {(ChoiceKind.PAUSE, "offers"): 0}


def test_how_often_is_kept_and_shown(pages: Pages) -> None:
    save(pages, form(pages) | {"rhythm:offers": "7"})
    assert (choices(pages), form(pages)["rhythm:offers"]) == ({(ChoiceKind.RHYTHM, "offers"): 7}, "7")


def test_the_preferred_part_of_the_day_is_kept_for_all_purposes_and_shown(pages: Pages) -> None:
    assert form(pages)["moment"] == "0"
    save(pages, form(pages) | {"moment": "3"})
    assert (choices(pages), form(pages)["moment"]) == ({(ChoiceKind.MOMENT, "*"): PartOfDay.EVENING}, "3")
    save(pages, form(pages))
    assert rows(pages) == 1
    pages.clock.put(NOON + timedelta(hours=1))
    save(pages, form(pages) | {"moment": "0"})
    assert choices(pages) == {(ChoiceKind.MOMENT, "*"): 0}
    assert (events(pages), pages.contacts()) == ([], []), "it is no consent"


def test_a_page_left_open_takes_back_no_rhythm_and_no_part_of_the_day(pages: Pages) -> None:
    stale = form(pages)
    save(pages, form(pages) | {"moment": "1", "rhythm:offers": "7"})
    pages.clock.put(NOON + timedelta(days=2))
    save(pages, stale | {"rhythm:service": "30"})
    assert choices(pages) == {(ChoiceKind.MOMENT, "*"): 1, (ChoiceKind.RHYTHM, "offers"): 7, (ChoiceKind.RHYTHM, "service"): 30}


def test_what_is_no_choice_of_ours_changes_nothing(pages: Pages) -> None:
    foreign = {"rhythm:offers": "8", "pause:offers": "9999999", "pause:x": "30", "topic:y": TICK, "allow:x:email": TICK, "allow:*:*": TICK}
    save(pages, form(pages) | foreign | {"moment": "4"})
    save(pages, form(pages) | foreign | {"moment": "٣", "rhythm:service": "٧", "was": form(pages)["was"] + " %ff%00 topic%3Ay"})
    assert (granted(pages), events(pages), rows(pages)) == ([OFFERS_BY_MAIL], [], 0)


def test_one_press_stops_everything_once_and_one_may_come_back(pages: Pages) -> None:
    for _ in range(2):
        save(pages, {"stop": "all"})
    assert (granted(pages), events(pages)) == ([], [("*", "*", False, "page")])
    assert len(pages.contacts(Kind.OPTED_OUT)) == 1
    pages.clock.put(NOON + timedelta(days=1))
    save(pages, form(pages) | {OFFERS_BY_TEXT: TICK})
    assert granted(pages) == [OFFERS_BY_TEXT]
    pages.clock.put(NOON + timedelta(days=2))
    save(pages, {"stop": "all"})
    assert granted(pages) == []


def test_another_links_token_does_not_open_the_centre_nor_does_an_old_one(pages: Pages) -> None:
    for purpose in ("page", "opt_out", "one_click"):
        token = pages.path(purpose).rpartition("/")[2]
        assert pages.browser.get(f"/s/{token}").status_code == 404
        assert pages.browser.post(f"/s/{token}", data={"stop": "all"}).status_code == 404
    old = path(pages)
    pages.clock.put(NOON + timedelta(days=31))
    assert pages.browser.post(old, data={"stop": "all"}).status_code == 404
    assert granted(pages) == [OFFERS_BY_MAIL]


def test_opting_out_offers_the_centre_instead_and_a_reason_afterwards(pages: Pages) -> None:
    asked = pages.browser.get(pages.path("opt_out")).text
    assert "No more e-mails about “Offers &amp; news”" in asked
    assert 'name="why"' not in asked, "nobody is asked why before it is done"
    done = pages.browser.post(pages.path("opt_out")).text
    for shown in (asked, done):
        link = re.findall(r'href="(/s/[^"]+)"', shown)[0]
        assert pages.browser.get(link).status_code == 200
    action = re.findall(r'action="(/o/[^"]+/why)"', done)[0]
    assert pages.browser.post(action, data={"why": "too_often"}).status_code == 200
    reason = pages.contacts(Kind.EVENT)[0]
    assert (reason.detail, reason.node, reason.channel) == ({"name": "opt_out_reason", "why": "too_often"}, "mail", "web")


def test_an_old_mail_still_stops_everything_and_tells_nothing_of_what_its_recipient_chooses_today(pages: Pages) -> None:
    pages.clock.put(NOON + timedelta(days=366))
    asked, done = (pages.browser.request(method, pages.path("opt_out")) for method in ("GET", "POST"))
    why = re.findall(r'action="(/o/[^"]+/why)"', done.text)[0]
    told = pages.browser.post(why, data={"why": "other"})
    for shown in (asked, done, told):
        assert (shown.status_code, "/s/" in shown.text) == (200, False)
    assert granted(pages) == []


def test_a_forwarded_mail_tells_of_its_recipient_what_they_chose_and_nothing_else(pages: Pages) -> None:
    save(pages, form(pages) | {"moment": "3", "topic:wine": TICK, "pause:offers": "30"})
    shown = pages.browser.get(path(pages)).text
    assert 'value="3" checked' in shown, "whoever has the link acts for its recipient, and so sees what stands"
    with writing(pages.database) as session:
        session.execute(text("UPDATE customer SET first_name = 'Xq', last_name = 'Zv', email = 'w@y.example', city = 'Jk'"))
    assert pages.browser.get(path(pages)).text == shown, "not a letter of it depends on who the recipient is"


def test_a_reason_is_one_of_ours_the_first_stays_and_it_opts_nobody_out(pages: Pages) -> None:
    action = f"{pages.path('opt_out')}/why"
    pages.browser.post(action, data={"why": "too_often"})
    assert (granted(pages), pages.contacts()) == ([OFFERS_BY_MAIL], [])
    pages.browser.post(pages.path("opt_out"))
    for why in ("<script>", "never_asked", "other"):
        assert pages.browser.post(action, data={"why": why}).status_code == 200
    assert [contact.detail["why"] for contact in pages.contacts(Kind.EVENT)] == ["never_asked"]
    assert len(pages.contacts(Kind.OPTED_OUT)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_centre_speaks_every_language_of_the_pages(pages: Pages, language: str) -> None:
    assert SAID[language].keys() == SAID["en"].keys()
    with writing(pages.database) as session:
        session.execute(text("UPDATE customer SET language = :language"), {"language": language})
    shown = save(pages, form(pages) | {"pause:offers": "90"})
    assert SAID[language]["title"] in shown
    assert SAID[language]["pause_until"].partition("{")[0] in shown
    assert all(escape(SAID[language][f"moment_{each.name.lower()}"]) in shown for each in PartOfDay)
