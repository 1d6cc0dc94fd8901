"""How many members are where, as the picture shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeCounts:
    """How many members stand `at` a node now, went `through` it to a next one, and `left` the campaign there."""

    at: int
    through: int
    left: int
