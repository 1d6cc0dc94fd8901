"""Postal addresses: one normal form to store and compare, and the lines that a country's post wants to read."""

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cache
from typing import Any, Self

from channels.merging import one_line


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """An address whose postcode is in its country's spelling. `name` may be empty."""

    name: str
    street: str
    postcode: str
    city: str
    country: str  # ISO 3166-1 alpha-2

    @classmethod
    def of(cls, customer: Mapping[str, Any], home: str) -> Self | None:
        """The address of a customer, who lives in `home` unless a country is known; None when no post would deliver it."""
        street, city = _value(customer, "street"), _value(customer, "city")
        country = (_value(customer, "country") or home).upper()
        postcode = normal_postcode(_value(customer, "postcode"), country)
        if not street or not city or not re.fullmatch(r"[A-Z]{2}", country) or postcode is None:
            return None
        name = f"{_value(customer, 'first_name')} {_value(customer, 'last_name')}".strip()
        return cls(name, street, postcode, city, country)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the normal form back."""
        return cls(*text.split("\n"))

    @property
    def text(self) -> str:
        """The normal form: name, street, postcode, city and country code, a line each."""
        return "\n".join(astuple(self))

    def lines(self, home: str, language: str) -> tuple[str, ...]:
        """What is printed in the window; a foreign country closes it in capitals, in the sender's `language`."""
        abroad = () if self.country == home else (country_name(self.country, language).upper(),)
        return tuple(line for line in (self.name, self.street, *self._place(), *abroad) if line)

    def _place(self) -> tuple[str, ...]:
        if self.country == "NL":  # PostNL: two spaces (the first is U+00A0, so that none is lost), and the place in capitals
            return (f"{self.postcode}\u00a0 {self.city.upper()}",)
        if self.country in _POSTCODE_BELOW:
            return (self.city, self.postcode)
        if self.country in _POSTCODE_BEHIND:
            return (f"{self.city} {self.postcode}".rstrip(),)
        return (f"{self.postcode} {self.city}".lstrip(),)


def normal_postcode(text: str, country: str) -> str | None:
    """The postcode in its country's spelling, or None when it is not one; countries that we do not know keep theirs."""
    if country not in _POSTCODES:
        return text.upper()
    local = re.sub(r"^[A-Z]{1,2}-(?=\d)", "", text.upper())  # B-2000, as people wrote abroad
    compact = re.sub(r"[\s-]", "", local)
    if compact[:2] == country and compact[2:3].isdigit():
        compact = compact[2:]
    pattern, spelling = _POSTCODES[country]
    match = re.fullmatch(pattern, compact, re.ASCII)
    return spelling.format(*match.groups()) if match else None


@cache
def country_name(country: str, language: str) -> str:
    """What a country is called in a language, or else in English; its code when nobody knows it."""
    from phonenumbers.geodata.locale import LOCALE_DATA  # noqa: PLC0415 - 0.4 s of import for the names of all countries

    names = LOCALE_DATA.get(country, {})
    name = names.get(language) or names.get("en") or country
    while name.startswith("*"):  # the same as in another language
        name = names[name[1:]]
    return str(name)


def _value(customer: Mapping[str, Any], attribute: str) -> str:
    return one_line(customer.get(attribute) or "").strip()


_FOUR, _FIVE, _GAP = (r"([1-9]\d{3})", "{}"), (r"(\d{5})", "{}"), (r"(\d{3})(\d{2})", "{} {}")
_POSTCODES = {
    # SA, SD and SS are not given out
    "NL": (r"([1-9]\d{3})(?!SA|SD|SS)([A-Z]{2})", "{} {}"),
    "GB": (r"([A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})", "{} {}"),
    "IE": (r"([A-Z]\d[\dW])([A-Z\d]{4})", "{} {}"),
    "PL": (r"(\d{2})(\d{3})", "{}-{}"),
    "PT": (r"(\d{4})(\d{3})", "{}-{}"),
    "US": (r"(\d{5})(?:\d{4})?", "{}"),
    "CA": (r"([A-Z]\d[A-Z])(\d[A-Z]\d)", "{} {}"),
    **dict.fromkeys(("AT", "BE", "CH", "LU", "AU"), _FOUR),
    **dict.fromkeys(("DK", "NO"), (r"(\d{4})", "{}")),
    **dict.fromkeys(("DE", "ES", "FI", "FR", "IT"), _FIVE),
    **dict.fromkeys(("CZ", "GR", "SE", "SK"), _GAP),
}
_POSTCODE_BELOW = {"GB", "IE"}
_POSTCODE_BEHIND = {"US", "CA", "AU"}
