"""A campaign that is ready to be carried out."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from engine.dispatch import Desk
from engine.running import Running
from store.clock import Clock


@dataclass(frozen=True)
class Opened:
    """Its versions with members, the newest first; who dispatches; what time it is; and what is let go in the end."""

    versions: Sequence[Running]
    desk: Desk
    clock: Clock
    held: ExitStack = field(default_factory=ExitStack)
