import csv
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.importing.cleaning import number, place, text
from customers.importing.cleaning.cell import Remembered, clean_each
from customers.importing.cleaning.mail import Mail
from customers.importing.cleaning.moment import Dates, Moments, date_reader
from customers.importing.cleaning.number import Numbers
from customers.importing.cleaning.phone import _slowly, phone_of
from customers.importing.problems import Problem
from store.clock import from_micros

WRONG = Problem
GIVEN = Path(__file__).parents[3] / "shared" / "data"


def same(found: Any, expected: Any) -> bool:
    return isinstance(found, Problem) if expected is WRONG else found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Jan.Jansen@Example.NL", "jan.jansen@example.nl"),
        ("a+b_c-d@sub.example.com", "a+b_c-d@sub.example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("jan@bücher.de", "jan@bücher.de"),
        ("jan..x@example.com", WRONG),
        (".jan@example.com", WRONG),
        ("jan@localhost", WRONG),
        ("jan@example", WRONG),
        ("jan@-example.com", WRONG),
        ("jan@@example.com", WRONG),
        ("Jan <jan@example.com>", WRONG),
        ("a@example.com;b@example.com", WRONG),
        ("a" * 65 + "@example.com", WRONG),
        ("jan", WRONG),
        ("@example.com", WRONG),
    ],
)
def test_mail_addresses(given: str, expected: Any) -> None:
    clean = Mail()
    assert same(clean(given), expected)
    assert same(clean(given), expected)  # with the domain remembered


def test_the_public_collection_of_odd_addresses() -> None:
    """Figures of dominicsayers/isemail: 13 of 14 valid addresses are accepted, and every wrong one is refused."""
    file = GIVEN / "email_validity" / "isemail_tests.xml"
    if not file.exists():
        pytest.skip("the isemail collection is not on this machine")
    clean = Mail()
    verdicts: dict[str, list[bool]] = {}
    for test in ET.parse(file).getroot().iter("test"):
        written = "".join(chr(ord(sign) - 0x2400) if 0x2400 <= ord(sign) < 0x2424 else sign for sign in test.findtext("address") or "")
        if written:
            verdicts.setdefault(test.findtext("category") or "", []).append(isinstance(clean(written), str))
    assert sum(verdicts["ISEMAIL_VALID_CATEGORY"]) == 13
    assert len(verdicts["ISEMAIL_VALID_CATEGORY"]) == 14
    assert not any(verdicts["ISEMAIL_ERR"])
    assert len(verdicts["ISEMAIL_ERR"]) == 65


@pytest.mark.parametrize(
    ("given", "region", "expected"),
    [
        ("06-12345678", "NL", "+31612345678"),
        ("+31 (0)6 1234 5678", "NL", "+31612345678"),
        ("0031 6 12345678", "BE", "+31612345678"),
        ("020 123 4567", "NL", "+31201234567"),
        ("0470 12 34 56", "BE", "+32470123456"),
        ("0470 12 34 56", "NL", WRONG),
        ("(201) 555-0123", "US", "+12015550123"),
        ("06-1234567", "NL", WRONG),
        ("none", "NL", WRONG),
        ("0612345678", None, WRONG),
        ("+39 06 1234 5678", "NL", "+390612345678"),
    ],
)
def test_phone_numbers(given: str, region: str | None, expected: Any) -> None:
    assert same(phone_of(region)(given), expected)


REGIONS = ("NL", "BE", "DE", "FR", "CH", "SE", "GB", "US", "IT", "ES", "AT", "LU")


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(REGIONS),
    st.sampled_from(["", "+", "00", "0", "+31", "0031", "+32 ", "0049", "(0)", "+31 (0)"]),
    st.text(st.sampled_from("0123456789"), min_size=4, max_size=12),
    st.sampled_from(["", " ", "-", "."]),
)
def test_the_fast_way_with_phone_numbers_agrees_with_libphonenumber(region: str, prefix: str, digits: str, between: str) -> None:
    written = prefix + digits[:2] + between + digits[2:]
    assert phone_of(region)(written) == _slowly(written, region)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.sampled_from([0, 1]), st.integers(0, 9_999))
def test_example_numbers_of_every_country_agree_as_well(region: str, kind: int, other: int) -> None:
    example = phonenumbers.example_number_for_type(region, kind)
    if example is None:
        return
    for form in (phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL):
        written = phonenumbers.format_number(example, form)[:-4] + f"{other:04}"
        assert phone_of(region)(written) == _slowly(written, region)


def test_the_public_example_numbers() -> None:
    file = GIVEN / "phone" / "libphonenumber_examples.csv"
    if not file.exists():
        pytest.skip("libphonenumber's examples are not on this machine")
    with file.open(encoding="utf-8") as lines:
        examples = [row for row in csv.DictReader(lines) if row["is_valid"] == "True"]
    wrong = [row for row in examples if phone_of(row["region"])(row["e164"]) != row["e164"]]
    assert wrong == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("NL", "NL"),
        ("nl", "NL"),
        ("Nederland", "NL"),
        ("The Netherlands", "NL"),
        ("België", "BE"),
        ("Belgique", "BE"),
        ("Deutschland", "DE"),
        ("U.K.", "GB"),
        ("Atlantis", WRONG),
        ("XX", WRONG),
    ],
)
def test_countries(given: str, expected: Any) -> None:
    assert same(place.country(given), expected)


@pytest.mark.parametrize(
    ("given", "region", "expected"),
    [
        ("1234ab", "NL", "1234 AB"),
        ("1234 AB", "NL", "1234 AB"),
        ("NL-1234 ab", "NL", "1234 AB"),
        ("0234 AB", "NL", WRONG),
        ("1234 SS", "NL", WRONG),
        ("1234", "NL", WRONG),
        ("B-9000", "BE", "9000"),
        ("1067", "DE", WRONG),
        ("sw1a1aa", "GB", "SW1A 1AA"),
        ("12345-6789", "US", "12345-6789"),
        ("12345", "US", "12345"),
        ("ab-12", "IE", "AB-12"),
        ("x" * 20, None, WRONG),
    ],
)
def test_postcodes(given: str, region: str | None, expected: Any) -> None:
    assert same(place.postcode(given, region), expected)


def test_languages_zones_and_the_country_of_a_zone() -> None:
    assert [place.language(each) for each in ("nl-NL", "EN", "Frans")] == ["nl", "en", "fr"]
    assert isinstance(place.language("Elvish"), Problem)
    assert place.timezone("Europe/Amsterdam") == "Europe/Amsterdam"
    assert isinstance(place.timezone("Europe/Amsterdm"), Problem)
    assert (place.country_of_zone("Europe/Brussels"), place.country_of_zone("UTC")) == ("BE", None)


@pytest.mark.parametrize(
    ("given", "sign", "expected"),
    [
        ("12.50", None, 1250),
        ("12,5", None, 1250),
        ("€ 1.234,56", None, 123456),
        ("1,234.56", None, 123456),
        ("1 234,56 EUR", None, 123456),
        ("-3", None, -300),
        ("3,00-", None, -300),
        ("0.005", None, 1),
        ("29.990000001", None, 2999),
        ("1.234", None, WRONG),
        ("1.234", "comma", 123400),
        ("1.234", "point", 123),
        ("12.50", "comma", WRONG),
        ("12,50", "point", WRONG),
        ("twelve", None, WRONG),
        ("9" * 20, None, WRONG),
        ("", None, WRONG),
        ("-", None, WRONG),
        ("١٢", None, WRONG),
    ],
)
def test_amounts(given: str, sign: Any, expected: Any) -> None:
    assert same(Numbers(sign, "point").cents(given), expected)


@given(st.integers(-(10**12), 10**12))
def test_an_amount_is_read_to_the_cent(cents: int) -> None:
    written = f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"
    assert Numbers(None, "point").cents(written) == cents
    assert Numbers("comma", "point").cents(written.replace(".", ",")) == cents


@pytest.mark.parametrize(
    ("given", "expected"), [("12", 12), ("12.0", 12), ("1e3", 1000), ("12.5", WRONG), ("x", WRONG), ("9" * 17, WRONG), ("-5", -5)]
)
def test_whole_numbers(given: str, expected: Any) -> None:
    assert same(Numbers(None, "point").whole(given), expected)


def test_the_kind_of_file_settles_numbers_that_read_two_ways() -> None:
    assert (Numbers(None, "point").number("1.234"), Numbers(None, "comma").number("1.234")) == (1.234, 1234.0)


def test_choices_and_currencies() -> None:
    assert [number.choice(each) for each in ("Ja", "1", "x", "NEE", "0", "onwaar")] == [True, True, True, False, False, False]
    assert isinstance(number.choice("maybe"), Problem)
    assert [number.currency(each) for each in ("eur", "€")] == ["EUR", "EUR"]
    assert isinstance(number.currency("euros"), Problem)


@pytest.mark.parametrize(
    ("given", "form", "expected"),
    [
        ("2026-03-31", "day-month-year", "2026-03-31"),
        ("31-03-2026", "day-month-year", "2026-03-31"),
        ("31/3/2026", "day-month-year", "2026-03-31"),
        ("3/31/2026", "month-day-year", "2026-03-31"),
        ("2026/03/31", "day-month-year", "2026-03-31"),
        ("31-03-2026 00:00:00", "day-month-year", "2026-03-31"),
        ("20260331", "day-month-year", "2026-03-31"),
        ("31 Mar 26", "%d %b %y", "2026-03-31"),
        ("3/31/2026", "day-month-year", WRONG),
        ("31-02-2026", "day-month-year", WRONG),
        ("31-03-26", "day-month-year", WRONG),
        ("1026-03-31", "day-month-year", WRONG),
        ("soon", "%d %b %y", WRONG),
    ],
)
def test_dates(given: str, form: str, expected: Any) -> None:
    assert same(Dates(date_reader(form), date(2027, 1, 1)).day(given), expected)


def test_nobody_is_born_in_the_future() -> None:
    dates = Dates(date_reader("day-month-year"), date(2026, 3, 2))
    assert dates.birth("2026-03-02") == "2026-03-02"
    assert isinstance(dates.birth("2026-03-03"), Problem)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-03-31T14:30:00Z", "2026-03-31T14:30:00+00:00"),
        ("2026-03-31 14:30:00+05:00", "2026-03-31T09:30:00+00:00"),
        ("2026-03-31 14:30", "2026-03-31T12:30:00+00:00"),
        ("31-03-2026 14:30", "2026-03-31T12:30:00+00:00"),
        ("31/3/2026, 14.30.05", "2026-03-31T12:30:05+00:00"),
        ("2026-01-31", "2026-01-30T23:00:00+00:00"),
        ("2026-3-31 14:30", "2026-03-31T12:30:00+00:00"),
    ],
)
def test_moments_without_a_zone_are_those_of_the_workspace(given: str, expected: str) -> None:
    moments = Moments(date_reader("day-month-year"), ZoneInfo("Europe/Amsterdam"), "day-month-year")
    micros = moments.micros(given)
    assert isinstance(micros, int)
    assert from_micros(micros).isoformat() == expected


@pytest.mark.parametrize("given", ["14:30", "2026-03-31 25:00", "31-03-2026 14:99", "9999-12-31", "0001-01-01 00:00", "later"])
def test_what_is_no_moment(given: str) -> None:
    moments = Moments(date_reader("day-month-year"), ZoneInfo("Europe/Amsterdam"), "day-month-year")
    assert isinstance(moments.micros(given), Problem)


@given(st.text(max_size=40))
def test_no_text_makes_a_cleaner_fall_over(written: str) -> None:
    stripped = written.strip() or "x"
    moments = Moments(date_reader("day-month-year"), ZoneInfo("Europe/Amsterdam"), "day-month-year")
    for clean in (
        text.plain,
        text.key,
        Mail(),
        phone_of("NL"),
        place.country,
        place.language,
        place.timezone,
        number.choice,
        moments.micros,
    ):
        found: Any = clean(stripped)
        assert found is None or isinstance(found, str | int | bool | Problem)
        assert not isinstance(found, str) or "\0" not in found


def test_text_is_seen_or_is_not_there() -> None:
    assert text.plain("Jan\u200b  de\tVries\x00") == "Jan de Vries"
    assert text.plain("Zoe\u0308") == "Zoë"
    assert text.plain("\u202eevil") == "evil"
    assert text.plain("\x00\x01") is None
    assert isinstance(text.plain("x" * 201), Problem)
    assert isinstance(text.plain("Jo\ufffdl"), Problem)
    assert isinstance(text.key("1,23457E+12"), Problem)


def test_a_remembered_answer_is_the_same_and_memory_has_an_end() -> None:
    remembered = Remembered(lambda written: written.upper(), most=3)
    assert clean_each(["a", "", "b", "c", "d", "e", "a"], remembered) == ["A", None, "B", "C", "D", "E", "A"]
    assert len(remembered) <= 5
