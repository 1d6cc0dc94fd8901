"""How far a message came, as a number: of several messages to one customer the furthest one is the largest."""

from sqlalchemy import ColumnElement, FromClause, case, func

from engine.reasons import Reason

_REASONS = {reason.value: number for number, reason in enumerate(Reason, 1)}
_OTHER = "other"
_FAILED, _OPEN, _UNKNOWN, _SENT = 100, 200, 201, 202  # below 100: held back, for the reason of that number
_NAMES = {_OPEN: "open", _UNKNOWN: "unknown", _SENT: "sent"}


def progress_of(messages: FromClause) -> ColumnElement[int]:
    """How far a message of the outbox came; a copy of the outbox has it as a column."""
    known = messages.c.get("progress")
    if known is not None:
        return known
    reason = case(_REASONS, value=func.coalesce(messages.c.reason, ""), else_=0)
    return case(
        (messages.c.state == "sent", _SENT),
        (messages.c.state == "unknown", _UNKNOWN),
        (messages.c.state == "failed", reason + _FAILED),
        (messages.c.state == "suppressed", reason),
        else_=_OPEN,
    )


def state_of(progress: int) -> str:
    """sent, unknown, open, failed or suppressed."""
    return _NAMES.get(progress, "failed" if progress >= _FAILED else "suppressed")


def reason_of(progress: int) -> str:
    """Why a message failed or was held back."""
    number = progress - _FAILED if progress >= _FAILED else progress
    return next((reason for reason, known in _REASONS.items() if known == number), _OTHER)
