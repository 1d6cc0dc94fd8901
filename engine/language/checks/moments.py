"""Dates that can only be slips of the pen."""

from engine.language.context import CheckContext
from engine.language.draft import Draft
from engine.language.values import Moment

_YEARS = 5


def check_moments(draft: Draft, context: CheckContext) -> None:
    """Every date within a few years of today, where today is known."""
    if context.today is None:
        return
    for node_id, node in draft.nodes.items():
        for name in type(node).model_fields:
            value = getattr(node, name)
            if isinstance(value, Moment) and value.on and abs(value.on.year - context.today.year) > _YEARS:
                message = f"`{name}: {value}` is more than {_YEARS} years from now."
                draft.blame(draft.place_in(node_id, (name,)), "far-date", message, "Correct the year.")
