"""What stands around a form: what is filled in already, what may have been meant, and who is taken for a program."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.contact_log import Kind
from customers.stated import Occasion, Statement, answers_of, state, stated_by
from customers.tables import Customer, CustomerId
from landing.mail_domains import meant_domain
from landing.results import FEWEST, FRESH, shares
from landing.seals import BAIT, KEPT, SHOWN, Seals
from store.session import reading, writing
from store.tokens import Signer
from tests.landing.landing_pages import CHOICE, KEY, NOON, PAGE, Pages
from tests.landing.survey_pages import Filler, with_survey


def test_a_field_is_filled_in_with_what_the_greeting_says_and_with_nothing_else(pages: Pages) -> None:
    filler = with_survey(pages)
    assert 'value="Anna"' in filler.send(score="5").text
    assert 'value="Annemarie"' in filler.send(name="Annemarie", mail="wrong").text
    assert 'value="Anna"' not in filler.send(name="", mail="wrong").text


def test_a_likely_mistake_in_an_address_is_asked_about_once(pages: Pages) -> None:
    path, typed = pages.path(), CHOICE | {"mail": "anna@gmial.com"}
    answer = pages.browser.post(path, data=typed)
    assert (answer.status_code, "Did you mean anna@gmail.com?" in answer.text) == (422, True)
    assert f'name="{KEPT}mail" value="anna@gmial.com"' in answer.text
    assert pages.browser.post(path, data=typed | {KEPT + "mail": "anna@hotmial.com"}).status_code == 422
    assert not pages.contacts(Kind.ANSWERED)
    doubted = pages.browser.post(path, data=typed | {KEPT + "mail": "anna@gmial.com", BAIT: "x"})
    assert f'name="{KEPT}mail" value="anna@gmial.com"' in doubted.text
    assert pages.browser.post(path, data=typed | {KEPT + "mail": "anna@gmial.com"}).status_code == 303
    assert pages.contacts(Kind.ANSWERED)[0].detail["answers"]["mail"] == "anna@gmial.com"


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("hotmial.nl", "hotmail.nl"),
        ("outlok.com", "outlook.com"),
        ("zigo.nl", "ziggo.nl"),
        ("T-Onlin.de", "t-online.de"),
        ("gmail.com", None),
        ("mail.com", None),
        ("ymail.com", None),
        ("example.com", None),
        ("groenhof.example", None),
        ("live.nl", None),
    ],
)
def test_domains_that_look_like_a_common_one_are_asked_about(domain: str, meant: str | None) -> None:
    assert meant_domain(domain) == meant


def test_a_form_that_only_a_program_fills_in_so_is_shown_again_and_not_stored(pages: Pages) -> None:
    seals, message_id = Seals(Signer([KEY])), pages.people.message_id
    now = pages.clock.now()
    other = seals.shown(message_id + 1, now - timedelta(minutes=1))
    early = seals.shown(message_id, now - timedelta(milliseconds=900))
    good = seals.shown(message_id, now - timedelta(milliseconds=1_100))
    for told in ({BAIT: "Buy"}, {SHOWN: early}, {SHOWN: other}, {SHOWN: "1.x"}, {SHOWN: ""}, {SHOWN: good.replace(".", ".A")}):
        answer = pages.browser.post(pages.path(), data=CHOICE | told)
        assert (answer.status_code, "press the button once more" in answer.text) == (422, True), told
        assert 'value="cooking" checked' in answer.text
    assert not pages.contacts(Kind.ANSWERED)
    assert pages.browser.post(pages.path(), data=CHOICE | {SHOWN: good, BAIT: ""}).status_code == 303


def test_a_person_who_was_taken_for_a_program_presses_once_more(pages: Pages) -> None:
    pages.browser.post(pages.path(), data=CHOICE | {BAIT: "filled in by a browser"})
    filler = Filler(pages)
    pages.clock.put(NOON + timedelta(seconds=5))
    assert filler.send(**CHOICE, **{BAIT: ""}).status_code == 200
    assert len(pages.contacts(Kind.ANSWERED)) == 1


@given(st.text(max_size=60))
def test_no_text_is_a_seal_of_ours(text: str) -> None:
    seals = Seals(Signer([KEY]))
    assert seals.shown_at(1, text) is None
    assert seals.sitting_of(1, text, NOON) is None


def test_a_seal_is_good_for_its_message_and_time_only() -> None:
    seals = Seals(Signer([KEY]))
    seal = seals.sitting(7, 3, NOON)
    assert seals.sitting_of(7, seal, NOON + timedelta(hours=1)) == 3
    assert seals.sitting_of(8, seal, NOON) is None
    assert seals.sitting_of(7, seal, NOON + timedelta(hours=2, seconds=1)) is None
    assert seals.shown_at(7, seals.shown(7, NOON)) == NOON


def test_what_was_said_before_does_not_replace_what_was_said_later(pages: Pages) -> None:
    her = CustomerId(pages.people.customer_id)
    for minutes, message_id, answer in ((0, 1, "red"), (2, 2, "blue"), (1, 3, "green")):
        with writing(pages.database) as session:
            at = NOON + timedelta(minutes=minutes)
            state(session, Occasion(her, at, "x", message_id), [Statement("colour", "Which?", answer)])
    with reading(pages.database) as session:
        assert [(each.answer, each.message_id) for each in stated_by(session, her)] == [("blue", 2)]
        assert answers_of(session, "x", ["colour", "other"]) == {"colour": {"blue": 1}}


def test_an_answer_that_was_cleared_is_taken_back(pages: Pages) -> None:
    her = CustomerId(pages.people.customer_id)
    pages.browser.post(pages.path(), data=CHOICE | {"remark": "Nice", "news": "yes"})
    pages.browser.post(pages.path(), data=CHOICE)
    with reading(pages.database) as session:
        assert {each.name: each.answer for each in stated_by(session, her)} == {"interest": "cooking", "news": "false"}


def test_results_are_shown_to_those_who_answered_when_enough_did(pages: Pages) -> None:
    text = PAGE.replace("    required: yes\n", "    required: yes\n    results: yes\n")
    (pages.settings.templates / "winback/page.yaml").write_text(text)
    say_so(pages, FEWEST - 2)
    thanks = pages.browser.post(pages.path(), data=CHOICE, follow_redirects=True)
    assert "What everybody answered" not in thanks.text
    say_so(pages, 1, first=100)
    pages.clock.put(NOON + FRESH)
    thanks = pages.browser.get(f"{pages.path()}/thanks")
    assert "What everybody answered" in thanks.text
    assert re.findall(r"<td>(\d+) %</td>", thanks.text) == ["95", "5"]
    assert f"{FEWEST} answers so far" in thanks.text


def say_so(pages: Pages, count: int, first: int = 10) -> None:
    """Let so many other customers like fruit."""
    with writing(pages.database) as session:
        people = [Customer(key=f"r{number}", created_at=NOON, changed_at=NOON) for number in range(first, first + count)]
        session.add_all(people)
        session.flush()
        for each in people:
            assert each.id
            state(session, Occasion(CustomerId(each.id), NOON, "winback", each.id + 1_000), [Statement("interest", "Q", "fresh")])


def test_too_few_answers_have_no_shares_and_options_that_are_gone_do_not_count() -> None:
    assert shares({"x": FEWEST - 1, "gone": 5}, ("x", "y")) is None
    found = shares({"x": FEWEST, "gone": 5}, ("x", "y"))
    assert found is not None
    assert [(each.answer, each.percent) for each in found] == [("x", 100), ("y", 0)]
