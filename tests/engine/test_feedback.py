"""What comes back about messages: whatever the order and however often, it is true once."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from channels.contract import Message, MessageKey, Outcome
from channels.fake import FakeChannel
from channels.feedback import Feedback, Happening
from customers.contact_log import Kind
from engine.bounces import IN_A_ROW, STILL_TRYING, Touch, returned_in_a_row
from engine.counting import standing
from engine.explain import explain
from engine.feedback import Taken, take_in
from engine.running import Running
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench, MakeBench
from tests.engine.test_crash import process

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  answer: {wait_for: response to mail, at_most: 9 days, then: won, timeout: end}
  won: {goal: answers}
"""
SIX = "  in: {audience: everyone}\n" + "".join(
    f"  mail{n}: {{send: email, subject: Hi, template: words.txt}}\n  rest{n}: {{wait: 1 day}}\n" for n in range(6)
)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LATER = NOON + 60 * MINUTE


def piece(happening: Happening, running: Running, message: int, name: str = "", **more: object) -> Feedback:
    key = MessageKey(f"{running.names[1]}.{message}")
    told = Feedback(happening, "mail", name or f"{happening}-{message}", NOON + 5 * MINUTE, key)
    return replace(told, **more)  # type: ignore[arg-type]  # a field of its own each


def take(bench: Bench, *pieces: Feedback, now: datetime = LATER) -> Taken:
    with writing(bench.workspace.database) as session:
        return take_in(session, pieces, now)


def rows(bench: Bench, query: str) -> list[tuple[object, ...]]:
    with reading(bench.workspace.database) as session:
        return [tuple(row) for row in session.execute(text(query))]


def picture(bench: Bench) -> dict[str, list[tuple[object, ...]]]:
    """All that feedback may change, but for the order in which it came."""
    return {
        "contacts": rows(bench, "SELECT kind, customer_id, message_id, key, human, at FROM contact WHERE direction = 'in' ORDER BY key"),
        "states": rows(bench, "SELECT id, state, reason FROM outbox ORDER BY id"),
        "refused": rows(bench, "SELECT customer_id, purpose, channel, granted FROM consent ORDER BY customer_id, purpose, channel"),
        "suppressed": rows(bench, "SELECT channel, address FROM suppression ORDER BY address"),
    }


@pytest.fixture
def sent(bench: Bench) -> Running:
    """Four customers who got a mail; message n is of customer n."""
    bench.people(4)
    versions = bench.start(MAIL)
    bench.carry_out(versions)
    assert rows(bench, "SELECT id, customer_id FROM outbox ORDER BY id") == [(n, n) for n in range(1, 5)]
    return versions[0]


def test_a_hard_bounce_is_logged_and_its_address_is_given_up_at_once(bench: Bench, sent: Running) -> None:
    taken = take(bench, piece(Happening.BOUNCED_HARD, sent, 1, code="5.1.1", detail="no such person"))
    assert taken == Taken(taken=1, customers=frozenset({1}))
    assert rows(bench, "SELECT address, reason FROM suppression") == [("c1@example.com", "5.1.1 no such person")]
    assert rows(bench, "SELECT state FROM outbox WHERE id = 1") == [("sent",)]
    told = [each.text for each in explain(sent, "c1", LATER).findings]
    assert "the message came back, and the address is no good (5.1.1 no such person)" in told


def test_what_came_back_at_once_is_told_behind_what_it_came_back_on(bench: Bench, sent: Running) -> None:
    take(bench, piece(Happening.BOUNCED_SOFT, sent, 1, code="5.2.2", detail="552 5.2.2 full", at=NOON))
    told = [each.text for each in explain(sent, "c1", LATER).findings]
    assert told[told.index("the message came back (552 5.2.2 full)") - 1].startswith("the message was sent (email")


def test_whoever_calls_a_mail_spam_is_refused_for_its_purpose_and_written_to_no_more(bench: Bench, sent: Running) -> None:
    take(bench, piece(Happening.COMPLAINED, sent, 2, proven=False))
    assert rows(bench, "SELECT granted FROM consent WHERE customer_id = 2 AND purpose = 'offers' AND channel = 'email'") == [(False,)]
    assert rows(bench, "SELECT granted FROM consent WHERE customer_id = 2 AND purpose = 'offers' AND channel = 'sms'") == [(True,)]
    assert rows(bench, "SELECT reason FROM suppression") == [("complaint",)]


@pytest.mark.usefixtures("sent")
def test_who_asks_for_no_more_is_heard_by_address_alone(bench: Bench) -> None:
    told = Feedback(Happening.UNSUBSCRIBED, "mail", "x", NOON, None, address="<C3@example.com>")
    assert take(bench, told) == Taken(taken=1, customers=frozenset({3}))
    assert rows(bench, "SELECT purpose, channel, granted FROM consent WHERE customer_id = 3 AND purpose = '*'") == [("*", "email", False)]
    assert take(bench, told) == Taken(repeated=1)
    nobody = replace(told, id="y", address="nobody@example.com")
    assert take(bench, nobody) == Taken(strange=1)


@pytest.mark.parametrize("happening", [Happening.BOUNCED_HARD, Happening.BOUNCED_SOFT, Happening.DELIVERED])
def test_what_anybody_could_have_written_costs_nobody_the_address(bench: Bench, sent: Running, happening: Happening) -> None:
    invented = piece(happening, sent, 1, proven=False, address="someone.else@example.com")
    assert take(bench, invented) == Taken(unproven=1)
    assert rows(bench, "SELECT count(*) FROM suppression") == [(0,)]
    assert take(bench, replace(invented, address="C1@Example.com")).taken == 1


@pytest.mark.parametrize("key", ["", "nonsense", "0123456789ab.1", "x.99999999999999999999999", "x.\u0661", "x.-1", ".", "x.1.2"])
@pytest.mark.usefixtures("sent")
def test_what_is_about_no_message_of_ours_changes_nothing(bench: Bench, key: str) -> None:
    before = picture(bench)
    assert take(bench, Feedback(Happening.BOUNCED_HARD, "mail", "1", NOON, MessageKey(key))) == Taken(strange=1)
    assert picture(bench) == before


def test_a_reply_wakes_who_waits_for_it_and_an_automatic_one_does_not(bench: Bench, sent: Running) -> None:
    versions = [sent]
    take(bench, piece(Happening.AUTO_REPLIED, sent, 1), piece(Happening.REPLIED, sent, 2, text="Yes please"))
    assert take(bench, piece(Happening.OPENED, sent, 3, human=False)).customers == frozenset()
    bench.carry_out(versions, LATER)
    assert rows(bench, "SELECT customer_id FROM member WHERE ended IS NOT NULL") == [(2,)]
    assert rows(bench, "SELECT count(*) FROM contact WHERE detail LIKE '%Yes please%'") == [(1,)]
    assert standing(bench.workspace, "test").came_back == {("opened", False): 1, ("replied", True): 1, ("auto_replied", True): 1}


def test_what_happened_keeps_its_moment_but_not_before_the_message_nor_after_now(bench: Bench, sent: Running) -> None:
    told = [piece(Happening.DELIVERED, sent, n, at=at) for n, at in enumerate((NOON - DAY, NOON + MINUTE, LATER + DAY), 1)]
    take(bench, *told)
    with reading(bench.workspace.database) as session:
        found = session.execute(text("SELECT at FROM contact WHERE kind = 'delivered' ORDER BY message_id")).scalars().all()
    assert [moment // 1_000_000 for moment in found] == [int(each.timestamp()) for each in (NOON, NOON + MINUTE, LATER)]


def unknown_for(address: str) -> FakeChannel:
    def script(message: Message) -> Outcome:
        return Outcome.UNKNOWN if message.address == address else Outcome.ACCEPTED

    return FakeChannel("email", ("email",), script=script)


@pytest.mark.parametrize("happening", [each for each in Happening if each is not Happening.UNSUBSCRIBED])
def test_anything_that_comes_back_tells_that_an_unknown_message_did_leave(make_bench: MakeBench, happening: Happening) -> None:
    bench = make_bench(unknown_for("c1@example.com"))
    bench.people(2)
    (running,) = bench.start(MAIL)
    bench.carry_out([running])
    assert rows(bench, "SELECT state, reason FROM outbox WHERE customer_id = 1") == [("unknown", "maybe_sent")]
    (number,) = rows(bench, "SELECT id FROM outbox WHERE customer_id = 1")[0]
    assert isinstance(number, int)
    assert take(bench, piece(happening, running, number)).resolved == 1
    assert rows(bench, "SELECT DISTINCT state, reason FROM outbox") == [("sent", None)]


def test_what_came_back_before_the_sender_was_found_dead_is_remembered(bench: Bench, database_url: str) -> None:
    bench.people(20)
    (running,) = bench.start(MAIL)
    assert process(bench, database_url, "dead", dies_at=7).wait() == -9
    on_the_wire = bench.sent()[-1]
    (number,) = rows(bench, f"SELECT o.id FROM outbox o JOIN customer c ON c.id = o.customer_id WHERE c.email = '{on_the_wire}'")[0]
    assert isinstance(number, int)
    take(bench, piece(Happening.DELIVERED, running, number))
    bench.carry_out([running], claim="alive")
    assert rows(bench, "SELECT DISTINCT state FROM outbox") == [("sent",)]


def test_five_soft_bounces_in_a_row_give_an_address_up_and_a_delivery_begins_anew(bench: Bench) -> None:
    bench.people(2)
    (running,) = bench.start(f"{SIX}  won: {{goal: buys}}")
    for day in range(6):
        now = NOON + day * DAY
        bench.carry_out([running], now)
        for number, customer in rows(bench, f"SELECT id, customer_id FROM outbox WHERE node = 'mail{day}' AND state = 'sent'"):
            assert isinstance(number, int)
            arrived = customer == 2 and day == 3
            take(
                bench, piece(Happening.DELIVERED if arrived else Happening.BOUNCED_SOFT, running, number, at=now + MINUTE), now=now + MINUTE
            )
        assert rows(bench, "SELECT address FROM suppression") == ([] if day < IN_A_ROW - 1 else [("c1@example.com",)])
    fates = rows(bench, "SELECT customer_id, state, reason FROM outbox WHERE node = 'mail5' ORDER BY customer_id")
    assert fates == [(1, "suppressed", "suppressed_address"), (2, "sent", None)]


def test_a_row_of_bounces_is_broken_by_what_arrived_or_by_a_long_silence() -> None:
    def story(*words: str) -> list[Touch]:
        touches = []
        for number, word in enumerate(words):
            at = NOON + number * DAY
            touches.append(Touch(number, Kind.SENT, at))
            if word != "silence":
                touches.append(Touch(number, Kind(word), at + MINUTE))
        return touches

    bounced = ["bounced"] * 4
    assert returned_in_a_row(story(*bounced)) == 4
    assert returned_in_a_row(story(*bounced, "delivered", "bounced")) == 1
    assert returned_in_a_row(story(*bounced, "replied", *bounced)) == 4
    assert returned_in_a_row(story("silence", *bounced)) == 4
    # Nothing is known yet of a message that left a moment ago.
    assert returned_in_a_row(story(*bounced, "silence")) == 4
    assert returned_in_a_row(story("bounced", "silence", *["bounced"] * 4)) == 5
    longer = STILL_TRYING.days + 1
    assert returned_in_a_row(story("bounced", "silence", *["bounced"] * longer)) == longer
    assert returned_in_a_row([]) == 0


PIECES = st.lists(st.tuples(st.sampled_from(list(Happening)), st.integers(1, 4), st.booleans(), st.booleans()), min_size=1, max_size=12)


@given(told=PIECES, chance=st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_order_in_any_portions_and_any_number_of_times_it_is_the_same(
    bench: Bench, database: Engine, told: list[tuple[Happening, int, bool, bool]], chance: random.Random
) -> None:
    if not rows(bench, "SELECT id FROM outbox"):
        bench.people(4)
        bench.carry_out(bench.start(MAIL))
    version = rows(bench, "SELECT version FROM flow_version")[0][0]
    pieces = [
        Feedback(what, "mail", f"{what}-{n}", NOON + n * MINUTE, MessageKey(f"{version}.{n}"), proven=proven, human=human)
        for what, n, proven, human in told
    ]
    # The same name must say the same thing.
    pieces = list({each.id: each for each in pieces}.values())
    ends = []
    for portions in (_portions(pieces, chance), [pieces], [[each] for each in reversed(pieces)]):
        with writing(database) as session:
            for portion in portions:
                take_in(session, portion, LATER)
            session.flush()
            connection = session.connection()
            ends.append(
                [
                    connection.execute(text(query)).all()
                    for query in (
                        "SELECT kind, message_id, key, human, at FROM contact WHERE direction = 'in' ORDER BY key",
                        "SELECT customer_id, purpose, channel, granted, since FROM consent ORDER BY customer_id, purpose, channel",
                        "SELECT address FROM suppression ORDER BY address",
                    )
                ]
            )
            session.rollback()
    assert ends[0] == ends[1] == ends[2]


def _portions(pieces: Sequence[Feedback], chance: random.Random) -> list[list[Feedback]]:
    doubled = [*pieces, *chance.choices(pieces, k=len(pieces))]
    chance.shuffle(doubled)
    cut = chance.randrange(len(doubled) + 1)
    return [doubled[:cut], doubled[cut:]]
