"""How soon `contactflow check` answers: against the bare imports of typer, yaml and jinja2, in turns, in the same run.

    .venv/bin/python -m benchmarks.check_start [ROUNDS]

Processor time is compared, which other work on the machine disturbs less than the clock; wall time stands beside it. Goal: 1.3 times
the reference. What conditions and checks need besides, and cannot do without, is measured too: sqlglot and pydantic. Bytecode is kept,
as wherever contactflow is installed, also on a machine that is told not to write any.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure

ROOT = Path(__file__).resolve().parent.parent
PYTHON = Path(sys.executable)
BARE = "the bare imports of typer, yaml, jinja2"
NEEDED = "these with pydantic and sqlglot"
COMMANDS = {
    "check": [str(PYTHON.with_name("contactflow")), "check", "winback", "--workspace", str(ROOT)],
    BARE: [str(PYTHON), "-c", "import typer, yaml, jinja2"],
    NEEDED: [str(PYTHON), "-c", "import typer, yaml, jinja2, pydantic, sqlglot; pydantic.BaseModel"],
}


def main(rounds: int) -> None:
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):
        for name, command in COMMANDS.items():
            spent[name].append(measured(command))
    typical = {name: [1000 * median(each[kind] for each in times[1:]) for kind in (0, 1)] for name, times in spent.items()}
    for kind, unit in enumerate(("ms of processor", "ms")):
        Figure("check_start", "contactflow check", typical["check"][kind], unit, typical[BARE][kind], BARE, 1.3).show()
        Figure("check_start", "contactflow check", typical["check"][kind], unit, typical[NEEDED][kind], NEEDED).show()


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds of processor and of the clock. The first round only fills caches."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.perf_counter() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=15)
    main(parser.parse_args().rounds)
