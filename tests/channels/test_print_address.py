from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.print.address import PostalAddress, country_name, normal_postcode

DUTCH = {
    "first_name": "Zoë",
    "last_name": "de Vries",
    "street": "Herengracht 573",
    "postcode": "1017cd",
    "city": "Amsterdam",
    "country": "NL",
}


def address(**changes: Any) -> PostalAddress | None:
    return PostalAddress.of(DUTCH | changes, home="NL")


@pytest.mark.parametrize(
    ("postcode", "country", "normal"),
    [
        ("1017cd", "NL", "1017 CD"),
        ("NL-1017 CD", "NL", "1017 CD"),
        ("0017 CD", "NL", None),
        ("1017 SS", "NL", None),
        ("1017", "NL", None),
        ("", "NL", None),
        ("１０１７ CD", "NL", None),
        ("B-2000", "BE", "2000"),
        ("BE2000", "BE", "2000"),
        ("2000", "BE", "2000"),
        ("10115", "DE", "10115"),
        ("1011", "DE", None),
        ("sw1a1aa", "GB", "SW1A 1AA"),
        ("00950", "PL", "00-950"),
        ("11455", "SE", "114 55"),
        ("1250-096", "PT", "1250-096"),
        ("94043-1351", "US", "94043"),
        ("k1a 0b1", "CA", "K1A 0B1"),
        ("d02 af30", "IE", "D02 AF30"),
        ("whatever 7", "BR", "WHATEVER 7"),
    ],
)
def test_a_postcode_is_spelled_as_its_country_does(postcode: str, country: str, normal: str | None) -> None:
    assert normal_postcode(postcode, country) == normal


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ("Zoë de Vries", "Herengracht 573", "1017 CD\u00a0 AMSTERDAM")),
        ({"first_name": None, "last_name": None}, ("Herengracht 573", "1017 CD\u00a0 AMSTERDAM")),
        ({"country": None}, ("Zoë de Vries", "Herengracht 573", "1017 CD\u00a0 AMSTERDAM")),
        ({"country": "de", "postcode": "10115", "city": "Berlin"}, ("Zoë de Vries", "Herengracht 573", "10115 Berlin", "DUITSLAND")),
        ({"country": "BE", "postcode": "2000", "city": "Antwerpen"}, ("Zoë de Vries", "Herengracht 573", "2000 Antwerpen", "BELGIË")),
        (
            {"country": "GB", "postcode": "n1 9gu", "city": "London", "street": "1\nHigh  St"},
            ("Zoë de Vries", "1 High St", "London", "N1 9GU", "VERENIGD KONINKRIJK"),
        ),
        (
            {"country": "US", "postcode": "94043", "city": "Mountain View CA"},
            ("Zoë de Vries", "Herengracht 573", "Mountain View CA 94043", "VERENIGDE STATEN"),
        ),
    ],
)
def test_an_address_is_printed_as_the_post_of_its_country_reads_it(changes: dict[str, Any], lines: tuple[str, ...]) -> None:
    read = address(**changes)
    assert read
    assert PostalAddress.parse(read.text).lines("NL", "nl") == lines


@pytest.mark.parametrize("changes", [{"street": " "}, {"city": None}, {"postcode": "10"}, {"country": "Nederland"}, {"country": "("}])
def test_an_address_that_no_post_would_deliver_is_none(changes: dict[str, Any]) -> None:
    assert address(**changes) is None


@given(st.fixed_dictionaries({name: st.text(max_size=20) for name in DUTCH}))
def test_the_normal_form_is_read_back_whole(customer: dict[str, str]) -> None:
    read = PostalAddress.of(customer, home="IT")
    if read:
        assert PostalAddress.parse(read.text) == read


@pytest.mark.parametrize(
    ("country", "language", "name"),
    [("NL", "nl", "Nederland"), ("NL", "xx", "Netherlands"), ("DE", "en", "Germany"), ("BE", "fr", "Belgique"), ("ZZ", "nl", "ZZ")],
)
def test_countries_have_names(country: str, language: str, name: str) -> None:
    assert country_name(country, language) == name
