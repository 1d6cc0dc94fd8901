"""A campaign through SendGrid and back: what its webhook posts lands in the log, once, whatever the order."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from channels.email import EmailChannel, EmailSettings
from channels.email.sendgrid.events import TIMESTAMP, Webhook
from channels.email.sendgrid.fake import FakeSendGrid, Mail, Reply
from engine.feedback import Taken
from landing.guard import Guard
from landing.hooks import LARGEST_BODY, Hooks
from store.clock import FixedClock
from store.session import open_database, reading
from tests.conftest import NOON
from tests.engine.conftest import Bench, MakeBench, bench, make_bench
from tests.sendgrid.trial import sendgrid, transport_to

__all__ = ["bench", "make_bench"]
FLOW = "  in: {audience: everyone}\n  mail: {send: email, subject: Hi, template: words.txt, next: end}\n"
LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with sendgrid() as server:
        yield server


class Desk:
    """The webhook's page of one workspace, and what was told about it."""

    def __init__(self, fake: FakeSendGrid, database: Engine) -> None:
        self.fake, self.taken = fake, list[Taken]()
        reader = Webhook(fake.webhook_key).read
        hooks = Hooks(database, {"sendgrid": lambda *request: reader(*request).feedback}, FixedClock(LATER), self.taken.append)
        app = FastAPI()
        app.add_middleware(Guard, apologise=lambda _, status: Response("sorry", status), is_secure=False)
        app.include_router(hooks.router)
        self.client = TestClient(app)

    def post(self, events: Sequence[dict[str, Any]] | bytes, at: datetime = LATER, says: datetime | None = None) -> int:
        """The status of the answer to events that were signed at a moment, and say that it was another."""
        body, signed = self.fake.signed(events, at)
        moment = {TIMESTAMP: str(int((says or at).timestamp()))}
        return self.client.post("/hooks/sendgrid", content=body, headers={**signed, **moment}).status_code


def events_of(mail: Mail, *kinds: str, **more: Any) -> list[dict[str, Any]]:
    common = {"email": mail.to, "timestamp": int(LATER.timestamp()) - 60, "sg_message_id": mail.provider_id, **mail.arguments}
    return [{**common, "event": kind, "sg_event_id": f"{kind}-{mail.to}", **more} for kind in kinds]


def rows(database: Engine, query: str) -> list[tuple[object, ...]]:
    with reading(database) as session:
        return [tuple(row) for row in session.execute(text(query))]


def send(make_bench: MakeBench, fake: FakeSendGrid, people: int = 4) -> Bench:
    """Carry out a campaign of one mail through the fake."""
    made = make_bench(EmailChannel(EmailSettings(host="127.0.0.1", port=0, sender_address="news@shop.example"), transport_to(fake)))
    made.people(people)
    made.carry_out(made.start(FLOW))
    made.workspace.channels["email"].close()
    return made


def test_what_became_of_the_mails_is_in_the_log(make_bench: MakeBench, fake: FakeSendGrid) -> None:
    database = send(make_bench, fake).workspace.database
    desk, mails = Desk(fake, database), fake.accepted
    assert rows(database, "SELECT DISTINCT provider_id FROM outbox") == [("fake-0",)]
    posted = [
        *events_of(mails[0], "processed", "delivered", "open"),
        *events_of(mails[1], "bounce", type="bounce", status="5.1.1"),
        *events_of(mails[2], "delivered", "spamreport"),
        *events_of(mails[3], "unsubscribe"),
    ]
    assert desk.post(posted) == 204
    found = "SELECT kind, count(*) FROM contact WHERE direction = 'in' GROUP BY kind ORDER BY kind"
    expected = [("bounced", 1), ("complained", 1), ("delivered", 2), ("opened", 1), ("opted_out", 1)]
    assert rows(database, found) == expected
    assert [row[0] for row in rows(database, "SELECT address FROM suppression ORDER BY address")] == sorted([mails[1].to, mails[2].to])
    assert rows(database, "SELECT count(*) FROM consent WHERE NOT granted") == [(2,)]
    assert [len(taken.customers) for taken in desk.taken] == [4]

    # Again: as a whole, one by one, and in another order. A repetition is no forgery while it is fresh: SendGrid does it itself.
    assert desk.post(posted) == 204
    random.Random(7).shuffle(posted)
    assert {desk.post([each]) for each in posted} == {204}
    assert rows(database, found) == expected


def test_an_unknown_message_is_resolved_by_what_comes_back(make_bench: MakeBench) -> None:
    with sendgrid(lambda _: Reply(drops="after")) as fake:
        database = send(make_bench, fake, 2).workspace.database
        assert rows(database, "SELECT DISTINCT state FROM outbox") == [("unknown",)]
        assert len(fake.accepted) == 2
        desk = Desk(fake, database)
        assert desk.post(events_of(fake.accepted[0], "processed")) == 204
    assert rows(database, "SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state") == [("sent", 1), ("unknown", 1)]


def test_what_is_forged_late_or_for_nobody_changes_nothing(database: Engine, fake: FakeSendGrid) -> None:
    desk = Desk(fake, database)
    event = {"event": "unsubscribe", "sg_event_id": "1", "timestamp": 1, "email": "c1@example.com"}
    assert desk.post([event], at=LATER - timedelta(minutes=11)) == 403
    assert desk.post([event], at=LATER - timedelta(minutes=11), says=LATER) == 403
    assert desk.client.post("/hooks/sendgrid", content=b"[]").status_code == 403
    assert desk.client.post("/hooks/another", content=b"[]").status_code == 404
    assert desk.client.get("/hooks/sendgrid").status_code == 405
    assert desk.post(b"no events") == 204
    assert desk.taken == []


def test_a_thousand_events_of_a_million_bytes_are_taken_and_more_than_sendgrid_sends_is_not(database: Engine, fake: FakeSendGrid) -> None:
    desk = Desk(fake, database)
    many = [
        {"event": "delivered", "sg_event_id": f"{each}", "timestamp": 1, "contactflow_key": f"0123456789ab.{each}", "response": "x" * 900}
        for each in range(1_050)
    ]
    assert len(json.dumps(many)) > 1_000_000
    assert desk.post(many) == 204
    assert desk.taken == [Taken(strange=1_050)]
    assert desk.post(b" " * (LARGEST_BODY + 1)) == 413


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which has one lock for all writers
def test_a_busy_database_is_asked_for_later_and_nothing_is_lost(make_bench: MakeBench, fake: FakeSendGrid) -> None:
    made = send(make_bench, fake, 1)
    impatient = open_database(str(made.workspace.database.url), busy_seconds=0.05)
    desk, posted = Desk(fake, impatient), events_of(fake.accepted[0], "delivered")
    with made.workspace.database.execution_options(contactflow_writing=True).connect() as other:
        other.begin()
        assert desk.post(posted) == 503
        other.rollback()
    assert desk.post(posted) == 204
    assert rows(impatient, "SELECT count(*) FROM contact WHERE kind = 'delivered'") == [(1,)]
    impatient.dispose()
