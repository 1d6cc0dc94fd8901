"""Figures as people write them."""

from collections.abc import Sequence

_MARKS = {"en": (",", "."), "nl": (".", ",")}
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
UNDEFINED = "–"
_MINUS = "\N{MINUS SIGN}"
_NO_BREAK = "\N{NO-BREAK SPACE}"
_WHOLE_MONEY = 100_000  # from here on nobody reads cents


class Numbers:
    """Writes figures in one language. What is not defined is a dash."""

    def __init__(self, language: str, currency: str) -> None:
        self._thousands, self._decimal = _MARKS[language]
        symbol = _SYMBOLS.get(currency)
        self._before = (symbol if language == "en" else f"{symbol}{_NO_BREAK}") if symbol else ""
        self._after = "" if symbol else f"{_NO_BREAK}{currency}"

    def plain(self, value: float | None, places: int) -> str:
        """A number with so many decimals and a real minus sign; never minus zero."""
        if value is None:
            return UNDEFINED
        text = f"{abs(value):,.{places}f}".translate({ord(","): self._thousands, ord("."): self._decimal})
        return f"{_MINUS}{text}" if value < 0 and _is_some(text) else text

    def signed(self, value: float | None, places: int) -> str:
        """The same, with a plus sign when it is above zero."""
        text = self.plain(value, places)
        return f"+{text}" if value is not None and value > 0 and _is_some(text) else text

    def count(self, value: float | None) -> str:
        """A number of customers."""
        return self.plain(value, 0)

    def percent(self, share: float | None) -> str:
        """A share of a whole, two decimals below ten per cent."""
        if share is None:
            return UNDEFINED
        return f"{self.plain(100 * share, 2 if abs(share) < 0.1 else 1)}%"

    def signed_percent(self, share: float | None) -> str:
        """A relative change; whole per cents from a hundred on."""
        if share is None:
            return UNDEFINED
        return f"{self.signed(100 * share, 0 if abs(share) >= 1 else 1)}%"

    def money(self, amount: float | None) -> str:
        """An amount in the report's currency."""
        if amount is None:
            return UNDEFINED
        places = 0 if abs(amount) >= _WHOLE_MONEY else _parts_of_a_cent(abs(amount))
        text = self.plain(abs(amount), places)
        return f"{_MINUS if amount < 0 and _is_some(text) else ''}{self.in_currency(text)}"

    def in_currency(self, text: str) -> str:
        """A written amount with the sign of its currency."""
        return f"{self._before}{text}{self._after}"

    def signed_money(self, amount: float | None) -> str:
        """A difference of money."""
        text = self.money(amount)
        return f"+{text}" if amount is not None and amount > 0 and _is_some(text) else text

    def p(self, value: float | None) -> str:
        """A p-value; below a thousandth that is all that matters."""
        if value is None:
            return UNDEFINED
        return f"<{_NO_BREAK}{self.plain(0.001, 3)}" if value < 0.001 else self.plain(value, 3)


def _parts_of_a_cent(amount: float) -> int:
    """Decimals: two, and more below ten cents, for an e-mail costs a part of a cent and a text seven and a half."""
    return 4 if 0.00005 <= amount < 0.01 else 3 if 0.01 <= amount < 0.1 and round(amount, 2) != round(amount, 3) else 2


def places_of_points(shares: Sequence[float | None]) -> int:
    """Decimals for differences of shares that stand together: one from a point on, more for smaller ones."""
    largest = max((abs(share) for share in shares if share is not None), default=0.0)
    return 1 if largest >= 0.01 else 2 if largest >= 0.001 or not largest else 3


def places_of_numbers(values: Sequence[float | None]) -> int:
    """Decimals for numbers that stand together: about three figures in all."""
    known = [abs(value) for value in values if value is not None]
    if all(value == round(value) for value in known):
        return 0
    largest = max(known)
    return next(places for places, least in enumerate((1000, 100, 1, 0.1, 0)) if largest >= least)


def _is_some(text: str) -> bool:
    """Whether anything is left of a figure after rounding."""
    return any(letter in "123456789" for letter in text)
