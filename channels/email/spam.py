"""What SpamAssassin says of a mail, where it is installed; nothing leaves the machine."""

import re
import shutil
import subprocess
from dataclasses import dataclass

_SECONDS = 60
_SCORE = re.compile(rb"score=(-?[\d.]+) required=([\d.]+) tests=([\w,\s]+?)(?:\s+autolearn|\s+version|\Z)")


@dataclass(frozen=True, slots=True)
class SpamScore:
    """Points, the points from which it counts as spam, and the rules that gave them."""

    points: float
    limit: float
    rules: tuple[str, ...]


def spam_score(mail: bytes) -> SpamScore | None:
    """The score of a whole mail, by local rules only; None where there is no SpamAssassin, or it does not answer."""
    program = shutil.which("spamassassin")
    if program is None:
        return None
    try:
        done = subprocess.run([program, "--local", "--test-mode"], input=mail, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _SCORE.search(done.stdout.replace(b"\n\t", b" "))
    if found is None:
        return None
    rules = tuple(rule.strip() for rule in found[3].decode().split(",") if rule.strip())
    return SpamScore(float(found[1]), float(found[2]), rules)
