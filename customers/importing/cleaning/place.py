"""Countries, postcodes, languages and time zones."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from zoneinfo import available_timezones

from customers.importing.cleaning.text import plain
from customers.importing.problems import Problem

_NO_COUNTRY = Problem("not a country", "write its two letters (NL, BE) or its name")
_NO_POSTCODE = Problem(
    "not a postcode of that country", "write it as people there do; a spreadsheet may have taken zeros off its beginning"
)
_NO_LANGUAGE = Problem("not a language", "write its two letters: nl, fr, en")
_NO_ZONE = Problem("not a time zone", "write its name as Europe/Amsterdam")
_NAMED_IN = ("en", "nl", "de", "fr", "es", "it")
_ALSO = {
    "thenetherlands": "NL",
    "holland": "NL",
    "uk": "GB",
    "greatbritain": "GB",
    "england": "GB",
    "groot-brittannie": "GB",
    "engeland": "GB",
    "usa": "US",
    "unitedstatesofamerica": "US",
    "verenigdestaten": "US",
    "vs": "US",
    "nld": "NL",
    "bel": "BE",
    "deu": "DE",
    "lux": "LU",
    "fra": "FR",
    "gbr": "GB",
}
# ISO 639-1, a run of two letters each.
_LANGUAGES = frozenset(
    code
    for code in re.findall(
        "..",
        "aaabaeafakamanarasavayazbabebgbibmbnbobrbscacechcocrcscucvcydadedvdzeeeleneoeseteufafffifjfofrfygagd"
        "glgngugvhahehihohrhthuhyhziaidieigiiikioisitiujajvkakgkikjkkklkmknkokrkskukvkwkylalblglilnloltlulvmg"
        "mhmimkmlmnmrmsmtmynanbndnengnlnnnonrnvnyocojomorospapiplpsptqurmrnrorurwsascsdsesgsiskslsmsnsosqsrss"
        "stsusvswtatetgthtitktltntotrtstttwtyugukuruzvevivowawoxhyiyozazhzu",
    )
)
_LANGUAGE_NAMES = {
    "dutch": "nl",
    "nederlands": "nl",
    "english": "en",
    "engels": "en",
    "french": "fr",
    "frans": "fr",
    "francais": "fr",
    "german": "de",
    "duits": "de",
    "deutsch": "de",
    "spanish": "es",
    "spaans": "es",
    "italian": "it",
    "italiaans": "it",
    "turkish": "tr",
    "turks": "tr",
    "polish": "pl",
    "pools": "pl",
    "arabic": "ar",
    "arabisch": "ar",
    "frisian": "fy",
    "fries": "fy",
}
# Letters and digits as they stand when spaces and hyphens are gone, and what goes between the groups.
_POSTCODES: dict[str, tuple[re.Pattern[str], str]] = {
    "NL": (re.compile(r"([1-9]\d{3})(?!SA|SD|SS)([A-Z]{2})", re.ASCII), " "),
    "GB": (re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})", re.ASCII), " "),
    "SE": (re.compile(r"(\d{3})(\d{2})", re.ASCII), " "),
    "PL": (re.compile(r"(\d{2})(\d{3})", re.ASCII), "-"),
    "PT": (re.compile(r"(\d{4})(\d{3})", re.ASCII), "-"),
    "CA": (re.compile(r"([A-Z]\d[A-Z])(\d[A-Z]\d)", re.ASCII), " "),
    "US": (re.compile(r"(\d{5})(\d{4})?", re.ASCII), "-"),
    **{region: (re.compile(r"([1-9]\d{3})", re.ASCII), "") for region in ("BE", "LU", "AT", "CH", "DK")},
    **{region: (re.compile(r"(\d{5})", re.ASCII), "") for region in ("DE", "FR", "ES", "IT", "FI")},
}
_BEFORE_AND_BETWEEN = re.compile(r"^[A-Z]{1,2}-(?=\d)|[\s.-]")


def country(text: str) -> str | Problem:
    """The two letters (ISO 3166-1) of a country that is given by them or by its name."""
    return country_names().get(_folded(text)) or _NO_COUNTRY


@cache
def country_names() -> dict[str, str]:
    """Every country's code by its code and its names, folded: without accents, spaces and capitals."""
    from phonenumbers.geodata.locale import LOCALE_DATA  # noqa: PLC0415  # 0.4 s for the names of all countries

    codes = {line.split("\t")[0] for line in _zone_file("iso3166.tab")}
    names = {_folded(name): code for code in codes for name in _names_of(LOCALE_DATA.get(code, {}))}
    return names | {_folded(name): code for name, code in _ALSO.items()} | {code.lower(): code for code in codes}


def country_of_zone(timezone: str) -> str | None:
    """The country that a time zone lies in: what a workspace in Europe/Amsterdam takes a number such as 06-12345678 for."""
    rows = (line.split("\t") for line in _zone_file("zone.tab"))
    return next((row[0] for row in rows if row[2] == timezone), None)


def postcode(text: str, region: str | None) -> str | Problem | None:
    """The postcode as it is written in that country; of a country whose form is not known here, tidied only."""
    pattern, between = _POSTCODES.get(region or "", (None, ""))
    if pattern is None:
        tidy = plain(text)
        return tidy.upper() if isinstance(tidy, str) and len(tidy) <= 12 else tidy and _NO_POSTCODE
    match = pattern.fullmatch(_BEFORE_AND_BETWEEN.sub("", text.upper()))
    return between.join(filter(None, match.groups())) if match else _NO_POSTCODE


def language(text: str) -> str | Problem:
    """The two letters (ISO 639-1) of a language that is given by them, by a tag (nl-NL) or by its name."""
    word = re.split(r"[-_]", text.lower())[0]
    if word in _LANGUAGES:
        return word
    return _LANGUAGE_NAMES.get(_folded(text)) or _NO_LANGUAGE


def timezone(text: str) -> str | Problem:
    """The name of a time zone that exists."""
    return text if text in _zones() else _NO_ZONE


def _names_of(names: Mapping[str, str]) -> set[str]:
    texts = (names.get(language, "") for language in _NAMED_IN)
    return {names[text[1:]] if text.startswith("*") else text for text in texts if text}


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone_file(name: str) -> list[str]:
    text = (files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
