"""Dates, money and numbers as their reader writes them: filters for templates, by the customer's language and country.

``{{ customer.last_purchase_on | date }}``, ``| date("d MMMM")``, ``{{ customer.total_spent | money }}``, ``| number``, ``| percent``.
``| date(language="en")`` is for a text that all read in one language. A customer whose language or country is not known reads those of
the organisation. Source of all forms: Unicode CLDR, through Babel.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Undefined, nodes, pass_context
from jinja2.runtime import Context

if TYPE_CHECKING:
    from babel import Locale

# What each filter reads beside its value: kept with a message, so that it can be shown again as it was.
READS = ("customer.language", "customer.country", "sender.language", "sender.country")
_ENGLISH = "en_GB"  # of whoever's country is not known: "en" alone is that of the United States


def reads_of(tree: nodes.Template) -> frozenset[str]:
    """The variables that the filters of a template read without being told."""
    used = {each.name for each in tree.find_all(nodes.Filter)} & FILTERS.keys()
    return frozenset((*READS, *(("sender.currency",) if "money" in used else ()))) if used else frozenset()


@pass_context
def _date(context: Context, value: Any, form: str = "long", language: str = "") -> Any:
    """A day: `form` is short, medium, long or full, or a pattern such as "d MMMM"."""
    return value if isinstance(value, Undefined) else _day_in_words(str(value)[:10], form, *_places(context, language))


@pass_context
def _money(context: Context, value: Any, currency: str | None = None, language: str = "") -> Any:
    """An amount in whole and hundredths, in the organisation's currency unless another is named."""
    if isinstance(value, Undefined):
        return value
    sender = context.get("sender")
    own = sender.get("currency") if isinstance(sender, Mapping) else None
    return _amount(str(value), str(currency or own or "EUR"), *_places(context, language))


@pass_context
def _number(context: Context, value: Any, decimals: int | None = None, language: str = "") -> Any:
    """A number with the separators of its reader, rounded to `decimals` when given."""
    return value if isinstance(value, Undefined) else _figure(str(value), decimals, "number", *_places(context, language))


@pass_context
def _percent(context: Context, value: Any, decimals: int = 0, language: str = "") -> Any:
    """A share (0..1) in hundredths."""
    return value if isinstance(value, Undefined) else _figure(str(value), decimals, "percent", *_places(context, language))


FILTERS: Mapping[str, Callable[..., Any]] = {"date": _date, "money": _money, "number": _number, "percent": _percent}


def _places(context: Context, language: str) -> tuple[str, str]:
    """Language and country of whom the message is for; `language` instead, in a text that is the same in all."""
    groups = [each for each in (context.get("customer"), context.get("sender")) if isinstance(each, Mapping)]
    found = [next((str(group[name]) for group in groups if group.get(name)), "") for name in ("language", "country")]
    return language or found[0], found[1]


@lru_cache(10_000)
def _day_in_words(value: str, form: str, language: str, country: str) -> str:
    from babel.dates import format_date  # noqa: PLC0415 - not on the way of `contactflow check`

    return format_date(date.fromisoformat(value), form, _locale(language, country))


@lru_cache(10_000)
def _amount(value: str, currency: str, language: str, country: str) -> str:
    from babel.numbers import format_currency, is_currency  # noqa: PLC0415 - as above

    if not is_currency(currency):
        raise ValueError("no currency")
    return str(format_currency(_decimal(value), currency, locale=_locale(language, country)))


@lru_cache(10_000)
def _figure(value: str, decimals: int | None, kind: str, language: str, country: str) -> str:
    from babel.numbers import format_decimal, format_percent  # noqa: PLC0415 - as above

    places = "" if decimals is None else "." + "0" * decimals if decimals else ""
    pattern = None if decimals is None else f"#,##0{places}{'%' if kind == 'percent' else ''}"
    form = format_percent if kind == "percent" else format_decimal
    return str(form(_decimal(value), pattern, locale=_locale(language, country)))


def _decimal(value: str) -> Decimal:
    """Raises ValueError for what is no number that can be written out."""
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise ValueError("no number") from None
    if not number.is_finite():
        raise ValueError("no number")
    return number


@lru_cache(1_000)
def _locale(language: str, country: str) -> "Locale":
    """The nearest that is known: language in country, or the language alone, or the English of the product."""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 - as above

    tongue = language.replace("-", "_").split("_")[0].lower()
    for name in (f"{tongue}_{country.upper()}", _ENGLISH if tongue == "en" else tongue):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Locale.parse(_ENGLISH)
