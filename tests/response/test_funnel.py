"""What became of the messages, and whether what happened can be trusted."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from response.sections.trust import section as trust
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, MAIL, TEST, Story, flow, split, telling
from tests.response.section_reading import keys


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def test_messages_reconcile_whatever_became_of_them(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    members = story.arm(9, "start", "contacted", version)
    states = ["sent", "queued", "claimed", "sending", "unknown", "failed", "suppressed", "suppressed"]
    reasons = [None, None, None, None, "maybe_sent", "refused", "no_consent", "no_address"]
    for member, state, reason in zip(members, states, reasons, strict=False):
        story.message(member, "mail", state, reason=reason)
    story.message(members[0], "mail", "suppressed", hop=2, reason="no_consent")  # was sent to before: counts as sent
    story.message(members[8], "mail", "suppressed", reason="new_reason")
    (row,) = story.report().funnel
    told = row.messages
    assert (told.sent, told.open, told.unknown, told.failed, told.suppressed) == (1, 3, 1, 1, 3)
    assert told.queued == 9
    assert dict(told.reasons) == {"refused": 1, "no_consent": 1, "no_address": 1, "other": 1}


def test_reactions_stand_beside_the_message_that_brought_them(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    first, second, third = story.arm(3, "start", "contacted", version)
    sent = [story.message(member, "mail", "sent") for member in (first, second, third)]
    story.contact(first, "delivered", message_id=sent[0])
    story.contact(first, "clicked", message_id=sent[0])
    story.contact(first, "visited", message_id=sent[0])
    story.contact(second, "opened", message_id=sent[1], human=False)
    story.contact(second, "clicked", message_id=sent[1], human=False)
    story.contact(second, "replied", message_id=sent[1])
    story.contact(second, "auto_replied", message_id=sent[1])
    story.contact(second, "opted_out", message_id=sent[1])
    story.contact(first, "form_started", message_id=sent[0])
    story.contact(second, "form_started", message_id=sent[1])  # who left it and wrote back has answered
    story.contact(third, "bounced", message_id=sent[2])
    story.contact(third, "redeemed", message_id=sent[2], channel="import")
    story.contact(third, "visited", channel="import")
    mail, loose = story.report().funnel
    told = mail.reactions
    assert (told.delivered, told.opened, told.opened_by_machine, told.clicked, told.visited) == (1, 1, 1, 1, 1)
    assert told.clicked_by_machine == 1
    assert (told.opted_out, told.bounced, told.answered, told.complained) == (1, 1, 1, 0)
    assert (told.form_started, told.form_abandoned, told.redeemed) == (2, 1, 1)
    assert (loose.node, loose.channel, loose.messages.queued, loose.reactions.visited) == (None, "import", 0, 1)


def test_exclusions_name_the_reason_of_members_and_of_messages(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    members = story.enters(3, version, ended="held_out")
    story.enters(1, version, ended="goal_reached")
    for member in members[:2]:
        story.message(member, "mail", "suppressed", reason="opted_out")
    found = [(each.stage, each.reason, each.customers) for each in story.report().exclusions]
    assert found == [("member", "held_out", 3), ("member", "goal_reached", 1), ("message", "opted_out", 2)]


def test_variants_that_were_held_back_unevenly_raise_an_alarm(story: Story) -> None:
    version = story.runs(flow(EVERYONE, TEST, DONE))
    warm, plain = story.arm(60, "test", "warm", version), story.arm(60, "test", "plain", version)
    for member in (*warm, *plain[:15]):
        story.message(member, "test", "sent", arm="warm" if member in warm else "plain")
    (experiment,) = story.report().experiments
    assert not experiment.broken
    assert experiment.unevenly_sent
    told = keys(trust(story.sources()))
    assert "trust.sent.bad.same" in told
    assert "trust.sizes.good" in told


def test_three_arms_of_a_few_customers_are_too_few_to_check(story: Story) -> None:
    version = story.runs(flow(EVERYONE, split({name: {"share": "1/3"} for name in "abc"}), DONE))
    for name in "abc":
        story.arm(1, "arms", name, version)
    assert "trust.sizes.none" in keys(trust(story.sources()))
