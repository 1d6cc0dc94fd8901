"""The page behind a personal link: what it shows, and what becomes of an answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine
from sqlmodel import select

from customers.contact_log import Kind
from engine.reasons import Reason
from engine.tables import Member
from store.session import writing
from tests.landing.landing_pages import CHOICE, NOON, PRESENT, Pages


def test_the_page_greets_the_recipient_and_shows_the_campaigns_form(pages: Pages) -> None:
    answer = pages.browser.get(pages.path())
    assert answer.status_code == 200
    assert "Hello Anna," in answer.text
    assert "What would you like, Anna?" in answer.text
    assert 'value="cooking"' in answer.text
    assert pages.path("opt_out") in answer.text


def test_a_visit_is_logged_with_everything_that_a_report_needs(pages: Pages) -> None:
    pages.browser.get(pages.path())
    visit = pages.contacts(Kind.VISITED)[0]
    assert (visit.customer_id, visit.member_id, visit.message_id) == pages.people
    assert (visit.campaign, visit.version, visit.node, visit.arm) == ("winback", "0123456789ab", "mail", "personal")
    assert (visit.direction, visit.channel, visit.at, visit.human) == ("in", "web", NOON, True)


def test_a_visit_counts_once_a_day(pages: Pages) -> None:
    for hours in (0, 1, 10, 11.5):  # 12:00 UTC is 13:00 in Amsterdam: 11.5 hours later is the next day there
        pages.clock.put(NOON + timedelta(hours=hours))
        pages.browser.get(pages.path())
    assert len(pages.contacts(Kind.VISITED)) == 2


def test_a_machines_visit_wakes_nobody_and_hides_no_persons_visit(pages: Pages) -> None:
    due = pages.member().due_at
    for headers in ({"user-agent": ""}, {"user-agent": "Googlebot/2.1"}, {"sec-purpose": "prefetch;prerender"}, {"x-moz": "prefetch"}):
        assert pages.browser.get(pages.path(), headers=headers).status_code == 200
    assert pages.member().due_at == due
    assert not pages.heard
    pages.browser.get(pages.path())
    assert [visit.human for visit in pages.contacts(Kind.VISITED)] == [False, True]


def test_asking_for_the_head_only_is_a_machines_visit(pages: Pages) -> None:
    answer = pages.browser.head(pages.path())
    assert (answer.status_code, answer.text) == (200, "")
    assert [visit.human for visit in pages.contacts(Kind.VISITED)] == [False]


def test_a_visit_wakes_whoever_waits_for_it(pages: Pages) -> None:
    pages.browser.get(pages.path())
    assert pages.member().due_at == NOON
    assert [heard.kind for heard in pages.heard] == [Kind.VISITED]


def test_an_answer_is_stored_as_it_was_asked_and_wakes_whoever_waits(pages: Pages) -> None:
    answer = pages.browser.post(pages.path(), data={"interest": "cooking", "score": "4", "remark": " Nice\r\nshop \x00", "news": "yes"})
    assert answer.status_code == 303
    stored = pages.contacts(Kind.ANSWERED)[0]
    assert stored.detail["answers"] == {"interest": "cooking", "score": 4, "remark": "Nice\nshop", "news": True}
    assert stored.detail["questions"]["interest"] == "What would you like, Anna?"
    assert (stored.campaign, stored.node, stored.arm, stored.member_id) == ("winback", "mail", "personal", pages.people.member_id)
    assert pages.member().due_at == NOON
    assert [(heard.kind, heard.customer_id) for heard in pages.heard] == [(Kind.ANSWERED, pages.people.customer_id)]


def test_the_answer_is_thanked_with_the_voucher_only_after_it_came(pages: Pages) -> None:
    early = pages.browser.get(f"{pages.path()}/thanks")
    assert (early.status_code, PRESENT in early.text) == (303, False)
    assert PRESENT not in pages.browser.get(pages.path()).text
    thanks = pages.browser.post(pages.path(), data=CHOICE, follow_redirects=True)
    assert (thanks.status_code, PRESENT in thanks.text) == (200, True)
    assert "We have received your answer" in pages.browser.get(pages.path()).text


def test_a_form_that_is_sent_twice_at_once_is_one_answer(pages: Pages) -> None:
    path = pages.path()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: pages.browser.post(path, data=CHOICE), range(16)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(pages.contacts(Kind.ANSWERED)) == 1
    assert len(pages.heard) == 1


def test_a_mind_that_changes_is_another_answer_and_the_last_one_counts(pages: Pages) -> None:
    for interest in ("cooking", "fresh", "fresh", "cooking"):
        pages.browser.post(pages.path(), data={"interest": interest})
    stored = [contact.detail["answers"]["interest"] for contact in pages.contacts(Kind.ANSWERED)]
    assert stored == ["cooking", "fresh", "cooking"]


WRONG: list[tuple[dict[str, str], str]] = [
    ({}, "Please answer this."),
    ({"interest": "nothing"}, "Please choose one of these."),
    (CHOICE | {"score": "6"}, "Please choose a number"),
    (CHOICE | {"score": "²"}, "Please choose a number"),
    (CHOICE | {"mail": "anna@"}, "This is not an e-mail address."),
    (CHOICE | {"call": "0612"}, "This is not a phone number."),
    (CHOICE | {"remark": "x" * 2_001}, "This is too long."),
    (CHOICE | {"town": "x" * 201}, "This is too long."),
]


def test_what_is_not_right_is_said_beside_the_field_and_nothing_is_stored(pages: Pages) -> None:
    for typed, complaint in WRONG:
        answer = pages.browser.post(pages.path(), data=typed)
        assert (answer.status_code, complaint in answer.text, 'aria-invalid="true"' in answer.text) == (422, True, True), complaint
    assert not pages.contacts(Kind.ANSWERED)
    assert not pages.heard


def test_what_was_typed_comes_back_escaped_when_something_is_not_right(pages: Pages) -> None:
    answer = pages.browser.post(pages.path(), data={"remark": "</textarea><script>alert(1)</script>", "town": '"><b>'})
    assert "<script>" not in answer.text
    assert "&lt;/textarea&gt;&lt;script&gt;" in answer.text
    assert "<b>" not in answer.text


def test_addresses_are_stored_in_their_normal_form(pages: Pages) -> None:
    pages.browser.post(pages.path(), data=CHOICE | {"mail": " Anna@EXAMPLE.com", "call": "06 1234 5678"})
    stored = pages.contacts(Kind.ANSWERED)[0].detail["answers"]
    assert (stored["mail"], stored["call"]) == ("Anna@example.com", "+31612345678")


def test_fields_that_the_form_does_not_have_are_not_stored(pages: Pages) -> None:
    pages.browser.post(pages.path(), data=CHOICE | {"admin": "yes"})
    assert "admin" not in pages.contacts(Kind.ANSWERED)[0].detail["answers"]


def test_a_form_may_come_as_multipart_too(pages: Pages) -> None:
    fields = {name: (None, value) for name, value in CHOICE.items()}
    assert pages.browser.post(pages.path(), files=fields).status_code == 303


BROKEN: list[tuple[bytes, str]] = [
    (b"x=" + b"y" * 70_000, "application/x-www-form-urlencoded"),
    (b"&".join(b"f%d=1" % number for number in range(200)), "application/x-www-form-urlencoded"),
    (b"garbage", "multipart/form-data; boundary=x"),
    (b"garbage", "multipart/form-data"),
]


def test_a_body_that_is_too_large_or_broken_is_refused_calmly(pages: Pages) -> None:
    for content, kind in BROKEN:
        answer = pages.browser.post(pages.path(), content=content, headers={"content-type": kind})
        assert (answer.status_code, "That was too much" in answer.text) == (413, True), kind
    assert not pages.contacts(Kind.ANSWERED)


def test_a_member_that_has_left_is_not_woken(pages: Pages, database: Engine) -> None:
    with writing(database) as session:
        member = session.exec(select(Member)).one()
        member.due_at, member.ended, member.ended_at = None, Reason.GOAL_REACHED.value, NOON
    pages.browser.post(pages.path(), data=CHOICE)
    assert pages.member().due_at is None
    assert len(pages.contacts(Kind.ANSWERED)) == 1
