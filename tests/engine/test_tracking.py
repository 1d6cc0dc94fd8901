"""What is followed of a message: asked for by workspace, campaign or node, allowed by the recipient, and shown again as it was."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, select

from channels.email import EmailChannel, EmailSettings
from channels.fake import FakeChannel
from customers.consent import ConsentChange, Source, record_consent
from customers.tables import CustomerId, table_of
from engine.graph import version_of
from engine.language.check import check_text
from engine.language.context import CheckContext
from engine.preview import preview
from engine.running import Running
from engine.sent import sent_message
from engine.tables import OutboxMessage
from engine.tracking import Tracking
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench, MakeBench

HTML = '<html><body><p>Dear {{ customer.first_name }}, look</p><a href="https://shop.example/x">x</a> {{ links.page }}</body></html>'
NODES = "  in: {{audience: everyone}}\n  mail: {{send: email, subject: Hi, template: words.html{more}}}\n  won: {{goal: buys}}\n"


@pytest.fixture
def mail(make_bench: MakeBench, tmp_path: Path) -> Bench:
    """A workspace whose e-mails are composed as in earnest, and go to a file."""
    transport = FakeChannel("email", ("email",), record=tmp_path / "record.jsonl")
    bench = make_bench(EmailChannel(EmailSettings(host="x", port=1, sender_address="us@shop.example"), transport))
    (bench.workspace.templates / "words.html").write_text(HTML)
    return bench


def tracking(bench: Bench, **asked: object) -> None:
    bench.workspace = replace(bench.workspace, tracking=Tracking(utm_source="shop", **asked))  # type: ignore[arg-type]  # as a test names it


def start(bench: Bench, header: str = "", more: str = "") -> Sequence[Running]:
    return bench.start(NODES.format(more=more), header)


def htmls(bench: Bench) -> list[str]:
    """The HTML of every message that was sent, by customer."""
    outbox = table_of(OutboxMessage)
    with reading(bench.workspace.database) as session:
        ids = session.execute(select(outbox.c.id).where(outbox.c.state == "sent").order_by(outbox.c.customer_id)).scalars().all()
    return [sent_message(bench.workspace, each).content.parts["html"] for each in ids]


def seen(html: str) -> tuple[bool, bool, bool]:
    """Whether clicks and opens are followed, and links marked."""
    return "/l/" in html, "/e/" in html, "utm_source" in html


OFF, CLICKS, OPENS, BOTH = (False, False, False), (True, False, False), (False, True, False), (True, True, False)
ASKED = [
    # workspace, campaign, node: what comes of it
    ({}, "", "", OFF),
    ({"clicks": True, "opens": True}, "", "", BOTH),
    ({}, "track: {clicks: yes}", "", CLICKS),
    ({}, "track: {clicks: yes, opens: yes}", "", BOTH),
    ({"clicks": True, "opens": True}, "track: {clicks: no}", "", OPENS),
    ({"clicks": True, "opens": True}, "track: {clicks: no, opens: no}", "", OFF),
    ({}, "", ", track_opens: yes", OPENS),
    ({"opens": True}, "track: {opens: yes}", ", track_opens: no", OFF),
    ({"utm": True}, "", "", (False, False, True)),
    ({"utm": True}, "track: {utm: no}", "", OFF),
]


@pytest.mark.parametrize(("workspace", "campaign", "node", "expected"), ASKED)
def test_the_nodes_word_goes_before_the_campaigns_and_that_before_the_workspaces(
    mail: Bench, workspace: dict[str, bool], campaign: str, node: str, expected: tuple[bool, bool, bool]
) -> None:
    tracking(mail, **workspace)
    mail.people(1)
    assert mail.carry_out(start(mail, campaign, node)) == []
    assert [seen(html) for html in htmls(mail)] == [expected]


def test_only_who_allows_it_is_followed_and_a_batch_asks_once(mail: Bench) -> None:
    tracking(mail, clicks=True, opens=True, utm=True, purpose="profile")
    mail.people(4)
    with writing(mail.workspace.database) as session:
        changes = [("profile", "email", True), ("profile", "sms", True), ("profile", "email", False)]
        record_consent(
            session,
            [
                ConsentChange(CustomerId(number), purpose, channel, granted=granted, at=NOON, source=Source.PAGE)
                for number, (purpose, channel, granted) in enumerate(changes, 1)
            ],
        )
    asked: list[str] = []
    event.listen(mail.workspace.database, "before_cursor_execute", lambda *args: asked.append(str(args[3])))
    assert mail.carry_out(start(mail)) == []
    assert [seen(html) for html in htmls(mail)] == [
        (True, True, False),
        *[(False, False, True)] * 3,
    ]  # of a followed link, the target is marked
    assert sum("profile" in parameters for parameters in asked) == 1


def test_each_message_has_its_own_token_and_is_shown_again_as_it_was_sent(mail: Bench) -> None:
    tracking(mail, clicks=True, opens=True)
    mail.people(3)
    versions = start(mail)
    assert mail.carry_out(versions) == []
    links = mail.workspace.links
    for number, html in enumerate(htmls(mail), 1):
        click = re.search(r'href="([^"]*)/1"', html)
        pixel = re.search(r'src="([^"]*)\.gif"', html)
        assert click
        assert pixel
        assert links.message_of("click", click[1].rpartition("/")[2], NOON) == number
        assert links.message_of("open", pixel[1].rpartition("/")[2], NOON) == number


def test_marks_name_the_campaign_and_the_node_with_its_variant(mail: Bench) -> None:
    tracking(mail, utm=True)
    mail.people(1)
    variants = ", variants: {one: {share: 50%, template: words.html}, two: {share: 50%, template: words.html}}"
    flow = NODES.format(more=variants).replace(", template: words.html, variants", ", variants")
    assert mail.carry_out(mail.start(flow)) == []
    (html,) = htmls(mail)
    expected = r"x\?utm_source=shop&amp;utm_medium=email&amp;utm_campaign=test&amp;utm_content=mail-(one|two)\""
    assert re.search(expected, html), html


def test_a_preview_leads_straight_to_where_its_links_lead(mail: Bench) -> None:
    tracking(mail, clicks=True, opens=True, utm=True)
    mail.people(1)
    shown = preview(start(mail)[0], "mail", "c1", NOON)
    assert seen(shown.content.parts["html"]) == (False, False, True)


def test_a_spare_template_is_followed_like_the_others(mail: Bench) -> None:
    (mail.workspace.templates / "spare.html").write_text('<p>Good day to you all</p><a href="https://shop.example/y">y</a>')
    (mail.workspace.templates / "words.html").write_text(HTML.replace("first_name", "last_name"))
    tracking(mail, clicks=True)
    mail.people(1)
    assert mail.carry_out(start(mail, more=", spare_template: spare.html")) == []
    assert [(seen(html), "Good day" in html) for html in htmls(mail)] == [(CLICKS, True)]


def faults(header: str, node: str = "", tracking: Tracking | None = None) -> list[str]:
    flow = (
        f"campaign: test\n{header}\nflow:\n  in: {{audience: everyone}}\n  mail: {{send: email, subject: Hi, template: w.html{node}}}\n"
        "  answer: {wait_for: open of mail, at_most: 2 days, timeout: end}\n  won: {goal: buys}\n"
    )
    context = CheckContext(Path(__file__).parent, tracking=tracking or Tracking())
    return [fault.message for fault in check_text(flow, Path("test.yaml"), context).faults if "track" in fault.message]


def test_a_condition_may_ask_for_opens_wherever_they_are_followed() -> None:
    told = ["the condition asks for an open, but 'mail' does not track opens."]
    assert faults("") == told
    assert faults("", ", track_opens: yes") == faults("track: {opens: yes}") == faults("", tracking=Tracking(opens=True)) == []
    assert faults("track: {opens: no}", tracking=Tracking(opens=True)) == faults("track: {opens: yes}", ", track_opens: no") == told


def test_a_flow_that_says_nothing_of_tracking_keeps_its_version(mail: Bench) -> None:
    versions = {more: version_of(start(mail, header, more)[0].graph.campaign) for header, more in SAID}
    assert len(set(versions.values())) == len(SAID)
    # As it was before `track` was known.
    assert (versions[""], versions[", track_opens: yes"]) == ("99ea050c8e0b", "d28f1399b8f1")


SAID = [("", ""), ("", ", track_opens: no"), ("", ", track_opens: yes"), ("track: {opens: no}", ", goal: x")]
