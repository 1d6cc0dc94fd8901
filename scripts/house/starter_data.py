"""The customers and purchases of a new workspace: `python -m scripts.house.starter_data`.

The same bytes every time. Nobody in it exists: addresses end in example.com, telephone numbers are of the range that is kept
for fiction (+1 ... 555-01..), and streets and postcodes are drawn by lot. Two cells are wrong on purpose, so that the first
import shows what becomes of such.
"""

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parents[2] / "contactflow" / "starter" / "data"
SEED = 20260302
PEOPLE = 260
START = date(2026, 3, 2)  # the day that the starter's README and the tutorial set their clock to
LAPSED_SHARE = 0.62

CUSTOMER_COLUMNS = (
    "key",
    "first_name",
    "last_name",
    "email",
    "phone",
    "street",
    "postcode",
    "city",
    "country",
    "language",
    "birth_date",
    "children",
    "favourite_department",
    "consent_offers_email",
    "consent_offers_sms",
    "consent_offers_print",
)
PURCHASE_COLUMNS = ("customer", "key", "purchased_at", "amount", "product")

# ruff: noqa: SIM905  # a list of names reads best as words
FIRST = (
    "Anna Bram Carla Daan Eva Femke Gijs Hanna Ilse Jasper Karin Lars Maud Niels Olga Pim Roos Sander Tess Umar Vera Wouter Yara Zoë "
    "Fatima Mehmet Noor Bilal Lotte Thijs Sanne Ruben Merel Stijn Amira Joost Marieke Henk Greet Luc Chloé Élodie Mathis André"
).split()
LAST = (
    "de Vries|Jansen|van den Berg|Bakker|Visser|Smit|Meijer|de Boer|Mulder|de Groot|Bos|Vos|Peters|Hendriks|van Leeuwen|Dekker|"
    "Brouwer|de Wit|Dijkstra|Kaya|El Amrani|Özdemir|van der Linden|Kuipers|Postma|Willems|Peeters|Maes|Claes|Dubois|Lambert|Noël"
).split("|")
STREETS = (
    "Maanzaadlaan Kaneelhof Wolkenpad Vlierbeslaan Zonnedauwstraat Karnemelkweg Spiegelgracht Kastanjehof Rozemarijnpad "
    "Vuurtorenweg Appelbloesem Hoefijzerlaan Nachtegaalhof Muntplantsoen Oesterkade"
).split()
CITIES = {
    "NL": (("Amsterdam", 10), ("Utrecht", 35), ("Zwolle", 80), ("Groningen", 97), ("Breda", 48), ("Arnhem", 68), ("Haarlem", 20)),
    "BE": (("Gent", 90), ("Antwerpen", 20), ("Leuven", 30), ("Namur", 50)),
}
DEPARTMENTS = ("produce", "bakery", "meat", "floral", "grocery", "deli")
AREAS = ("202", "212", "303", "312")
LETTERS = "ABCDEGHJKLMNPRTVWXZ"


@dataclass(frozen=True)
class Habit:
    """How a customer buys: when last before START, how often, and what."""

    key: str
    last: date
    times: int
    department: str


def main(folder: Path = FOLDER) -> None:
    """Write the three files."""
    rng = Random(SEED)  # noqa: S311  # drawn people, no secret
    people = [_customer(number, rng) for number in range(1, PEOPLE + 1)]
    habits = [_habit(person, rng) for person in people]
    before = sorted(purchase for habit in habits for purchase in _history(habit, rng))
    after = sorted(purchase for habit in habits if (purchase := _return(habit, rng)))
    _spoil(people)
    _write(folder / "customers.csv", CUSTOMER_COLUMNS, [[person[column] for column in CUSTOMER_COLUMNS] for person in people])
    _write(folder / "purchases.csv", PURCHASE_COLUMNS, _numbered(before, "receipt"))
    _write(folder / "purchases-march.csv", PURCHASE_COLUMNS, _numbered(after, "march"))


def _customer(number: int, rng: Random) -> dict[str, str]:
    country = "NL" if rng.random() < 0.86 else "BE"
    city, district = rng.choice(CITIES[country])
    first, last = rng.choice(FIRST), rng.choice(LAST)
    return {
        "key": f"customer-{number:03}",
        "first_name": first,
        "last_name": last,
        "email": f"{_plain(first)}.{_plain(last)}.{number}@example.com" if rng.random() < 0.93 else "",
        "phone": f"+1 {AREAS[number // 100]} 555 01{number % 100:02}" if rng.random() < 0.74 else "",
        "street": f"{rng.choice(STREETS)} {rng.randint(1, 180)}",
        "postcode": _postcode(country, district, rng),
        "city": city,
        "country": country,
        "language": "fr" if city == "Namur" else rng.choices(("nl", "en"), (9, 1))[0],
        "birth_date": str(date(1945, 1, 1) + timedelta(days=rng.randrange(22_000))),
        "children": str(rng.choices((0, 1, 2, 3), (55, 18, 20, 7))[0]),
        "favourite_department": rng.choice(DEPARTMENTS),
        "consent_offers_email": _consent(rng, 0.82),
        "consent_offers_sms": _consent(rng, 0.58),
        "consent_offers_print": _consent(rng, 0.76),
    }


def _postcode(country: str, district: int, rng: Random) -> str:
    number = f"{district}{rng.randrange(100):02}"
    return number if country == "BE" else f"{number} {rng.choice(LETTERS)}{rng.choice(LETTERS)}"


def _consent(rng: Random, share: float) -> str:
    """Yes; or no; or nothing, which allows nothing."""
    drawn = rng.random()
    return "yes" if drawn < share else "no" if drawn < share + 0.08 else ""


def _habit(person: dict[str, str], rng: Random) -> Habit:
    lapsed = rng.random() < LAPSED_SHARE
    days = rng.randint(185, 420) if lapsed else rng.randint(2, 175)
    return Habit(person["key"], START - timedelta(days=days), rng.randint(1, 7), person["favourite_department"])


def _history(habit: Habit, rng: Random) -> Iterator[tuple[str, ...]]:
    day = habit.last
    for _ in range(habit.times):
        yield _purchase(habit, day, rng)
        day -= timedelta(days=rng.randint(6, 60))


def _return(habit: Habit, rng: Random) -> tuple[str, ...] | None:
    """Now and then somebody buys again, whatever we do."""
    if rng.random() > 0.13:
        return None
    return _purchase(habit, START + timedelta(days=rng.randint(1, 27)), rng)


def _purchase(habit: Habit, day: date, rng: Random) -> tuple[str, ...]:
    at = datetime.combine(day, time(rng.randint(9, 19), rng.randrange(60)))
    department = habit.department if rng.random() < 0.7 else rng.choice(DEPARTMENTS)
    return f"{at:%Y-%m-%d %H:%M}", habit.key, f"{rng.lognormvariate(3.3, 0.6):.2f}", department


def _numbered(purchases: Sequence[tuple[str, ...]], word: str) -> list[list[str]]:
    return [[key, f"{word}-{number:04}", at, amount, product] for number, (at, key, amount, product) in enumerate(purchases, 1)]


def _spoil(people: list[dict[str, str]]) -> None:
    people[40]["email"] = "eva.at.example.com"
    people[170]["birth_date"] = "2031-04-01"


def _plain(name: str) -> str:
    ascii_ = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return "".join(letter for letter in ascii_ if letter.isalpha())


def _write(file: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    main()
