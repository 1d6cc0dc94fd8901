"""What a report counts of a log drawn by lot is what one counts by hand, row by row, on both databases."""

from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine, select

from engine.metrics import BUILT_IN
from response import copies
from response.funnel import funnel
from response.metrics import arm_sums
from response.reactions import copy_reactions
from store.clock import DAY_MICROS, to_micros
from tests.response import random_logs as by_hand
from tests.response.random_logs import Asked, Log, askeds, logs, written
from tests.response.response_story import NOON

# One empty database serves all examples: each is taken back at its end.
often = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@often
@given(logs, askeds)
def test_messages_and_reactions_are_those_counted_by_hand(database: Engine, log: Log, asked: Asked) -> None:
    with written(database, log) as known:
        population = known.population(asked)
        copies.copy(known.story.session, known.story.campaign_id)
        copy_reactions(known.story.session, population)
        for side in (None, "test"):
            rows = {(row.node, row.channel, row.arm): row for row in funnel(known.story.session, population, side)}
            messages = by_hand.messages(log, asked, by_side=side is not None)
            reactions = by_hand.reactions(log, asked, by_side=side is not None)
            assert rows.keys() == messages.keys() | reactions.keys()
            assert {key: row.messages for key, row in rows.items() if row.messages.queued} == messages
            assert {key: rows[key].reactions for key in reactions} == reactions


@often
@given(logs, askeds)
def test_responses_and_refusals_are_those_counted_by_hand(database: Engine, log: Log, asked: Asked) -> None:
    with written(database, log) as known:
        copies.copy(known.story.session, known.story.campaign_id)
        for measure in ("response", "opt_out"):
            found = arm_sums(known.story.session, known.population(asked), BUILT_IN[measure], "EUR")
            assert found == by_hand.moments(log, asked, measure)


@often
@given(logs)
def test_copies_hold_all_rows_of_the_campaign_and_no_others(database: Engine, log: Log) -> None:
    with written(database, log) as known:
        copies.copy(known.story.session, known.story.campaign_id)
        connection, campaign = known.story.session.connection(), known.story.campaign_id
        entered = [to_micros(NOON) + came.day * DAY_MICROS for came in log.came]
        customers = [known.customers[came.customer] for came in log.came]
        members = select(*(copies.members_of(campaign).c[name] for name in ("id", "customer_id", "entered_at")))
        assert set(connection.execute(members).tuples()) == set(zip(known.members, customers, entered, strict=True))
        assigned = select(*(copies.assigned_in(campaign).c[name] for name in ("member_id", "node", "arm", "customer_id", "assigned_at")))
        arms = [("start", "control" if came.held else "contacted") for came in log.came], [("test", came.side) for came in log.came]
        expected = {
            (member, *arm, customer, at)
            for each in arms
            for member, arm, customer, at in zip(known.members, each, customers, entered, strict=True)
        }
        assert set(connection.execute(assigned).tuples()) == expected
        messages = select(*(copies.messages_of(campaign).c[name] for name in ("id", "member_id", "node", "state")))
        own = [(known.members[place], message.node, message.state) for place, message in log.messages]
        assert set(connection.execute(messages).tuples()) == {(number, *each) for number, each in zip(known.messages, own, strict=True)}
