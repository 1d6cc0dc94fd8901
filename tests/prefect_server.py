"""A Prefect server that lives until nobody listens: python -m tests.prefect_server FOLDER prints its address."""

import sys
from pathlib import Path

from engine.prefect_server import prefect_at_hand

if __name__ == "__main__":
    with prefect_at_hand(Path(sys.argv[1])) as address:
        print(address, flush=True)  # noqa: T201 - what the test session waits for
        sys.stdin.read()
