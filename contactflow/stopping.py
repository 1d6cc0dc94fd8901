"""The first Ctrl-C or SIGTERM lets what is on the wire be finished and written down, and begins nothing more; a second one ends at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STDERR = 2
TOLD = b"Stopping behind what is being sent. Once more ends it at once; messages on the wire are then told of as unknown.\n"
T = TypeVar("T")


@contextmanager
def gently(stopping: threading.Event) -> Iterator[Callable[[Callable[[], T]], T]]:
    """Hear these signals as a wish to stop, for as long as the block lasts; gives what carries out a piece of work meanwhile.

    Signals belong to the main thread; elsewhere nothing is heard.

    Raises KeyboardInterrupt behind a piece of work during which one came, or else behind the block.
    """

    def heard(number: int, _: FrameType | None) -> None:
        stopping.set()
        signal.signal(number, signal.SIG_DFL)
        with suppress(OSError):
            os.write(STDERR, TOLD)  # print() must not be called from here

    # In a thread of its own, where neither asyncio nor Prefect put themselves in front of the signals: they would give the work up.
    with ThreadPoolExecutor(1, "work") as pool:

        def carry_out(work: Callable[[], T]) -> T:
            done = pool.submit(work).result()
            if stopping.is_set():
                raise KeyboardInterrupt
            return done

        is_main = threading.current_thread() is threading.main_thread()
        before = {each: signal.signal(each, heard) for each in SIGNALS} if is_main else {}
        try:
            yield carry_out
            if stopping.is_set():
                raise KeyboardInterrupt
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def until_stopped() -> Iterator[None]:
    """Ctrl-C and SIGTERM both end the block as they should: behind what is being sent, and with everything put away."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # of itself it would end a process on the spot
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
