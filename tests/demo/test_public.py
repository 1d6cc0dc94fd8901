"""What the invented public would do, before anybody has written to it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.draws import draw, happens
from demo.households import CHANNELS, Household, invented
from demo.public import BUYS_ANYWAY, HABITS, HERE, MOVES, Message, of_its_own_accord, reaction, when
from demo.truth import life, true_effects

START = datetime(2018, 7, 2, 10, tzinfo=HERE)
MANY = [f"household-{number}" for number in range(20_000)]
ANYBODY = st.integers(1, 10_000).map(lambda number: invented(number, None, None, ""))


@given(ANYBODY)
def test_whoever_the_general_mail_moves_is_moved_by_the_personal_one(household: Household) -> None:
    general, personal = (reaction(household.key, mail) for mail in ("general", "personal"))
    assert personal.buys == general.buys or general.buys is None


@given(ANYBODY, st.sampled_from(["personal", "general"]))
def test_what_somebody_buys_anyway_is_bought_whatever_the_lot(household: Household, mail: Message) -> None:
    control, contacted = life(household, None, START), life(household, mail, START)
    assert set(control.bought) <= set(contacted.bought)
    assert not control.messages


@given(ANYBODY, st.sampled_from(["personal", "general"]))
def test_a_household_that_nothing_reaches_lives_as_in_the_control(household: Household, mail: Message) -> None:
    contacted = life(household, mail, START)
    if not contacted.messages:
        assert contacted == life(household, None, START)
    if not household.reachable:
        assert not contacted.messages


@given(ANYBODY, st.sampled_from(["personal", "general"]))
def test_everything_is_bought_within_the_twenty_eight_days(household: Household, mail: Message) -> None:
    assert all(START < each.at < START + timedelta(days=28) for each in life(household, mail, START).bought)


@given(st.text(), st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_never_undoes_what_a_lower_one_brought_about(who: str, what: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert happens(who, what, low) <= happens(who, what, high)
    assert draw(who, what) == draw(who, what)


def test_the_public_does_what_its_rates_say() -> None:
    assert mean(of_its_own_accord(who) is not None for who in MANY) == pytest.approx(BUYS_ANYWAY, abs=0.008)
    for message, moves in MOVES.items():
        habit = HABITS["mail" if message in ("personal", "general") else message]
        bought = mean(reaction(who, message).buys is not None for who in MANY)
        assert bought == pytest.approx(habit.reads * moves, abs=0.008), message


def test_nobody_reads_or_shops_at_night() -> None:
    hours = {when(START, timedelta(hours=hour)).astimezone(HERE).hour for hour in range(48)}
    assert hours == set(range(7, 24))


def test_the_true_effect_is_the_mean_of_what_everybody_would_have_done_either_way() -> None:
    people = {who: invented(number, None, None, "") for number, who in enumerate(MANY[:400])}
    people = {each.key: each for each in people.values()}
    effects = true_effects(people, dict.fromkeys(list(people)[:100], "personal"), START)
    bought: dict[Message | None, Mapping[str, bool]] = {}
    for mail in ("personal", "general", None):
        bought[mail] = {who: life(each, mail, START).buys for who, each in people.items()}
    each_way = [(bought["personal"][who] + bought["general"][who]) / 2 - bought[None][who] for who in people]
    assert effects["purchase"].difference == pytest.approx(mean(each_way))
    assert effects["purchase"].without == pytest.approx(mean(bought[None].values()))
    first = list(people)[:100]
    assert effects["personal"].difference == pytest.approx(mean(bought["personal"][who] - bought["general"][who] for who in first))
    assert effects["purchase"].difference > 0.02


def test_an_invented_household_is_the_same_each_time_and_could_be_written_to() -> None:
    people = [invented(number, "35-44", "2", "DELI") for number in range(1, 500)]
    assert people == [invented(number, "35-44", "2", "DELI") for number in range(1, 500)]
    assert len({each.email for each in people if each.email}) == sum(bool(each.email) for each in people)
    assert len({each.phone for each in people if each.phone}) == sum(bool(each.phone) for each in people)
    for channel in CHANNELS:
        assert 0.3 < mean(channel in each.reachable for each in people) < 0.95
    assert {each.country for each in people} == {"NL", "BE", "DE"}
