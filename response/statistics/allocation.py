"""Was the split carried out as it was written?"""

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc, gammaln, xlogy

MISMATCH_BELOW = 0.001  # a broken split is a defect to be sure of: one false alarm in a thousand looks
FEW = 10  # below so many expected in an arm, two arms are judged exactly
TOO_FEW = 5  # below so many, three arms or more are not judged


def sample_ratio_p_value(observed: Sequence[int], expected: Sequence[float]) -> float | None:
    """Probability of counts at least this far from the written shares, when the split works.

    `expected` are customers per arm and add up to those observed. Pearson's chi-square with arms - 1 degrees of freedom; with
    two arms and few expected, the exact binomial test. None when it cannot be judged: one arm, nobody, or too few.
    Source: Pearson 1900; Fabijan et al. 2019, Diagnosing sample ratio mismatch, KDD.
    """
    counts, shares = np.asarray(observed, float), np.asarray(expected, float)
    total = counts.sum()
    if len(counts) < 2 or total == 0 or shares.min() <= 0:
        return None
    if len(counts) == 2 and shares.min() < FEW:
        return _exact_binomial(int(counts[0]), int(total), float(shares[0] / shares.sum()))
    if shares.min() < TOO_FEW:
        return None
    return float(chdtrc(len(counts) - 1, ((counts - shares) ** 2 / shares).sum()))


def _exact_binomial(successes: int, trials: int, share: float) -> float:
    """Two-sided: the sum over all counts that are no more probable than the one seen."""
    counts = np.arange(trials + 1)
    ways = gammaln(trials + 1) - gammaln(counts + 1) - gammaln(trials - counts + 1)
    weights = np.exp(ways + xlogy(counts, share) + xlogy(trials - counts, 1 - share))
    # Counts on the other side that are exactly as probable must not be lost to rounding.
    return float(min(1.0, weights[weights <= weights[successes] * (1 + 1e-7)].sum()))
