"""Figures as people write them."""

from engine.campaign import Metric

_MARKS = {"en": (",", "."), "nl": (".", ",")}
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
UNDEFINED = "–"
_MINUS = "\N{MINUS SIGN}"
_NO_BREAK = "\N{NO-BREAK SPACE}"


class Numbers:
    """Writes figures in one language. What is not defined is a dash."""

    def __init__(self, language: str, currency: str) -> None:
        self._thousands, self._decimal = _MARKS[language]
        symbol = _SYMBOLS.get(currency)
        self._before = (symbol if language == "en" else f"{symbol}{_NO_BREAK}") if symbol else ""
        self._after = "" if symbol else f"{_NO_BREAK}{currency}"

    def count(self, value: float | None) -> str:
        """A number of customers."""
        return self.plain(value, 0)

    def plain(self, value: float | None, places: int) -> str:
        """A number with so many decimals and a real minus sign; never minus zero."""
        if value is None:
            return UNDEFINED
        text = f"{abs(value):,.{places}f}".translate({ord(","): self._thousands, ord("."): self._decimal})
        return f"{_MINUS}{text}" if value < 0 and any(letter in "123456789" for letter in text) else text

    def percent(self, share: float | None) -> str:
        """A share of a whole, two decimals below ten per cent."""
        if share is None:
            return UNDEFINED
        return f"{self.plain(100 * share, 2 if abs(share) < 0.1 else 1)}%"

    def signed_percent(self, share: float | None) -> str:
        """A relative change; whole per cents from a hundred on."""
        if share is None:
            return UNDEFINED
        return self._with_sign(share, f"{self.plain(100 * share, 0 if abs(share) >= 1 else 1)}%")

    def money(self, amount: float | None) -> str:
        """An amount in the report's currency."""
        if amount is None:
            return UNDEFINED
        sign = _MINUS if round(amount, 2) < 0 else ""
        return f"{sign}{self._before}{self.plain(abs(amount), 2)}{self._after}"

    def rate(self, metric: Metric, rate: float | None) -> str:
        """A share, or money for each customer."""
        return self.money(rate) if metric == "spend" else self.percent(rate)

    def size(self, metric: Metric, difference: float) -> str:
        """A difference without its sign: so many of a hundred customers, or money."""
        return self.money(abs(difference)) if metric == "spend" else self.plain(abs(100 * difference), _places(difference))

    def signed(self, metric: Metric, difference: float | None) -> str:
        """A difference with its sign, in points or money."""
        if difference is None:
            return UNDEFINED
        return self._with_sign(
            difference, self.money(difference) if metric == "spend" else self.plain(100 * difference, _places(difference))
        )

    def axis(self, metric: Metric, value: float, step: float, signed: bool = False) -> str:
        """A tick's label, with as many decimals as the distance between ticks needs."""
        if metric == "spend":
            places = 0 if step % 1 == 0 else 2
            text = f"{_MINUS if value < 0 else ''}{self._before}{self.plain(abs(value), places)}{self._after}"
        else:
            places = next(each for each in range(6) if abs(round(100 * step, each) - 100 * step) < 1e-9)
            text = self.plain(100 * value, places) + ("" if signed else "%")
        return self._with_sign(value, text) if signed else text

    def p(self, value: float | None) -> str:
        """A p-value; below a thousandth that is all that matters."""
        if value is None:
            return UNDEFINED
        return f"<{_NO_BREAK}{self.plain(0.001, 3)}" if value < 0.001 else self.plain(value, 3)

    @staticmethod
    def _with_sign(value: float, text: str) -> str:
        return f"+{text}" if value > 0 and any(letter in "123456789" for letter in text) else text


def _places(share: float) -> int:
    return 1 if abs(share) >= 0.01 else 2
