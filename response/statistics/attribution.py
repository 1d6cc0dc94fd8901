"""Which touch gets the credit? Five conventions, always shown beside the hold-out lift and never instead of it.

None of them knows what would have happened without the touches: they share out all responses, also those that would have come anyway.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

ENDS = 0.4  # of the credit each for the first and the last touch of a path, by position

_Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Path:
    """Customers with the same touches in the same order: how many of them responded, and how many did not (so far).

    `touches` are names (of nodes, channels, campaigns) before the response, oldest first.
    """

    touches: tuple[str, ...]
    responded: float
    silent: float = 0


@dataclass(frozen=True, slots=True)
class Credit:
    """Touch to responses, by each convention; each adds up to `attributed`. `untouched` responded without any touch before."""

    attributed: float
    untouched: float
    first: Mapping[str, float] = field(default_factory=dict)
    last: Mapping[str, float] = field(default_factory=dict)
    linear: Mapping[str, float] = field(default_factory=dict)
    position: Mapping[str, float] = field(default_factory=dict)
    markov: Mapping[str, float] = field(default_factory=dict)


def attribute(paths: Sequence[Path]) -> Credit:
    """The credit of every touch by all five conventions. Every touch of any path is named, if need be with 0.

    First and last: the whole response to that touch. Linear: the same part to each touch of the path, repeats included. Position: .4 to the
    first, .4 to the last, .2 shared by those between; with two touches half each, with one all. Markov: in proportion to the
    removal effect, see `removal_effects`.
    """
    touched = [path for path in paths if path.touches]
    attributed = float(sum(path.responded for path in touched))
    return Credit(
        attributed=attributed,
        untouched=float(sum(path.responded for path in paths if not path.touches)),
        first=_shared(touched, lambda length: [1.0, *[0.0] * (length - 1)]),
        last=_shared(touched, lambda length: [*[0.0] * (length - 1), 1.0]),
        linear=_shared(touched, lambda length: [1 / length] * length),
        position=_shared(touched, by_position),
        markov=_in_proportion(removal_effects(touched), attributed),
    )


def removal_effects(paths: Sequence[Path]) -> dict[str, float]:
    """Touch to the part (0 to 1) of the responses that is lost when everybody who would come to it leaves instead.

    A first-order Markov chain from start over the touches to response or silence, its probabilities the counted steps; exact, by one
    set of linear equations per touch and without simulated walks. All 0 when nobody responded. It needs the silent paths: without them
    every touch on the only way to a response loses all. Source: Anderl, Becker, von Wangenheim and Schumann 2016, International Journal of
    Research in Marketing 33:457.
    """
    names = _names(paths)
    steps = _steps(paths, {name: place for place, name in enumerate(names)})
    everyone = _response_chance(steps)
    if not everyone:
        return dict.fromkeys(names, 0.0)
    return {name: 1 - _response_chance(_without(steps, place)) / everyone for place, name in enumerate(names)}


def by_position(length: int) -> list[float]:
    """The parts of first, middle and last touches in a path of so many."""
    if length <= 2:
        return [1 / length] * length
    return [ENDS, *[(1 - 2 * ENDS) / (length - 2)] * (length - 2), ENDS]


def _shared(paths: Sequence[Path], parts: Callable[[int], Sequence[float]]) -> dict[str, float]:
    """Each path's responses, shared over its touches by their places."""
    credit = dict.fromkeys(_names(paths), 0.0)
    for path in paths:
        for touch, part in zip(path.touches, parts(len(path.touches)), strict=True):
            credit[touch] += part * path.responded
    return credit


def _in_proportion(weights: Mapping[str, float], whole: float) -> dict[str, float]:
    total = sum(weights.values())
    return {name: whole * weight / total if total else 0.0 for name, weight in weights.items()}


def _names(paths: Sequence[Path]) -> list[str]:
    return sorted({touch for path in paths for touch in path.touches})


def _steps(paths: Sequence[Path], place: Mapping[str, int]) -> _Matrix:
    """Probability of each step: a row per touch and, last, the start; a column per touch, then response and silence."""
    size = len(place)
    counted = np.zeros((size + 1, size + 2))
    for path in paths:
        way = [size, *(place[touch] for touch in path.touches)]
        np.add.at(counted, (way[:-1], way[1:]), path.responded + path.silent)
        counted[way[-1], size] += path.responded
        counted[way[-1], size + 1] += path.silent
    totals = counted.sum(axis=1, keepdims=True)
    probabilities: _Matrix = counted / np.where(totals > 0, totals, 1)
    return probabilities


def _response_chance(steps: _Matrix) -> float:
    """Chance of a response from the start: the chances from all touches solve (I - Q) v = r."""
    size = len(steps) - 1
    chances = np.linalg.solve(np.eye(size) - steps[:size, :size], steps[:size, size])
    return float(steps[size, :size] @ chances)


def _without(steps: _Matrix, place: int) -> _Matrix:
    """The chain in which every step to one touch leads to silence."""
    changed = steps.copy()
    changed[:, -1] += changed[:, place]
    changed[:, place] = 0
    return changed
