"""What one arm amounts to in two measures at once: an outcome y, and a covariate or denominator x."""

from dataclasses import dataclass

from response.statistics.sums import Sums


@dataclass(frozen=True, slots=True)
class Moments:
    """n, Σy, Σy², Σx, Σx² and Σxy over the customers assigned to one arm, zeros included.

    y and x are counted in 1/`y_unit` and 1/`x_unit` of their own unit (money in cents: 100). With integers every variance
    and the covariance are exact to the last bit before the one division.
    """

    n: int
    y: float
    yy: float
    x: float
    xx: float
    xy: float
    y_unit: int = 1
    x_unit: int = 1

    @property
    def outcome(self) -> Sums:
        """The sums of y alone."""
        return Sums(self.n, self.y, self.yy, self.y_unit)

    @property
    def covariate(self) -> Sums:
        """The sums of x alone."""
        return Sums(self.n, self.x, self.xx, self.x_unit)

    @property
    def covariance(self) -> float:
        """Sample covariance of y and x (denominator n - 1). Raises EmptyArmError below two customers."""
        self.outcome.require(2)
        return (self.n * self.xy - self.y * self.x) / (self.n * (self.n - 1) * self.y_unit * self.x_unit)

    def variance_of(self, y: float, x: float) -> float:
        """Sample variance (denominator n - 1) over customers of y times its weight plus x times its weight."""
        return max(0.0, y * y * self.outcome.variance + 2 * y * x * self.covariance + x * x * self.covariate.variance)

    def __add__(self, other: "Moments") -> "Moments":
        """The customers of two arms as one group; both are in the same units."""
        assert (self.y_unit, self.x_unit) == (other.y_unit, other.x_unit)
        sums = (self.n + other.n, self.y + other.y, self.yy + other.yy, self.x + other.x, self.xx + other.xx, self.xy + other.xy)
        return Moments(*sums, self.y_unit, self.x_unit)
