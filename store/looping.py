"""A server of asyncio's in a thread of its own."""

import asyncio


def serve_until_stopped(loop: asyncio.AbstractEventLoop, server: asyncio.Server) -> None:
    """Run the loop in this thread until somebody stops it; then end every connection and task, and close it."""
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
