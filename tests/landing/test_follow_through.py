"""From a mail's link to the next node: what was sent is followed, the click counts, and its recipient goes on."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from channels.email import EmailChannel, EmailSettings
from channels.fake import FakeChannel
from customers.tables import table_of
from engine.explain import explain
from engine.sent import sent_message
from engine.tables import Member
from engine.tracking import Tracking
from landing.app import landing_app
from landing.settings import LandingSettings
from store.session import reading
from tests.conftest import NOON
from tests.engine.conftest import Bench, MakeBench, bench, make_bench
from tests.landing.landing_pages import BROWSER, served

__all__ = ["bench", "make_bench"]

KEY = b"0123456789abcdef"  # as the bench signs
LATER = NOON + timedelta(hours=3)
HTML = (
    '<html><body><p>Dear {{ customer.first_name }}, look</p><a href="https://shop.example/of/{{ customer.city }}?a=1&amp;b=2">x</a>'
    '<a href="https://other.example/">y</a></body></html>'
)
FLOW = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.html}
  seen: {wait_for: WHAT of mail, at_most: 5 days, then: won, timeout: end}
  won: {goal: looks}
"""


@pytest.fixture
def shop(make_bench: MakeBench, tmp_path: Path) -> Bench:
    transport = FakeChannel("email", ("email",), record=tmp_path / "record.jsonl")
    shop = make_bench(EmailChannel(EmailSettings(host="x", port=1, sender_address="us@shop.example"), transport))
    shop.workspace = replace(shop.workspace, tracking=Tracking(clicks=True, opens=True, utm=True, utm_source="shop"))
    (shop.workspace.templates / "words.html").write_text(HTML)
    shop.people(3)
    return shop


@pytest.fixture
def browser(shop: Bench) -> Iterator[httpx.Client]:
    settings = LandingSettings("http://127.0.0.1:1", shop.workspace.templates, (KEY,), shop.workspace.zone)
    app = landing_app(shop.workspace.database, settings, shop.clock, lambda _: None)
    with served(app) as address, httpx.Client(base_url=address, headers={"user-agent": BROWSER, "accept-language": "nl"}) as client:
        client.traces = app.state.traces  # type: ignore[attr-defined]  # the test's own way to wait
        yield client


def links(shop: Bench, message: int) -> list[str]:
    html = sent_message(shop.workspace, message).content.parts["html"]
    return [link.removeprefix("http://127.0.0.1:1") for link in re.findall(r'(?:href|src)="([^"]*)"', html)]


def standing(shop: Bench) -> list[str]:
    member = table_of(Member).c
    with reading(shop.workspace.database) as session:
        return [row.ended or row.node for row in session.execute(select(member.node, member.ended).order_by(member.customer_id))]


@pytest.mark.parametrize(("what", "followed"), [("click on", 0), ("open of", 2)])
def test_who_clicks_or_opens_goes_on_and_a_scanner_does_not(shop: Bench, browser: httpx.Client, what: str, followed: int) -> None:
    versions = shop.start(FLOW.replace("WHAT of", what), "track: {clicks: yes, opens: yes}")
    assert shop.carry_out(versions) == []
    assert standing(shop) == ["seen"] * 3
    shop.clock.put(LATER)
    browser.get(links(shop, 1)[followed])
    for link in links(shop, 2):
        browser.get(link, headers={"user-agent": "Mozilla/5.0"})
    browser.traces.settle()  # type: ignore[attr-defined]  # as above
    assert shop.carry_out(versions, LATER) == []
    assert standing(shop) == ["goal_reached", "seen", "seen"]
    told = [finding.text for finding in explain(versions[0], "c2", LATER).findings]
    assert any("by a machine" in text and "clicked" in text and "link 1 shop.example/of/…" in text for text in told)


def test_the_link_leads_where_the_plain_one_would_have(shop: Bench, browser: httpx.Client) -> None:
    shop.carry_out(shop.start(FLOW.replace("WHAT of", "click on")))
    assert browser.get(links(shop, 1)[0]).headers["location"] == (
        "https://shop.example/of/Delft?a=1&b=2&utm_source=shop&utm_medium=email&utm_campaign=test&utm_content=mail"
    )
