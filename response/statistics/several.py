"""Several arms against one control (Holm), or an effect in many segments (Benjamini-Hochberg)."""

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Holm's adjusted p-values, in the order given; judging by them keeps the chance of any false winner at the level.

    A None (not defined) stays None and does not count. Source: Holm 1979, Scandinavian Journal of Statistics 6:65.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    so_far = 0.0
    for step, (p, place) in enumerate(known):
        so_far = max(so_far, min(1.0, p * (len(known) - step)))
        adjusted[place] = so_far
    return tuple(adjusted)


def benjamini_hochberg(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Benjamini and Hochberg's adjusted p-values, in the order given; of findings judged by them at most the level is false on average.

    Holds for independent tests, and for those that lean the same way. A None (not defined) stays None and does not count.
    Source: Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57:289.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    so_far = 1.0
    for rank in range(len(known), 0, -1):
        p, place = known[rank - 1]
        so_far = min(so_far, p * len(known) / rank)
        adjusted[place] = so_far
    return tuple(adjusted)
