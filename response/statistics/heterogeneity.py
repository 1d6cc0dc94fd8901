"""Does an effect differ between groups of customers, or is it one effect seen through noise?"""

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc


def heterogeneity_p_value(estimates: Sequence[float], variances: Sequence[float]) -> float | None:
    """Chance of estimates at least this far apart when all groups have the same effect: Cochran's Q.

    Chi-square with groups - 1 degrees of freedom; groups without variance are left out. None with fewer than two groups.
    Source: Cochran 1954, Biometrics 10:101.
    """
    effects, spread = np.asarray(estimates, float), np.asarray(variances, float)
    effects, weights = effects[spread > 0], 1 / spread[spread > 0]
    if len(effects) < 2:
        return None
    middle = (weights * effects).sum() / weights.sum()
    return float(chdtrc(len(effects) - 1, (weights * (effects - middle) ** 2).sum()))
