"""`python -m demo`: one campaign, all the way round."""

import logging
import sys
import time
from pathlib import Path

from contactflow.present import NOW
from contactflow.settings import read_settings
from demo.households import real_shop
from demo.tour import Outcome, Tour, examples
from studio.letters import read_runs

ROOT = Path("demo-workspace")
OPENING = """
contactflow: one campaign, all the way round.

  A grocer wants to win back 2,469 households that have bought nothing for half a year. They get a mail (by lot: a personal one or
  a general one), and who does not react gets a text message or a letter. One in five gets nothing, so that the grocer learns what the
  campaign changed. Households and purchases are real (completejourney, 2017); names, addresses and reactions are invented.
  Nothing leaves this machine. Everything is written to demo-workspace/."""


def main() -> int:
    """Walk round, and say what to open next; 1 when what happened and what was written down is not the same."""
    began = time.monotonic()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    say(OPENING)
    tour = Tour(ROOT.resolve(), real_shop(), say)
    outcome = tour.walk()
    say(closing(tour, outcome))
    say(f"\nDone in {time.monotonic() - began:.0f} s.")
    if not outcome.holds:
        say("Something was not written down as it happened: see the lines with NO in step 6.")
    return 0 if outcome.holds else 1


def say(text: str) -> None:
    """Say it at once, also into a pipe."""
    print(text, flush=True)  # noqa: T201  # the demo speaks


def closing(tour: Tour, outcome: Outcome) -> str:
    """What to open next."""
    pages = read_settings(ROOT).landing.base_url
    return f"""
What to open next

  {ROOT}/winback.html          the report
  {ROOT}/winback.svg, .pdf     the campaign, with how many people went where
  {ROOT}/{first_letters(ROOT)}
                                        the letters, each with a code of its own
  {ROOT}/data/                 what came in, and customers.rejected.csv: what did not

  .venv/bin/contactflow explain winback {examples(outcome)[-1]} --workspace {ROOT}

  And the same in a browser, with the clock where the demo left it (its links are of {tour.end:%Y}, and would have expired):

  {NOW}='{tour.end:%Y-%m-%d %H:%M}' .venv/bin/contactflow serve --workspace {ROOT}

    {pages}/inbox      every mail          {pages}/phone      every text
    {pages}/letters    every print run     {pages}/           where the code of a letter is typed
    {pages}{outcome.town.answered}      one household's own page"""


def first_letters(root: Path) -> Path:
    """The print run with the most letters."""
    runs = read_runs(root / "print")
    return Path("print") / max(runs, key=lambda run: run.letters).folder / "letters.pdf" if runs else Path("print")


if __name__ == "__main__":
    sys.exit(main())
