"""The cost of a member in a wave, from ten thousand to a million members: it must stay flat.

    .venv/bin/python -m benchmarks.cost_per_member [MEMBERS ...]

The wave of benchmarks/wave.py in a plain loop, each number in a process of its own. Processor time is compared, which other work on
the machine disturbs less than the clock. The reference is the smallest number. Goal: at most 1.25 times it.
"""

import argparse

from benchmarks.figures import Figure
from benchmarks.wave import measured


def main(numbers: list[int]) -> None:
    first = None
    for members in numbers:
        figures = measured(members, "plain")
        cost = figures["cpu"] / members * 1e6
        first = first or cost
        told = f"{numbers[0]:,} members"
        Figure("cost_per_member", f"{members:,} members: a member", cost, "us of processor", first, told, 1.25).show()
        Figure("cost_per_member", f"{members:,} members: peak memory", figures["peak_mb"], "MB", goal=1500).show()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("members", nargs="*", type=int, default=[10_000, 30_000, 100_000, 300_000, 1_000_000])
    main(parser.parse_args().members)
