"""Values as people write them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.values import Duration, Lift, Moment, Share, ValueFault, read_pause, value_of_kind
from engine.nodes.update import Update

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MOMENTS = st.integers(0, 15 * 366 * 86_400).map(lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1 minute", 60), ("30 minutes", 1_800), ("36 hours", 129_600), ("5 days", 432_000), ("2weeks", 1_209_600), ("1 Day", 86_400)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert Duration.parse(text).seconds == seconds
    assert Duration.parse(text).delta == timedelta(seconds=seconds)
    assert Duration.parse(text).micros == seconds * 1_000_000
    assert str(Duration.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "5", "days", "0 days", "-1 day", "1.5 days", "5 months", "five days", "999999 weeks", "٥ days", "5 days 3 hours"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "fraction"), [("45%", 0.45), ("12.5 %", 0.125), ("12,5%", 0.125), ("1/3", 1 / 3), ("1 / 4", 0.25), ("100%", 1.0)]
)
def test_a_share_is_a_part_of_a_whole(text: str, fraction: float) -> None:
    assert Share.parse(text).fraction == pytest.approx(fraction)


@pytest.mark.parametrize("text", ["", "0%", "101%", "4/3", "1/0", "0/5", "50", "0.5", "-5%", "ten", "50 percent"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        Share.parse(text)


@pytest.mark.parametrize(("text", "amount"), [("1 point", 0.01), ("0,5 points", 0.005), ("0.50", 0.5), ("3", 3.0)])
def test_a_lift_is_in_points_or_in_the_metrics_own_unit(text: str, amount: float) -> None:
    assert Lift.parse(text).amount == pytest.approx(amount)


@pytest.mark.parametrize("text", ["", "0", "0 points", "-1 point", "1%", "a point"])
def test_what_is_no_lift_is_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        Lift.parse(text)


@pytest.mark.parametrize(
    ("text", "on", "weekday", "clock"),
    [
        ("09:00", None, None, time(9)),
        ("at 9:30", None, None, time(9, 30)),
        ("Monday 09:00", None, 0, time(9)),
        ("next sunday at 23:59", None, 6, time(23, 59)),
        ("until friday", None, 4, time(0)),
        ("2026-12-01 09:00", date(2026, 12, 1), None, time(9)),
        ("on 2026-12-01", date(2026, 12, 1), None, time(0)),
    ],
)
def test_a_moment_is_a_day_a_time_or_both(text: str, on: date | None, weekday: int | None, clock: time) -> None:
    moment = Moment.parse(text)
    assert (moment.on, moment.weekday, moment.clock) == (on, weekday, clock)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "next",
        "maandag 09:00",
        "24:00",
        "9",
        "9:5",
        "2026-02-30",
        "2026-13-01",
        "01-12-2026",
        "0026-12-01",
        "9999-12-01",
        "at",
        "monday 9",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        Moment.parse(text)


@given(MOMENTS, st.integers(0, 6) | st.none(), st.times().map(lambda clock: clock.replace(second=0, microsecond=0)))
def test_a_moment_comes_within_eight_days_at_its_time(now: datetime, weekday: int | None, clock: time) -> None:
    moment = Moment("x", None, weekday, clock)
    then = moment.after(now, AMSTERDAM)
    local = then.astimezone(AMSTERDAM)
    assert now <= then <= now + timedelta(days=8)
    assert weekday is None or local.weekday() == weekday
    skipped = datetime.combine(local.date(), clock, AMSTERDAM).astimezone(UTC).astimezone(AMSTERDAM).time() != clock
    assert local.time() == clock or skipped


def test_an_hour_that_the_clock_skips_is_the_hour_after_it_and_a_repeated_one_the_first() -> None:
    clock = Moment.parse("02:30")
    assert clock.after(datetime(2026, 3, 28, 23, 30, tzinfo=UTC), AMSTERDAM) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert clock.after(datetime(2026, 10, 24, 23, 0, tzinfo=UTC), AMSTERDAM) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_date_that_has_passed_is_now() -> None:
    assert Moment.parse("2026-01-01 09:00").after(datetime(2026, 6, 1, tzinfo=UTC), AMSTERDAM) == datetime(2026, 1, 1, 8, tzinfo=UTC)


def test_a_pause_says_both_of_its_forms_when_it_is_refused() -> None:
    assert isinstance(read_pause("5 days"), Duration)
    assert isinstance(read_pause("until monday 09:00"), Moment)
    with pytest.raises(ValueFault, match="until monday") as raised:
        read_pause("a while")
    assert "5 days" in raised.value.remedy


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("5", "integer", 5),
        ("-3", "integer", -3),
        ("2,5", "number", 2.5),
        ("no", "boolean", False),
        ("TRUE", "boolean", True),
        ("2026-12-01", "date", date(2026, 12, 1)),
        ("no", "text", "no"),
        ("", "text", None),
        (" ", "integer", None),
    ],
)
def test_an_attributes_value_is_read_as_its_kind_says(text: str, kind: str, value: object) -> None:
    read = value_of_kind(text, kind)
    assert read == value
    assert type(read) is type(value)
    assert Update(update={"x": text, "consent": {"sms": False}}).new_values({"x": kind}) == {"x": value}


@pytest.mark.parametrize(
    ("text", "kind"),
    [("5.0", "integer"), ("nan", "number"), ("ja", "boolean"), ("2026-02-30", "date"), ("1e400", "number"), ("9" * 30, "integer")],
)
def test_a_value_of_another_kind_is_refused(text: str, kind: str) -> None:
    with pytest.raises(ValueFault):
        value_of_kind(text, kind)
