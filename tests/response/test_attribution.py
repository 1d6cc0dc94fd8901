"""Credit for touches: published examples, and what must hold for any paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from response.statistics.attribution import Path, attribute, by_position, removal_effects

# S. Bryl 2016, Marketing multi-channel attribution model with R: C1 > C2 > C3 bought, C1 and C2 > C3 did not.
BRYL = [Path(("C1", "C2", "C3"), 1), Path(("C1",), 0, 1), Path(("C2", "C3"), 0, 1)]
# S. Puzyrov 2019, Markov chain attribution, simple explanation of removal effect.
PUZYROV = [Path(("google",), 2, 1), Path(("mailing",), 1), Path(("google", "mailing"), 1)]

paths = st.lists(
    st.builds(Path, st.lists(st.sampled_from("abcd"), max_size=5).map(tuple), st.integers(0, 50), st.integers(0, 500)), max_size=12
)


def test_removal_effects_are_those_of_the_first_published_example() -> None:
    assert removal_effects(BRYL) == pytest.approx({"C1": 0.5, "C2": 1, "C3": 1})
    assert attribute(BRYL).markov == pytest.approx({"C1": 0.2, "C2": 0.4, "C3": 0.4})


def test_removal_effects_are_those_of_the_second_published_example() -> None:
    assert removal_effects(PUZYROV) == pytest.approx({"google": 0.75, "mailing": 0.5})
    assert attribute(PUZYROV).markov == pytest.approx({"google": 2.4, "mailing": 1.6})


def test_the_conventions_share_a_path_as_they_say() -> None:
    credit = attribute([Path(("mail", "sms", "mail", "letter"), 10, 90), Path((), 3, 4)])
    assert credit.first == {"mail": 10, "sms": 0, "letter": 0}
    assert credit.last == {"mail": 0, "sms": 0, "letter": 10}
    assert credit.linear == pytest.approx({"mail": 5, "sms": 2.5, "letter": 2.5})
    assert credit.position == pytest.approx({"mail": 5, "sms": 1, "letter": 4})
    assert (credit.attributed, credit.untouched) == (10, 3)


@pytest.mark.parametrize(("length", "parts"), [(1, [1]), (2, [0.5, 0.5]), (3, [0.4, 0.2, 0.4]), (4, [0.4, 0.1, 0.1, 0.4])])
def test_the_parts_by_position_are_forty_twenty_forty(length: int, parts: list[float]) -> None:
    assert by_position(length) == pytest.approx(parts)


def test_a_touch_that_only_ends_in_silence_has_no_removal_effect() -> None:
    assert removal_effects([Path(("mail",), 5, 5), Path(("spam",), 0, 90)])["spam"] == 0


def test_touching_again_and_again_is_one_touch_to_the_chain() -> None:
    again = [Path(("mail", "mail", "mail"), 5, 5), Path(("sms",), 1, 9)]
    once = [Path(("mail",), 5, 5), Path(("sms",), 1, 9)]
    assert removal_effects(again) == pytest.approx(removal_effects(once))


def test_nobody_responded_leaves_no_credit() -> None:
    credit = attribute([Path(("mail", "sms"), 0, 9)])
    assert credit.markov == credit.first == {"mail": 0, "sms": 0}
    assert attribute([]).markov == {}


@given(paths)
def test_every_convention_gives_out_all_responses_and_no_more(found: list[Path]) -> None:
    credit = attribute(found)
    touched = [path for path in found if path.touches]
    assert credit.attributed + credit.untouched == sum(path.responded for path in found)
    for shared in (credit.first, credit.last, credit.linear, credit.position, credit.markov):
        assert sum(shared.values()) == pytest.approx(credit.attributed)
        assert set(shared) == {touch for path in touched for touch in path.touches}
        assert min(shared.values(), default=0) >= -1e-9


@given(paths)
def test_a_touch_on_every_way_to_a_response_loses_all_of_it(found: list[Path]) -> None:
    through = [Path((*path.touches, "last"), path.responded, path.silent) for path in found]
    if any(path.responded for path in through):
        assert removal_effects(through)["last"] == pytest.approx(1)
