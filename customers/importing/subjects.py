"""What can be imported: the fields of customers, purchases and contacts, how files call them, and how each is cleaned.

A new field of a customer is a line in CUSTOMERS (and a column in tables.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from customers.conditions.vocabulary import AttributeKind
from customers.contact_log import Kind
from customers.importing.cleaning import mail, number, place, text
from customers.importing.cleaning.cell import Cleaner, Remembered, Value, clean_each
from customers.importing.cleaning.moment import DateReader, Dates, Moments
from customers.importing.cleaning.number import DecimalSign, Numbers
from customers.importing.cleaning.phone import phone_of
from customers.importing.problems import Problem
from customers.vouchers import as_code

Column = list[Value | Problem | None]
# Cleans a column; the columns of the same rows that were cleaned before it are at hand (the country of a postcode).
ColumnCleaner = Callable[[Sequence[str], Mapping[str, Column]], Column]


@dataclass(frozen=True, slots=True)
class Terms:
    """What cells mean in this workspace and this file."""

    zone: ZoneInfo
    country: str | None
    today: date
    read_date: DateReader
    date_form: str
    decimal: DecimalSign | None
    file_decimal: DecimalSign

    @property
    def numbers(self) -> Numbers:
        """The cleaner of numbers."""
        return Numbers(self.decimal, self.file_decimal)

    @property
    def dates(self) -> Dates:
        """The cleaner of dates."""
        return Dates(self.read_date, self.today)

    @property
    def moments(self) -> Moments:
        """The cleaner of moments."""
        return Moments(self.read_date, self.zone, self.date_form)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """A field: how files call it, how it is cleaned, and whether a row can do without it.

    `needed`: a row without it means nothing. `vital`: a row in which it is wrong is not taken over; of any other field
    only the wrong cell is left out. `instead`: the field whose value can stand in for a needed one, in the rows that have it.
    """

    name: str
    title: str
    clean: Callable[[Terms], ColumnCleaner]
    synonyms: tuple[str, ...] = ()
    needed: bool = False
    vital: bool = False
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a file is about."""

    name: str
    fields: tuple[FieldRule, ...]  # cleaned in this order
    takes_attributes: bool = False
    takes_details: bool = False


def each(clean: Cleaner) -> Callable[[Terms], ColumnCleaner]:
    """A cleaner that needs nothing but the cell."""
    return lambda _: lambda texts, __: clean_each(texts, clean)


def often(choose: Callable[[Terms], Cleaner]) -> Callable[[Terms], ColumnCleaner]:
    """A cleaner of columns whose texts return."""

    def made(terms: Terms) -> ColumnCleaner:
        remembered = Remembered(choose(terms))
        return lambda texts, _: clean_each(texts, remembered)

    return made


def _phones(terms: Terms) -> ColumnCleaner:
    usual = phone_of(terms.country)

    def clean(texts: Sequence[str], done: Mapping[str, Column]) -> Column:
        if "country" not in done:
            return clean_each(texts, usual)
        regions = (country if isinstance(country, str) else terms.country for country in done["country"])
        return [phone_of(region)(text) if text else None for text, region in zip(texts, regions, strict=True)]

    return clean


def _postcodes(terms: Terms) -> ColumnCleaner:
    remembered: dict[str | None, Remembered] = {}

    def in_country(region: str | None) -> Remembered:
        if region not in remembered:
            remembered[region] = Remembered(lambda text: place.postcode(text, region))
        return remembered[region]

    def clean(texts: Sequence[str], done: Mapping[str, Column]) -> Column:
        if "country" not in done:
            return clean_each(texts, in_country(terms.country))
        regions = (country if isinstance(country, str) else terms.country for country in done["country"])
        return [in_country(region)[text] for text, region in zip(texts, regions, strict=True)]

    return clean


def _mails(_: Terms) -> ColumnCleaner:
    clean = mail.Mail()
    return lambda texts, __: clean_each(texts, clean)


KINDS = (Kind.OPENED, Kind.CLICKED, Kind.VISITED, Kind.ANSWERED, Kind.EVENT)
_KIND_WORDS = {
    "open": "opened",
    "geopend": "opened",
    "click": "clicked",
    "geklikt": "clicked",
    "visit": "visited",
    "bezocht": "visited",
    "answer": "answered",
    "beantwoord": "answered",
}
_NO_KIND = Problem(
    f"not a kind of response: {', '.join(KINDS)}",
    "translate it under `values: kind:` in the mapping; consent and refusals are imported with customers",
)


def kind(text: str) -> str | Problem:
    """A kind of response that may come from elsewhere."""
    word = _KIND_WORDS.get(text.lower(), text.lower())
    return word if word in KINDS else _NO_KIND


def _voucher(cell: str) -> str | Problem | None:
    """A voucher of ours as it is stored; what a shop made itself as it stands."""
    found = text.plain(cell)
    return as_code(found) if isinstance(found, str) else found


_MONEY = often(lambda terms: terms.numbers.cents)
_MOMENT = often(lambda terms: terms.moments.micros)
_TEXT = each(text.plain)
_FEW_TEXTS = often(lambda _: text.plain)
_CUSTOMER_NAMES = (
    "customer_key",
    "customer_id",
    "customer_number",
    "customer_no",
    "client_id",
    "household_id",
    "klant",
    "klantnummer",
    "klantnr",
    "klant_id",
    "klantcode",
    "relatienummer",
    "relatie",
    "debiteurnummer",
    "lidnummer",
)

CUSTOMERS = Subject(
    "customers",
    (
        FieldRule(
            "key",
            "the source system's name for the customer",
            each(text.key),
            ("id", "customer", *_CUSTOMER_NAMES, "nummer", "number"),
            needed=True,
            vital=True,
        ),
        FieldRule("first_name", "first name", _FEW_TEXTS, ("firstname", "given_name", "forename", "voornaam", "roepnaam")),
        FieldRule("last_name", "last name", _FEW_TEXTS, ("lastname", "surname", "family_name", "achternaam", "familienaam")),
        FieldRule("email", "e-mail address", _mails, ("e_mail", "mail", "email_address", "mailadres", "emailadres", "e_mailadres")),
        FieldRule("country", "country", often(lambda _: place.country), ("country_code", "land", "landcode", "country_name")),
        FieldRule(
            "phone",
            "telephone number",
            _phones,
            ("mobile", "telephone", "phone_number", "mobile_number", "cell", "telefoon", "telefoonnummer", "mobiel", "gsm", "tel", "06"),
        ),
        FieldRule("street", "street and house number", _TEXT, ("address", "address_line_1", "street_address", "straat", "adres")),
        FieldRule("postcode", "postcode", _postcodes, ("postal_code", "zip", "zipcode", "zip_code", "post_code", "pc")),
        FieldRule("city", "city", _FEW_TEXTS, ("town", "place", "plaats", "woonplaats", "stad", "gemeente")),
        FieldRule("language", "language", often(lambda _: place.language), ("lang", "locale", "taal", "taalcode")),
        FieldRule("timezone", "time zone", often(lambda _: place.timezone), ("time_zone", "tz", "tijdzone")),
        FieldRule(
            "birth_date",
            "date of birth",
            often(lambda terms: terms.dates.birth),
            ("birthdate", "birthday", "date_of_birth", "dob", "geboortedatum", "geb_datum", "verjaardag"),
        ),
    ),
    takes_attributes=True,
)

PURCHASES = Subject(
    "purchases",
    (
        FieldRule("customer", "the customer's key", each(text.key), _CUSTOMER_NAMES, needed=True, vital=True, instead="voucher"),
        FieldRule(
            "voucher",
            "the voucher that was used",
            each(_voucher),
            (
                "voucher_code",
                "coupon",
                "coupon_code",
                "discount_code",
                "promo_code",
                "promotion_code",
                "kortingscode",
                "actiecode",
                "tegoedbon",
            ),
        ),
        FieldRule(
            "key",
            "the source system's name for the purchase",
            each(text.key),
            (
                "id",
                "order",
                "order_id",
                "order_number",
                "purchase_id",
                "transaction_id",
                "invoice",
                "bestelnummer",
                "ordernummer",
                "factuurnummer",
            ),
            vital=True,
        ),
        FieldRule(
            "purchased_at",
            "when it was bought",
            _MOMENT,
            ("at", "date", "purchase_date", "order_date", "datetime", "timestamp", "datum", "aankoopdatum", "besteldatum", "orderdatum"),
            needed=True,
            vital=True,
        ),
        FieldRule(
            "amount",
            "amount",
            _MONEY,
            ("price", "total", "spend", "value", "revenue", "bedrag", "prijs", "totaal", "omzet"),
            needed=True,
            vital=True,
        ),
        FieldRule("currency", "currency", often(lambda _: number.currency), ("currency_code", "valuta", "munt"), vital=True),
        FieldRule(
            "margin",
            "what was earned on it",
            _MONEY,
            ("gross_margin", "profit", "gross_profit", "contribution", "marge", "brutomarge", "winst"),
        ),
        FieldRule("product", "product", _FEW_TEXTS, ("article", "item", "sku", "product_id", "product_name", "artikel", "omschrijving")),
    ),
)

CONTACTS = Subject(
    "contacts",
    (
        FieldRule("customer", "the customer's key", each(text.key), _CUSTOMER_NAMES, needed=True, vital=True),
        FieldRule("key", "the source system's name for the contact", each(text.key), ("id", "contact_id", "event_id"), vital=True),
        FieldRule("kind", "kind of response", often(lambda _: kind), ("type", "soort"), needed=True, vital=True),
        FieldRule("at", "when it happened", _MOMENT, ("date", "datetime", "timestamp", "datum", "tijdstip"), needed=True, vital=True),
        FieldRule("campaign", "campaign", _FEW_TEXTS, ("campagne",), vital=True),
        FieldRule("node", "node of the flow", _FEW_TEXTS, ("step",), vital=True),
        FieldRule("channel", "channel", _FEW_TEXTS, ("kanaal",), vital=True),
        FieldRule("event", "name of the event", _FEW_TEXTS, ("event_name", "gebeurtenis"), vital=True),
    ),
    takes_details=True,
)

SUBJECTS: Mapping[str, Subject] = {subject.name: subject for subject in (CUSTOMERS, PURCHASES, CONTACTS)}

ATTRIBUTE_CLEANERS: Mapping[AttributeKind, Callable[[Terms], ColumnCleaner]] = {
    AttributeKind.TEXT: _FEW_TEXTS,
    AttributeKind.INTEGER: often(lambda terms: terms.numbers.whole),
    AttributeKind.NUMBER: often(lambda terms: terms.numbers.number),
    AttributeKind.BOOLEAN: often(lambda _: number.choice),
    AttributeKind.DATE: often(lambda terms: terms.dates.day),
}
CHOICE = often(lambda _: number.choice)
MOMENT = _MOMENT
PLAIN = _FEW_TEXTS
