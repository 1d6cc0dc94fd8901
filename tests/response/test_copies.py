"""A report from copies of a campaign's rows says what the rows themselves say, counted one by one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Engine, inspect, select, text

from engine.metrics import BUILT_IN, MetricSpec
from engine.tables import Member
from response import copies
from response.facts import Reactions
from response.funnel import costs, funnel
from response.metrics import arm_sums, segment_sums, touched_elsewhere
from response.population import Population, assigned, entries
from response.reach import reach
from response.reactions import copy_reactions
from store.clock import to_micros
from tests.response.response_story import DONE, HOLDOUT, LEARN, NOON, TEST, Story, flow, telling

KINDS = ("sent", "delivered", "bounced", "complained", "opened", "clicked", "visited", "answered", "replied", "opted_out")
AT = to_micros(NOON + timedelta(days=12))


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


@dataclass
class Logged:
    """A contact as it was written, with its message's node, channel and arm."""

    customer: int
    kind: str
    human: bool
    days: float
    about: tuple[str | None, str, str | None]
    side: str | None


def at_random(story: Story, seed: int) -> list[Logged]:
    """Some members in two versions and two entries, messages at two nodes, and contacts about them or about nothing."""
    draw = Random(seed)
    graphs = [flow(HOLDOUT, TEST, DONE, learn=LEARN), flow(HOLDOUT, TEST, DONE, learn=LEARN, title="Again")]
    versions = [story.runs(graph, NOON + timedelta(minutes=place)) for place, graph in enumerate(graphs)]
    members = [*story.enters(12, versions[0], segment="young"), *story.enters(8, versions[1], NOON + timedelta(days=1))]
    again = story.again([member.customer_id for member in members[:5]], versions[1], NOON + timedelta(days=3), 2)
    found: list[Logged] = []
    for member in (*members, *again):
        version = versions[member.version_id != story.versions[versions[0]]]
        found += _happens(story, draw, member, version)
    return found


def _happens(story: Story, draw: Random, member: Member, version: str) -> Iterator[Logged]:
    held, side = draw.random() < 0.3, draw.choice(["warm", "plain", ""])
    story.assigns([member], "start", "control" if held else "contacted", version)
    story.assigns([member], "test", side, version)
    sent: list[tuple[int | None, tuple[str | None, str, str | None]]] = [(None, (None, "web", None)), (None, (None, "import", None))]
    for hop in range(draw.randrange(4)):
        node, channel, arm = draw.choice([("test", "email", side or None), ("text", "sms", None)])
        state = draw.choice(["sent", "sent", "failed", "suppressed", "queued"])
        message = story.message(member, node, state, hop, channel=channel, arm=arm, cost_millicents=draw.randrange(900), reason="refused")
        sent.append((message, (node, channel, arm)))
    for _ in range(draw.randrange(12)):
        message_id, about = draw.choice(sent)
        kind, human, days = draw.choice(KINDS), draw.random() < 0.7, draw.choice([-2, 0, 1, 5, 20])
        ours = draw.random() < 0.8
        channel = about[1] if message_id is None else "other"
        campaign = "spring" if ours else "autumn"
        story.contact(member, kind, days, channel=channel, message_id=message_id, human=human, campaign=campaign)
        if ours:
            when = days + (member.entered_at - NOON) / timedelta(days=1)
            yield Logged(member.customer_id, kind, human, when, about, (side or None) if message_id else None)


WHO: Mapping[str, Callable[[Logged], bool]] = {
    "delivered": lambda each: each.kind == "delivered",
    "bounced": lambda each: each.kind == "bounced",
    "complained": lambda each: each.kind == "complained",
    "opened": lambda each: each.kind in ("opened", "clicked") and each.human,
    "opened_by_machine": lambda each: each.kind == "opened" and not each.human,
    "clicked": lambda each: each.kind == "clicked" and each.human,
    "clicked_by_machine": lambda each: each.kind == "clicked" and not each.human,
    "visited": lambda each: each.kind == "visited" and each.human,
    "answered": lambda each: each.kind in ("answered", "replied") and each.human,
    "opted_out": lambda each: each.kind == "opted_out",
}


def by_hand(logged: list[Logged], *, by_side: bool) -> dict[tuple[str | None, str, str | None], Reactions]:
    keyed: dict[tuple[str | None, str, str | None], list[Logged]] = {}
    for each in logged:
        if each.days <= 12 and each.kind != "sent":
            keyed.setdefault((*each.about[:2], each.side if by_side else each.about[2]), []).append(each)
    return {key: _counted(rows) for key, rows in keyed.items()}


def _counted(rows: list[Logged]) -> Reactions:
    return Reactions(**{name: len({each.customer for each in rows if fits(each)}) for name, fits in WHO.items()})


@pytest.mark.parametrize("seed", range(4))
def test_reactions_are_those_counted_one_by_one(story: Story, seed: int) -> None:
    logged = at_random(story, seed)
    population = Population(story.campaign_id, "spring", AT, None, returning=True, copied=True)
    copies.copy(story.session, story.campaign_id)
    copy_reactions(story.session, population)
    for side in (None, "test"):
        expected = by_hand(logged, by_side=side is not None)
        found = {(row.node, row.channel, row.arm): row.reactions for row in funnel(story.session, population, side)}
        told = {key: each for key, each in found.items() if each != Reactions()}
        assert told == {key: each for key, each in expected.items() if each != Reactions()}
        assert any(value.opened for value in expected.values())


@pytest.mark.parametrize("seed", range(3))
def test_a_copy_says_what_the_tables_say(story: Story, seed: int) -> None:
    at_random(story, seed)
    first, second = story.versions.values()
    asked = Population(story.campaign_id, "spring", AT, to_micros(NOON + timedelta(days=6)) - to_micros(NOON), returning=True)
    restricted = (asked, replace(asked, versions=(second,)), replace(asked, versions=(first,)), replace(asked, closed_only=True))
    copies.copy(story.session, story.campaign_id)
    for population in (*restricted, replace(asked, entered_by=to_micros(NOON)), replace(asked, returning=False)):
        copied = replace(population, copied=True)
        copy_reactions(story.session, copied)
        assert _told(story, copied) == _told(story, population)


def _told(story: Story, population: Population) -> list[object]:
    session, specs = story.session, [BUILT_IN[name] for name in ("purchase", "response", "opt_out", "complaint")]
    arms = assigned(population)
    rows = session.connection().execute(select(arms).order_by(arms.c.node, arms.c.member_id)).all()
    told: list[object] = [sorted(map(tuple, rows)), entries(session, population)]
    told += [funnel(session, population, side) for side in (None, "test")]
    told += [costs(session, population, side) for side in (None, "test")]
    told += [reach(session, population, ["test"]), reach(session, population, []), touched_elsewhere(session, population)]
    told += [_sums(story, population, spec) for spec in specs]
    return told


def _sums(story: Story, population: Population, spec: MetricSpec) -> list[object]:
    return [arm_sums(story.session, population, spec, "EUR"), segment_sums(story.session, population, spec, "EUR", "start")]


def test_a_report_leaves_no_copies_behind(database: Engine, story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    story.arm(3, "start", "contacted", version)
    story.report()
    connection = story.session.connection()
    assert inspect(connection).get_temp_table_names() == []
    story.sources()
    assert len(inspect(connection).get_temp_table_names()) == 4
    story.report()
    assert inspect(connection).get_temp_table_names() == []
    assert database.dialect.name != "sqlite" or connection.execute(text("SELECT count(*) FROM temp.sqlite_master")).scalar() == 0
