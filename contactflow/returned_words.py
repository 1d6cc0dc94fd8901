"""How it is told what came back by mail."""

from typing import Any

from channels.feedback import Happening
from contactflow.returning import Tally

_NAMES = {
    Happening.BOUNCED_HARD: ("hard bounce", "hard bounces"),
    Happening.BOUNCED_SOFT: ("soft bounce", "soft bounces"),
    Happening.COMPLAINED: ("complaint", "complaints"),
    Happening.UNSUBSCRIBED: ("wish to stop", "wishes to stop"),
    Happening.REPLIED: ("reply", "replies"),
    Happening.AUTO_REPLIED: ("automatic answer", "automatic answers"),
    Happening.DELAYED: ("delay", "delays"),
    Happening.DELIVERED: ("confirmation", "confirmations"),
    Happening.PASSED_ON: ("passed on", "passed on"),
}


def in_short(told: Tally) -> str:
    """One line: what the mails were."""
    parts = [_count(told.happenings[each], *names) for each, names in _NAMES.items() if told.happenings[each]]
    parts += [f"{count:,} {word}" for count, word in ((told.not_ours, "not ours"), (told.unreadable, "unreadable")) if count]
    return f"{_count(told.mails, 'mail', 'mails')} came back: {', '.join(parts) or 'nothing about our messages'}"


def in_words(told: Tally) -> str:
    """The same, with what is to be known of it."""
    lines = [in_short(told)]
    if told.repeated:
        lines.append(f"  {told.repeated:,} known already")
    if told.unproven:
        lines.append(f"  {told.unproven:,} not believed: nothing shows that they come from whoever got the message")
    if told.resolved:
        lines.append(f"  {_count(told.resolved, 'message', 'messages')} of unknown fate did leave, as is known now")
    if told.troubles:
        lines.append(f"  unreadable because of {', '.join(sorted(told.troubles))}")
    return "\n".join(lines)


def as_json(told: Tally) -> dict[str, Any]:
    """The same for programs: every kind, also those of which there is none."""
    kinds = {each.value: told.happenings[each] for each in _NAMES}
    others = {name: getattr(told, name) for name in ("not_ours", "unreadable", "repeated", "unproven", "resolved")}
    return {"mails": told.mails, **kinds, **others}


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
