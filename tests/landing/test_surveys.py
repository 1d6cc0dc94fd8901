"""Forms over several pages: the way through them, going back, going on later, and nothing for whoever got the link forwarded."""

from datetime import datetime, timedelta
from urllib.parse import quote

import yaml
from hypothesis import given
from hypothesis import strategies as st

from customers.contact_log import Kind
from customers.stated import stated_by
from customers.tables import CustomerId
from landing.drafts import Draft, draft_of, forget_drafts
from landing.page import Page
from landing.seals import BAIT, KEPT, SHOWN, SITTING, STEP
from landing.surveys import END, walk
from landing.turns import LONGEST_KEPT, resume, send
from store.session import reading, writing
from tests.landing.landing_pages import NOON, Pages
from tests.landing.survey_pages import SURVEY, Filler, with_survey


def answers_of(pages: Pages) -> list[object]:
    return [contact.detail["answers"] for contact in pages.contacts(Kind.ANSWERED)]


def forgotten(pages: Pages, now: datetime) -> int:
    with writing(pages.database) as session:
        return forget_drafts(session, now)


def test_the_answers_decide_which_page_comes_next(pages: Pages) -> None:
    filler = with_survey(pages)
    assert "Part 1 of 3" in filler.shown.text
    assert "We are sorry" in filler.send(score="1").text
    assert "What else, Anna?" in filler.shown.text
    assert "Your name" in filler.send(reason="cold", remark="Brr").text
    assert "Send it all" in filler.shown.text
    assert "Thank you" in filler.send(name="Anna", mail="").text
    assert answers_of(pages) == [{"score": 1, "reason": "cold", "remark": "Brr", "name": "Anna"}]


def test_nothing_is_an_answer_before_the_last_page_is_sent(pages: Pages) -> None:
    filler = with_survey(pages)
    filler.send(score="5")
    assert not pages.contacts(Kind.ANSWERED)
    assert [contact.key for contact in pages.contacts(Kind.FORM_STARTED)] == [f"form_started:{pages.people.message_id}"]
    assert Kind.ANSWERED not in [heard.kind for heard in pages.heard]
    filler.send()
    assert [heard.kind for heard in pages.heard][-1] is Kind.ANSWERED


def test_whoever_goes_back_sees_what_was_answered_and_may_change_the_way(pages: Pages) -> None:
    filler = with_survey(pages)
    filler.send(score="2")
    filler.send(reason="late", remark="An hour!")
    assert "An hour!" in filler.go_back().text
    assert 'value="2" checked' in filler.go_back().text
    assert "Your name" in filler.send(score="5").text
    filler.send(name="Anna")
    assert answers_of(pages) == [{"score": 5, "name": "Anna"}]


def test_the_link_goes_on_on_another_device_where_the_answers_stop(pages: Pages) -> None:
    with_survey(pages).send(score="2")
    pages.clock.put(NOON + timedelta(days=3))
    filler = Filler(pages)
    assert "You began earlier" in filler.shown.text
    filler.send(reason="late")
    filler.send()
    assert answers_of(pages) == [{"score": 2, "reason": "late"}]


def test_a_forwarded_link_shows_no_answer_that_was_given_before(pages: Pages) -> None:
    first = with_survey(pages)
    first.send(score="2")
    first.send(reason="late", remark="A secret")
    other = Filler(pages)
    assert "button quiet" not in other.shown.text
    other.send(mail="not one")
    assert "A secret" not in other.shown.text
    assert "button quiet" not in other.shown.text
    assert "A secret" in first.go_back().text


def test_another_sitting_does_not_open_the_pages_of_an_earlier_one(pages: Pages) -> None:
    with_survey(pages).send(score="2")
    other = Filler(pages)
    other.send(reason="late")
    shown = pages.browser.get(str(other.shown.url).replace("/close/", "/start/"))
    assert (shown.status_code, "How are we doing?" in shown.text, "checked" in shown.text) == (200, True, False)


def test_what_was_filled_in_and_left_alone_is_forgotten_after_a_month_and_its_sitting_does_not_come_back(pages: Pages) -> None:
    left_alone = with_survey(pages)
    left_alone.send(score="2")
    month = timedelta(days=30)
    assert [forgotten(pages, NOON + month + late) for late in (timedelta(0), timedelta(microseconds=1))] == [0, 1]
    assert forgotten(pages, NOON + 2 * month) == 0, "once is enough"
    assert "Part 1 of" in pages.browser.get(pages.path()).text
    with reading(pages.database) as session:
        draft = draft_of(session, pages.people.message_id)
    assert (dict(draft.given), draft.sittings) == ({}, 1)
    assert len(pages.contacts(Kind.FORM_STARTED)) == 1, "that it was begun stays to be counted"


def test_a_form_that_is_begun_anew_forgets_what_was_there(pages: Pages) -> None:
    filler = with_survey(pages)
    filler.send(score="2")
    filler.send(reason="late")
    filler.send()
    Filler(pages).send(score="1")
    assert "Part 2 of 3" in Filler(pages).shown.text


def test_a_sitting_ends_after_an_hour_or_two(pages: Pages) -> None:
    filler, link = with_survey(pages), pages.path()
    filler.send(score="2")
    address = str(filler.shown.url)
    assert "We are sorry" in pages.browser.get(address).text
    pages.clock.put(NOON + timedelta(hours=3))
    answer = pages.browser.get(address)
    assert (answer.status_code, answer.headers["location"]) == (303, link)


def test_whoever_wants_to_begins_again(pages: Pages) -> None:
    with_survey(pages).send(score="2")
    pages.browser.post(f"{pages.path()}/again")
    filler = Filler(pages)
    assert "Part 1 of 3" in filler.shown.text
    assert "You began earlier" not in filler.shown.text


def test_a_last_page_that_is_sent_twice_is_one_answer(pages: Pages) -> None:
    filler = with_survey(pages)
    filler.send(score="5")
    before = filler.shown
    for _ in range(2):
        filler.shown = before
        assert "Thank you" in filler.send(name="Anna").text
    assert len(pages.contacts(Kind.ANSWERED)) == 1
    assert "Part 1 of 3" in Filler(pages).shown.text


def test_what_is_not_right_is_said_on_its_page_and_the_sitting_goes_on(pages: Pages) -> None:
    filler = with_survey(pages)
    filler.send(score="2")
    assert "Please answer this." in filler.send(remark="But why").text
    assert filler.shown.status_code == 422
    assert "But why" in filler.shown.text
    assert 'value="2" checked' in filler.go_back().text


def test_a_page_that_the_answers_do_not_lead_to_is_not_taken_for_one(pages: Pages) -> None:
    with_survey(pages)
    answer = pages.browser.post(pages.path(), data={STEP: "close", "name": "Anna"})
    assert (answer.status_code, "/start/" in answer.headers["location"]) == (303, True)
    assert not pages.contacts(Kind.ANSWERED)


def test_what_was_said_last_stands_with_the_question_as_it_was_shown(pages: Pages) -> None:
    filler = with_survey(pages)
    filler.send(score="1")
    filler.send(reason="cold", remark="Brr")
    filler.send()
    again = Filler(pages)
    again.send(score="2")
    again.send(reason="late")
    again.send()
    with reading(pages.database) as session:
        said = stated_by(session, CustomerId(pages.people.customer_id))
    assert [(each.name, each.answer) for each in said] == [("reason", "late"), ("score", "2")]
    assert {each.question for each in said} == {"What went wrong?", "How are we doing?"}


NAMES = ("a", "b", "c", "d")
CHOICES = st.sampled_from(["x", "y", "", "?", "\x00"])


@st.composite
def surveys(draw: st.DrawFn) -> Page:
    """A form of which each question has a page, and each page ways to any later ones."""
    pages: dict[str, object] = {}
    for number, name in enumerate(NAMES):
        ahead = st.sampled_from([*(f"page_{each}" for each in NAMES[number + 1 :]), END])
        turns = [{"when": {name: answer}, "then": draw(ahead)} for answer in draw(st.sets(st.sampled_from("xy")))]
        pages[f"page_{name}"] = {"ask": (name,), "next": tuple(turns)} if turns else {"ask": (name,), "next": draw(ahead)}
    required = st.sampled_from(["yes", "no"])
    form = {name: {"choice": "Q", "options": {"x": "X", "y": "Y"}, "required": draw(required)} for name in NAMES}
    return Page.model_validate({"title": "T", "form": form, "pages": pages})


@given(surveys(), st.lists(CHOICES, min_size=12, max_size=12))
def test_every_way_through_a_form_ends_and_only_what_was_asked_on_it_is_answered(page: Page, typed: list[str]) -> None:
    survey, draft, asked = page.survey, Draft(), list[str]()
    for answer in typed:
        spot = resume(survey, draft, None)
        assert 1 <= spot.part <= spot.parts <= len(NAMES)
        name = spot.step.removeprefix("page_")
        sent = send(survey, draft, {STEP: spot.step, name: answer}, None, 1)
        if not sent.is_right:
            continue
        asked.append(name)
        draft = Draft({**draft.given, spot.step: sent.filled.typed}, {**draft.sitting, spot.step: 1}, 1)
        if sent.target == END:
            assert sent.values.keys() <= set(asked)
            assert len(asked) == len(set(asked)) == len(walk(survey, draft.given, None).steps)
            return
        assert sent.target not in draft.given
    assert len(asked) < len(NAMES)


HOSTILE = ["", "1", "2", "late", "close", "sorry", END, "\x00", "' OR 1=1 --", "x" * 50_000, "{{ 7*7 }}", "\ud7ff", "<script>"]
texts = st.text(max_size=30) | st.sampled_from(HOSTILE)
names = st.sampled_from([STEP, SITTING, SHOWN, BAIT, KEPT + "mail", "score", "reason", "remark", "name", "mail"])


@given(st.lists(st.dictionaries(names, texts), max_size=5))
def test_whatever_is_typed_leads_to_a_page_of_the_form_and_is_kept_in_bounds(bodies: list[dict[str, str]]) -> None:
    survey, draft = Page.model_validate(yaml.safe_load(SURVEY)).survey, Draft()
    for body in bodies:
        sent = send(survey, draft, body, None, None)
        assert sent.filled.step in survey.pages
        assert sent.target in [*survey.pages, END]
        assert sent.is_right or sent.spot.step == sent.filled.step
        assert all(len(text) <= LONGEST_KEPT for text in sent.filled.typed.values())
        if sent.is_right:
            draft = Draft({**draft.given, sent.filled.step: sent.filled.typed}, {**draft.sitting, sent.filled.step: 1}, 1)


def test_a_hostile_body_is_answered_calmly(pages: Pages) -> None:
    with_survey(pages)
    for text in HOSTILE:
        body = dict.fromkeys((STEP, SITTING, "score", "remark", "mail"), text)
        assert pages.browser.post(pages.path(), data=body).status_code in (303, 413, 422), text[:20]
        assert pages.browser.get(pages.path() + "/start/" + quote(text[:50], safe="")).status_code in (303, 404), text[:20]
    assert not pages.contacts(Kind.ANSWERED)
