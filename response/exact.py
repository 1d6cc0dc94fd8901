"""Sums of products that both databases add up to the last unit, where one sum of 64 bits could overflow."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func

_HALF = 1 << 32


def product_sums(one: ColumnElement[Any], other: ColumnElement[Any]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Σ one·other in two halves, for whole numbers whose products fit 64 bits; a NULL counts as nothing."""
    product = cast(one, BigInteger) * cast(other, BigInteger)
    return func.sum(product // _HALF), func.sum(product % _HALF)


def whole(upper: Decimal | int | None, lower: Decimal | int | None) -> int:
    """The sum that two halves make."""
    return int(upper or 0) * _HALF + int(lower or 0)
