"""A server of asyncio's in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable


class RunningServer:
    """A server at work in a thread of its own, on `port`."""

    def __init__(self, port: int, stop: Callable[[], None]) -> None:
        self.port = port
        self._stop = stop

    def stop(self) -> None:
        """End every connection and task, and wait until that is done."""
        self._stop()


def serve_in_thread(
    loop: asyncio.AbstractEventLoop, server: asyncio.Server, name: str, afterwards: Callable[[], object] = lambda: None
) -> RunningServer:
    """Run the loop, which the server belongs to, in a thread called `name` until it is stopped; then close both and call `afterwards`."""
    port: int = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=_serve, args=(loop, server, afterwards), name=name, daemon=True)
    thread.start()

    def stop() -> None:
        if thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    return RunningServer(port, stop)


def _serve(loop: asyncio.AbstractEventLoop, server: asyncio.Server, afterwards: Callable[[], object]) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        # A mail that is being written in a thread of the loop's is written to its end: its sender may have been promised it.
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        afterwards()
