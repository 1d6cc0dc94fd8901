"""A page against what its examples really print. Each page has a file of its own, so that they are run side by side."""

from pathlib import Path

from scripts.house.examples import play, told
from scripts.house.reference import ROOT


def does_what_it_says(name: str, folder: Path, prefect: str | None = None) -> None:
    """Run a page's examples in `folder`; fails when one of them fails or prints something else than the page says.

    Without `prefect` they start Prefect servers of their own, as for a user; one page that does so is enough.
    """
    text = (ROOT / name).read_text(encoding="utf-8")
    assert told(play(text, folder, prefect)) == told(text), "if the page should change: scripts/reference"
