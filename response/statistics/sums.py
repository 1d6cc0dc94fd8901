"""What one arm amounts to, and what an estimate looks like."""

from dataclasses import dataclass

from scipy.special import ndtri

from store.errors import ContactflowError


class EmptyArmError(ContactflowError):
    """An arm has nobody in it, so that there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Sums:
    """n, Σy and Σy² over the customers assigned to one arm, including all for whom y is 0.

    y is counted in 1/`unit` of the metric's own unit (money in cents: 100). With integers the mean and the variance are
    exact to the last bit: nothing is subtracted after rounding.
    """

    n: int
    y: float
    yy: float
    unit: int = 1

    @classmethod
    def of_count(cls, n: int, y: int) -> "Sums":
        """`y` of `n` customers did it: a proportion."""
        return cls(n, y, y)

    @property
    def mean(self) -> float:
        """Mean of y in the metric's own unit. Raises EmptyArmError."""
        self.require(1)
        return self.y / (self.n * self.unit)

    @property
    def variance(self) -> float:
        """Sample variance (denominator n - 1) in the metric's own unit squared. Raises EmptyArmError below two customers."""
        self.require(2)
        return max(0, self.n * self.yy - self.y * self.y) / (self.n * (self.n - 1) * self.unit**2)

    def require(self, customers: int) -> None:
        """Raise EmptyArmError when there are fewer than so many."""
        if self.n < customers:
            raise EmptyArmError(f"An arm of {self.n} customers cannot be compared; it takes {customers}.")


@dataclass(frozen=True, slots=True)
class Effect:
    """An estimate with its interval. None where the data cannot say: never a made-up number."""

    estimate: float | None
    low: float | None
    high: float | None


UNDEFINED = Effect(None, None, None)


def quantile(level: float) -> float:
    """The standard normal quantile of a two-sided interval: 1.96 for 0.95."""
    return float(ndtri((1 + level) / 2))
