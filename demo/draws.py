"""Chance that can be repeated: every draw hangs on who it is about and what it decides, never on the order of things."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

SEED = "contactflow demo 1"
Thing = TypeVar("Thing")


def draw(who: str, what: str) -> float:
    """A number in [0, 1), the same for the same person and question on every machine."""
    digest = hashlib.blake2b(f"{SEED}/{what}/{who}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2.0**64


def happens(who: str, what: str, probability: float) -> bool:
    """Whether something with this probability happens. A higher probability never undoes what a lower one brought about."""
    return draw(who, what) < probability


def pick(who: str, what: str, things: Sequence[Thing]) -> Thing:
    """One of several, each as likely."""
    return things[int(draw(who, what) * len(things))]
