"""A whole report with a row of every kind, small enough to be done by hand, and its formats as a test wants to read them.

`python -m tests.response.report_example` writes tests/response/golden/report.json anew, for when the report should change.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from sqlmodel import SQLModel

from response.notebook import CampaignReport
from response.queries import recorded
from response.render.data import sections_as_json
from response.sections import build_document
from store.session import open_database
from tests.response.response_story import DONE, HOLDOUT, LEARN, TEST, Story, flow, telling

GOLDEN = Path(__file__).parent / "golden" / "report.json"
HELD = ("goal", "result")  # the sections whose every word the golden file holds
VOID = {"meta", "line", "rect", "circle", "polyline", "br", "path", "use"}


@contextmanager
def a_story(folder: Path) -> Iterator[Story]:
    """On SQLite alone: what is shown here has left the database."""
    engine = open_database(f"sqlite:///{folder / 'story.db'}")
    SQLModel.metadata.create_all(engine)
    with telling(engine) as told:
        yield told
    engine.dispose()


def made(story: Story, days: float = 60, currency: str = "EUR") -> CampaignReport:
    """The story's report, as it is for the command line and for notebooks."""
    with recorded(story.session) as asked:
        found = story.sources(days, currency)
    return CampaignReport(build_document(found, asked), found.report)


def winning(story: Story, days: float = 60) -> CampaignReport:
    """A hold-out that wins, variants, and messages of several kinds."""
    version = story.runs(flow(HOLDOUT, TEST, DONE, learn={**LEARN, "also": ["response"]}))
    contacted = story.arm(100, "start", "contacted", version)
    story.arm(100, "start", "control", version)
    story.assigns(contacted[:50], "test", "warm", version)
    story.assigns(contacted[50:], "test", "plain", version)
    for place, member in enumerate(contacted[:40]):
        sent = story.message(member, "test", "sent", arm="warm")
        story.contact(member, "clicked", message_id=sent)
        story.buys(member, 1999, days=1 + place % 20)
    story.message(contacted[40], "test", "suppressed", arm="warm", reason="opted_out")
    story.contact(contacted[41], "visited")
    return made(story, days)


def golden(report: CampaignReport) -> str:
    """The sections whose every word is held, as the golden file has them. Digests are of the flow."""
    found = [each for each in sections_as_json(report.document) if each["name"] in HELD]
    return re.sub(r"\b[0-9a-f]{12}\b", "0" * 12, json.dumps(found, indent=1, ensure_ascii=False)) + "\n"


class Outline(HTMLParser):
    """Fails on a tag that is not closed, and collects what would fetch or run something, what is named, and what points at a name."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.text: list[str] = []
        self.names: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, dict(attrs))

    def _look(self, tag: str, attrs: dict[str, Any]) -> None:
        link = attrs.get("href") or ""
        outside = bool(link) and not link.startswith("#")
        if tag in ("script", "link", "img", "iframe", "object", "use") or outside or {"src", "onclick", "onload"} & set(attrs):
            self.outside.append(tag)
        self.names += [attrs["id"]] if "id" in attrs else []
        self.targets += [link.removeprefix("#")] if link.startswith("#") else []

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def outline(page: str) -> Outline:
    """The page, looked through from top to bottom."""
    found = Outline()
    found.feed(page)
    assert found.open == []
    assert found.outside == []
    return found


def read(page: str) -> str:
    """The page's text on one line."""
    return " ".join(" ".join(outline(page).text).split())


def main() -> None:
    """Write the golden file anew."""
    with tempfile.TemporaryDirectory() as folder, a_story(Path(folder)) as story:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(golden(winning(story)), encoding="utf-8")


if __name__ == "__main__":
    main()
