"""SVG path data, of which our drawings use only M, L, C and Z with absolute coordinates."""

import re
from collections.abc import Iterator

COMMAND = re.compile(r"([MLCZ])([^MLCZ]*)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def commands(d: str) -> Iterator[tuple[str, list[float]]]:
    """Each command of a path with its numbers."""
    for found in COMMAND.finditer(d):
        yield found[1], [float(each) for each in NUMBER.findall(found[2])]
