"""A recipient keeps the variant of the page that they saw first, and it is written down; segments are told their own."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlmodel import col, select

from customers.contact_log import Kind
from engine.campaigns import open_versions
from engine.explain import explain
from engine.running import Running
from engine.tables import Exposure, Member, OutboxMessage
from engine.workspace import Sender, Workspace
from store.session import reading, writing
from tests.landing.landing_pages import Pages
from tests.landing.survey_pages import Filler

PAGE = """
title: Welcome
greeting: "Hello {{ customer.first_name | default('there') }},"
blocks:
  - {event: Open day, starts: 2026-03-14 10:00}
form:
  score: {scale: How are we doing?, required: yes}
variants:
  long:
    share: LONG
    title: The long page
    form: {score: {scale: Score, required: yes}, why: {text: Why}}
    pages: {one: {ask: [score]}, two: {ask: [why]}}
  short: {share: SHORT, title: The short page, blocks: [{text: No event}], thanks: {voucher: SHORT-5}}
by_segment:
  families: {greeting: Hello to all of you}
"""
NAME = "winback/page.yaml"


def with_page(pages: Pages, short: int) -> None:
    """The page with this share (per cent) of the short variant, so that 1 or 99 tells which one the lot gives."""
    text = PAGE.replace("SHORT,", f"{short}%,").replace("LONG", f"{100 - short}%")
    (pages.settings.templates / NAME).write_text(text)


def exposures(pages: Pages) -> Sequence[Exposure]:
    with reading(pages.database) as session:
        rows = session.exec(select(Exposure).order_by(col(Exposure.member_id))).all()
        session.expunge_all()
        return rows


def test_a_person_keeps_the_variant_of_the_first_look_whatever_becomes_of_the_shares(pages: Pages) -> None:
    with_page(pages, short=99)
    assert "The short page" in pages.browser.get(pages.path()).text
    (row,) = exposures(pages)
    assert (row.member_id, row.node, row.arm, row.version) == (pages.people.member_id, NAME, "short", "0123456789ab")
    assert (row.customer_id, row.at) == (pages.people.customer_id, pages.clock.now())
    with_page(pages, short=1)
    assert "The short page" in pages.browser.get(pages.path()).text
    assert "The short page" in pages.browser.get(pages.path()).text
    assert len(exposures(pages)) == 1


def test_what_a_machine_sees_is_nobodys_variant(pages: Pages) -> None:
    with_page(pages, short=99)
    assert "The short page" in pages.browser.get(pages.path(), headers={"user-agent": "Googlebot/2.1"}).text
    pages.browser.head(pages.path())
    assert not exposures(pages)
    with_page(pages, short=1)
    assert "The long page" in pages.browser.get(pages.path()).text
    assert [row.arm for row in exposures(pages)] == ["long"]


def test_visit_form_and_answer_name_the_pages_variant_and_the_messages_arm_stays(pages: Pages) -> None:
    with_page(pages, short=1)
    filler = Filler(pages)
    filler.send(score="4")
    filler.send(why="Apples")
    assert pages.contacts(Kind.VISITED)[0].detail == {"page_variant": "long"}
    assert pages.contacts(Kind.FORM_STARTED)[0].detail == {"page_variant": "long"}
    (answered,) = pages.contacts(Kind.ANSWERED)
    assert answered.detail == {
        "answers": {"score": 4, "why": "Apples"},
        "questions": {"score": "Score", "why": "Why"},
        "page_variant": "long",
    }
    assert {row.arm for row in pages.contacts()} == {"personal"}


def test_an_answer_that_comes_twice_is_one_answer_and_the_thanks_are_the_variants(pages: Pages) -> None:
    with_page(pages, short=99)
    for _ in range(2):
        assert "SHORT-5" in pages.browser.post(pages.path(), data={"score": "3"}, follow_redirects=True).text
    assert len(pages.contacts(Kind.ANSWERED)) == 1


def test_whoever_answers_without_having_looked_is_assigned_then(pages: Pages) -> None:
    with_page(pages, short=99)
    pages.browser.post(pages.path(), data={"score": "3"})
    assert [row.arm for row in exposures(pages)] == ["short"]


def test_a_visit_before_there_were_variants_does_not_keep_anybody_from_being_assigned(pages: Pages) -> None:
    pages.browser.get(pages.path())
    with_page(pages, short=99)
    assert "The short page" in pages.browser.get(pages.path()).text
    assert [row.arm for row in exposures(pages)] == ["short"]
    assert len(pages.contacts(Kind.VISITED)) == 1


def test_whoever_comes_into_the_campaign_again_sees_the_variant_of_the_first_time(pages: Pages) -> None:
    with_page(pages, short=99)
    pages.browser.get(pages.path())
    again = come_again(pages)
    with_page(pages, short=1)
    assert "The short page" in pages.browser.get(pages.path(message_id=again)).text
    assert [row.arm for row in exposures(pages)] == ["short", "short"]


def test_whose_variant_is_taken_out_sees_the_control_and_stays_where_they_were_assigned(pages: Pages) -> None:
    with_page(pages, short=99)
    pages.browser.get(pages.path())
    file = pages.settings.templates / NAME
    file.write_text(file.read_text().replace("short:", "brief:"))
    assert "The short page" in pages.browser.get(pages.path()).text  # `brief` is the last, and so the control
    assert [row.arm for row in exposures(pages)] == ["short"]


def test_the_file_of_an_event_is_that_of_the_variant(pages: Pages) -> None:
    with_page(pages, short=99)
    assert pages.browser.get(f"{pages.path()}/event/0.ics").status_code == 404
    with_page(pages, short=1)
    assert "Open day" in pages.browser.get(f"{pages.path()}/event/0.ics").text
    assert not exposures(pages)


def test_a_segment_sees_what_is_told_to_it_as_it_was_settled_with_the_message(pages: Pages) -> None:
    with_page(pages, short=99)
    assert "Hello Anna," in pages.browser.get(pages.path()).text
    with writing(pages.database) as session:
        session.exec(select(OutboxMessage)).one().values = {"page_segment": "families"}
    shown = pages.browser.get(pages.path()).text
    assert "Hello to all of you" in shown
    assert "The short page" in shown


def test_explain_tells_the_variant_and_what_was_done_on_it(pages: Pages, tmp_path: Path) -> None:
    with_page(pages, short=99)
    pages.browser.get(pages.path())
    running = opened(tmp_path, pages)
    told = [finding.text for finding in explain(running, "c1", pages.clock.now()).findings]
    assert told.index("was assigned to the variant 'short' of the page") < told.index("the customer visited (web, page 'short')")


def opened(root: Path, pages: Pages) -> Running:
    """The campaign as the engine knows it."""
    sender, zone = Sender("Shop", "Main street 1"), pages.settings.zone
    workspace = Workspace(root, pages.database, zone, {}, {}, ("offers",), {}, pages.links, sender, {})
    (running,) = open_versions(workspace, "winback")
    return running


def come_again(pages: Pages) -> int:
    """The same customer in the same campaign once more, with a message."""
    now = pages.clock.now() + timedelta(days=30)
    with writing(pages.database) as session:
        first = session.exec(select(Member)).one()
        sent = session.exec(select(OutboxMessage)).one()
        member = Member(**{**first.model_dump(), "id": None, "entry": 2, "entered_at": now})
        session.add(member)
        session.flush()
        message = OutboxMessage(**{**sent.model_dump(), "id": None, "entry": 2, "member_id": member.id, "code": None})
        session.add(message)
        session.flush()
        assert message.id
        return message.id
