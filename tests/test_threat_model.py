"""What docs/threat-model.md claims is held by tests that exist."""

import re
from pathlib import Path

MODEL = Path("docs/threat-model.md")


def test_every_line_of_the_threat_model_names_tests_that_there_are() -> None:
    written = {name for path in Path("tests").rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}
    rows = [line for line in MODEL.read_text().splitlines() if line.startswith("| ") and not line.startswith("| against")]
    assert rows
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.rsplit("|", 2)[1])
        assert named, row
        assert set(named) <= written, set(named) - written
