"""Pages with an engine behind them, which answers by mail what is asked for on them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.sync_api import Browser
from sqlalchemy import text
from sqlmodel import SQLModel

from contactflow.requesting import Requests
from engine.campaigns import open_versions, start
from engine.language.check import check_text
from engine.language.context import CheckContext
from landing.words import Language
from store.session import open_database, reading, writing
from tests.engine.conftest import Bench
from tests.eyes.browser import Visit, visiting
from tests.eyes.world import settings_of, world
from tests.landing.landing_pages import NOON

OFFERS = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt, next: end}
"""
ANSWERED = """campaign: {name}
purpose: offers
flow:
  asked: {{request: {asked}}}
  mail: {{send: email, answers_request: yes, subject: Hi, template: {link}.txt, next: end}}
"""


@dataclass(frozen=True, slots=True)
class Office:
    """Somebody with a phone at the pages, one customer who was written to, and what carries out what is asked for."""

    visit: Visit
    bench: Bench
    requests: Requests

    def carry_out(self) -> None:
        """What `serve` does when it was told of a request: carry it out, and send what is due then."""
        self.requests.look(NOON)
        for name in ("newsletter", "my-data"):
            assert self.bench.carry_out(open_versions(self.bench.workspace, name), NOON) == []

    def link_mailed(self) -> str:
        """Carry out what was asked for; the path of the link in the mail that answers it."""
        before = self._mails()
        self.carry_out()
        (mail,) = self._mails()[len(before) :]
        return re.findall(r"pages\.test(/\w/[\w.-]+)", mail)[0]  # type: ignore[no-any-return]  # of one group

    def addresses(self) -> list[str | None]:
        """Of all customers, whether offers are allowed or not; None of whoever was erased."""
        return self._column("SELECT email FROM customer ORDER BY id")

    def allowed(self) -> list[str | None]:
        """The addresses of those who allow offers by mail."""
        granted = "purpose = 'offers' AND channel = 'email' AND granted"
        return self._column(f"SELECT email FROM consent JOIN customer ON customer.id = customer_id WHERE {granted} ORDER BY customer.id")

    def _column(self, sql: str) -> list[str | None]:
        with reading(self.bench.workspace.database) as session:
            return list(session.execute(text(sql)).scalars())

    def _mails(self) -> list[str]:
        return self.bench.record.read_text().splitlines()


@contextmanager
def office(browser: Browser, folder: Path, language: Language, *, script: bool) -> Iterator[Office]:
    """The office over SQLite, with a customer and a visitor who speak a language."""
    database = open_database(f"sqlite:///{folder / 'test.db'}")
    SQLModel.metadata.create_all(database)
    bench, settings = Bench(folder, database), settings_of(folder / "templates")
    with world(database, database, settings) as there, visiting(browser, there, language, script=script) as visit:
        bench.workspace = replace(bench.workspace, links=there.links)
        bench.people(1)
        with writing(database) as session:
            session.execute(text("UPDATE customer SET language = :language"), {"language": language})
        bench.carry_out(bench.start(OFFERS))
        for name, asked, link in (("newsletter", "join, page: newsletter/join.yaml", "confirm"), ("my-data", "my data", "my_data")):
            (bench.workspace.templates / f"{link}.txt").write_text(f"{{{{ links.{link} }}}}")
            flow = ANSWERED.format(name=name, asked=asked, link=link)
            checked = check_text(flow, bench.workspace.flows / f"{name}.yaml", CheckContext(templates=bench.workspace.templates))
            start(bench.workspace, checked.require(), flow, NOON)
        yield Office(visit, bench, Requests(bench.workspace))
    database.dispose()
