"""Shift traffic towards the better variant while running: batch Thompson sampling, with a floor per arm and an untouched control.

The shares of the next batch follow from what came back by now. They are computed exactly, not drawn: the same sums give the same shares.
An arm that did well by luck gets more customers, so that afterwards an ordinary interval over all batches is not what it says
it is: `after_batches` compares within batches, and its result is to be shown with the label "adaptive".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from response.statistics.chances import chances_to_be_best
from response.statistics.sums import UNDEFINED, Effect, Sums, quantile
from store.errors import InputError


class FloorError(InputError):
    """The floors of the arms and the control's share come to more than everybody."""


@dataclass(frozen=True, slots=True)
class Adaptive:
    """The effect of an arm whose share followed its outcomes. `label` says so beside every interval that is shown."""

    effect: Effect
    batches: int
    label: str = "adaptive"


def next_shares(arms: Mapping[str, Sums], control: str, control_share: float, floor: float) -> dict[str, float]:
    """Arm to its share (0 to 1, together 1) of the next batch; sums are of counts over the customers assigned so far.

    Control keeps `control_share` whatever it does, and is no candidate. Each other arm gets `floor` of all customers, and of what is left a
    part in proportion to its chance to be the best of them (Beta-binomial, uniform belief before the data). An arm with nobody in it
    yet counts as wholly unknown. Raises FloorError.
    Source: Thompson 1933, Biometrika 25:285; Scott 2010, Applied Stochastic Models 26:639 (batches); Russo et al. 2018, section 8.
    """
    candidates = [name for name in arms if name != control]
    spare = 1 - control_share - floor * len(candidates)
    if spare < -1e-12 or not candidates:
        raise FloorError(
            f"{len(candidates)} arms with at least {floor:.1%} each and a control of {control_share:.1%} do not fit in the whole. "
            "Lower the floor or the control's share."
        )
    best = chances_to_be_best([arms[name] for name in candidates])
    shares = {name: floor + max(0.0, spare) * chance for name, chance in zip(candidates, best, strict=True)}
    return {name: control_share if name == control else shares[name] for name in {**arms, control: None}}


def draw_batch(shares: Mapping[str, float], customers: int, seed: int) -> dict[str, int]:
    """Customers per arm in a batch in which each is drawn by these shares; the same for the same seed.

    For simulation; a flow assigns by its salted hash.
    """
    drawn = np.random.default_rng(seed).multinomial(customers, list(shares.values()))
    return dict(zip(shares, drawn.tolist(), strict=True))


def after_batches(batches: Sequence[tuple[Sums, Sums]], level: float = 0.95) -> Adaptive:
    """Mean of test minus mean of control after batches with different shares; each pair holds the customers of one batch only.

    Within a batch the split is random, so each difference is fair. They are weighted by √(n_t·n_c / (n_t + n_c)), which is known before
    the batch's outcomes and gives each batch the same part in the error, whatever the bandit did: with the weights themselves, not
    their roots, the interval is too short where the arms are alike. Pooling the batches confuses the arm with the time.
    Normal interval with each batch's own variances. Undefined without a batch that has two customers in both.
    Source: Zhang, Janson and Murphy 2020, Inference for Batched Bandits, NeurIPS (batched OLS).
    """
    usable = [(test, control) for test, control in batches if min(test.n, control.n) >= 2]
    if not usable:
        return Adaptive(UNDEFINED, 0)
    weights = [sqrt(test.n * control.n / (test.n + control.n)) for test, control in usable]
    total = sum(weights)
    effect = sum(weight * (test.mean - control.mean) for weight, (test, control) in zip(weights, usable, strict=True)) / total
    squares = sum(
        w * w * (test.variance / test.n + control.variance / control.n) for w, (test, control) in zip(weights, usable, strict=True)
    )
    if not squares:
        return Adaptive(Effect(effect, None, None), len(usable))
    reach = quantile(level) * sqrt(squares) / total
    return Adaptive(Effect(effect, effect - reach, effect + reach), len(usable))
