"""A campaign that is ready to be carried out."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from engine.dispatch import Desk
from engine.running import Running
from store.clock import Clock


@dataclass(frozen=True)
class Opened:
    """Its versions with members, the newest first; who dispatches; what time it is; what is let go in the end.

    `afterwards`: what a worker does behind each wave.
    """

    versions: Sequence[Running]
    desk: Desk
    clock: Clock
    held: ExitStack = field(default_factory=ExitStack)
    afterwards: Callable[[datetime], object] | None = None
