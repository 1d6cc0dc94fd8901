"""A comparison as it stood at the end of each day, and what a look on that day finds, however often one looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from response.statistics.looks import band_of_proportions, confidence_sequence
from response.statistics.sums import Effect, Sums


@dataclass(frozen=True, slots=True)
class Look:
    """One arm against control at the end of one day. `alpha` is the arm's part of what the rule spends on looking early.

    `p_value` is the smallest so far, valid whenever one looks; None for averages.
    """

    day: date
    test: Sums
    control: Sums
    alpha: float
    p_value: float | None

    @property
    def band(self) -> Effect:
        """Where the difference lies, however often one looks."""
        found = confidence_sequence if self.p_value is None else band_of_proportions
        return found(self.test, self.control, 1 - self.alpha)

    @property
    def finds(self) -> bool:
        """Whether no effect is left out: for shares by the test itself, which the band inverts."""
        if self.p_value is not None:
            return self.p_value < self.alpha
        low, high = self.band.low, self.band.high
        return low is not None and high is not None and not low <= 0 <= high

    @property
    def rise(self) -> bool:
        """Whether the arm stood higher than control."""
        return self.test.mean > self.control.mean


Looks = Mapping[str, Sequence[Look]]  # by arm, the oldest first


def first_finding(looks: Sequence[Look]) -> Look | None:
    """The look by which the rule has decided early; it stands whatever comes after."""
    return next((look for look in looks if look.finds), None)
