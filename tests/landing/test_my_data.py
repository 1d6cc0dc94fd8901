"""My data: asked for in the preference centre, seen behind a link that comes by mail, saved, corrected and erased, and by nobody else."""

import asyncio
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import Engine, text

from contactflow.answering import KEPT
from contactflow.requesting import Requests
from customers.choices import ChoiceKind
from customers.consent import Source
from customers.contact_log import Kind
from customers.corrections import CORRECTABLE
from customers.tables import CustomerId
from engine.asked import RequestKind, Wanted, ask
from engine.campaigns import open_versions, start
from engine.language.check import check_text
from engine.language.context import CheckContext
from engine.links import Links
from engine.outbox import State
from landing.answers import AnswerDesk, Answered, Answers
from landing.app import landing_app
from landing.description import FOUND
from landing.dossier_lines import LINES_OF
from landing.my_data import FILE_NAME
from landing.my_data_words import NAMES, TOLD
from landing.page_files import SHIPPED, load_page
from landing.recipients import recipient_of
from landing.responses import PATIENCE_SECONDS
from landing.seen import Seen
from landing.settings import LandingSettings
from landing.words import LANGUAGES
from store.clock import FixedClock
from store.errors import TokenError
from store.session import reading, writing
from store.together import Together
from store.tokens import Signer
from tests.conftest import NOON
from tests.engine.conftest import Bench
from tests.landing.landing_pages import BASE, BROWSER, KEY, served

DAY = timedelta(days=1)
OFFERS = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt, next: end}
"""
MY_DATA = """campaign: my-data
flow:
  asked: {request: my data}
  mail: {send: email, answers_request: yes, subject: Hi, template: mine.txt, next: end}
"""


class Mine(NamedTuple):
    """A browser at the pages, a workspace in which two people got an offer, and what carries out what they ask."""

    browser: httpx.Client
    bench: Bench
    requests: Requests
    links: Links
    clock: FixedClock
    heard: list[Any]

    @property
    def centre(self) -> str:
        """The preference centre of Name1."""
        return self.links.link("preferences", 1, NOON + 300 * DAY).removeprefix(BASE)

    def asked(self, kind: str) -> list[dict[str, Any]]:
        """The requests of a kind, as they stand."""
        with reading(self.bench.workspace.database) as session:
            rows = session.execute(text("SELECT * FROM request WHERE kind = :kind ORDER BY id"), {"kind": kind}).mappings()
            return [dict(row) for row in rows]

    def carry_out(self) -> None:
        """What the engine does when it looks: requests, then whatever is due."""
        self.requests.look(self.clock.now())
        self.bench.carry_out(open_versions(self.bench.workspace, "my-data"), self.clock.now())

    def link(self) -> str:
        """The path of the link in the last mail."""
        found: list[str] = re.findall(r"/d/[\w.-]+", self.bench.record.read_text().splitlines()[-1])
        return found[0]

    def opened(self) -> str:
        """Ask, get the mail, and press the button: the address where the data are."""
        self.browser.post(f"{self.centre}/my-data")
        self.carry_out()
        return str(self.browser.post(self.link()).headers["location"])

    def customer(self, column: str) -> Any:
        """What is known of Name1."""
        with reading(self.bench.workspace.database) as session:
            return session.execute(text(f"SELECT {column} FROM customer WHERE id = 1")).scalar()


@pytest.fixture
def mine(tmp_path: Path, database: Engine, as_pages: Engine, settings: LandingSettings, clock: FixedClock) -> Iterator[Mine]:
    bench, heard = Bench(tmp_path, database), list[Any]()
    links = Links(BASE, Signer([KEY]))
    bench.workspace = replace(bench.workspace, links=links)
    (bench.workspace.templates / "mine.txt").write_text("{{ links.my_data }}")
    bench.people(2)
    bench.carry_out(bench.start(OFFERS))
    checked = check_text(MY_DATA, bench.workspace.flows / "my-data.yaml", CheckContext(templates=bench.workspace.templates))
    start(bench.workspace, checked.require(), MY_DATA, NOON)
    app = landing_app(as_pages, settings, clock, heard.append)
    with served(app) as address, httpx.Client(base_url=address, headers={"user-agent": BROWSER}, timeout=60) as browser:
        yield Mine(browser, bench, Requests(bench.workspace), links, clock, heard)


def test_the_button_is_there_only_where_a_campaign_answers_and_there_is_an_address(mine: Mine) -> None:
    assert f"{mine.centre}/my-data" in mine.browser.get(mine.centre).text
    with writing(mine.bench.workspace.database) as session:
        session.execute(text("UPDATE customer SET email = NULL"))
    assert "my-data" not in mine.browser.get(mine.centre).text
    with writing(mine.bench.workspace.database) as session:
        session.execute(text("UPDATE customer SET email = 'c1@example.com'"))
        session.execute(
            text("UPDATE flow_version SET source = :source WHERE campaign = 'my-data'"), {"source": "campaign: my-data\nflow: {}"}
        )
    assert "my-data" not in mine.browser.get(mine.centre).text
    assert mine.browser.post(f"{mine.centre}/my-data").headers["location"] == mine.centre
    assert mine.asked("my_data") == []


def test_asking_is_one_mail_a_day_and_tells_whoever_holds_the_link_nothing(mine: Mine) -> None:
    told = [mine.browser.post(f"{mine.centre}/my-data").text for _ in range(3)]
    assert len(set(told)) == 1
    assert "c1@example.com" not in told[0]
    assert "Name1" not in told[0]
    assert len(mine.heard) == 3
    mine.carry_out()
    assert mine.bench.sent()[2:] == ["c1@example.com"]
    mine.browser.post(f"{mine.centre}/my-data")
    mine.carry_out()
    assert len(mine.bench.sent()) == 3
    mine.clock.put(NOON + DAY)
    mine.browser.post(f"{mine.centre}/my-data")
    mine.carry_out()
    assert mine.bench.sent()[2:] == ["c1@example.com"] * 2


def test_a_scanner_that_opens_the_link_sees_nothing_and_a_press_shows_it(mine: Mine) -> None:
    mine.browser.post(f"{mine.centre}/my-data")
    mine.carry_out()
    door = mine.browser.get(mine.link())
    assert door.status_code == 200
    assert not any(word in door.text for word in ("Name1", "c1@example.com", "Delft"))
    opened = mine.browser.post(mine.link())
    assert opened.status_code == 303
    shown = mine.browser.get(opened.headers["location"]).text
    assert all(word in shown for word in ("Name1", "c1@example.com", "+31612340001", "Delft", "Netherlands", "offers, e-mail: yes"))
    assert not any(word in shown for word in ("Name2", "c2@example.com"))


def test_the_page_closes_after_an_hour_or_two_and_the_link_after_a_day(mine: Mine) -> None:
    opened = mine.opened()
    mine.clock.put(NOON + timedelta(hours=3))
    assert mine.browser.get(opened).headers["location"] == mine.link()
    assert mine.browser.post(f"{opened}/erase").headers["location"] == mine.link()
    mine.clock.put(NOON + timedelta(hours=26))
    assert mine.browser.get(mine.link()).status_code == 404
    assert mine.asked("erase") == []


def test_no_other_link_and_no_other_seal_opens_it(mine: Mine) -> None:
    opened, wrong = mine.opened(), mine.links.link("preferences", 3, None).rpartition("/")[2]
    assert mine.browser.get(f"/d/{wrong}").status_code == 404
    other = mine.links.link("my_data", 2, None).removeprefix(BASE)
    seal = opened.rpartition("/")[2]
    assert mine.browser.get(f"{other}/{seal}").headers["location"] == other
    assert mine.browser.get(mine.browser.post(other).headers["location"]).status_code == 404
    assert mine.browser.post(f"/s/{opened.split('/')[2]}/my-data").status_code == 404


def test_all_of_it_is_saved_as_a_file(mine: Mine) -> None:
    saved = mine.browser.get(f"{mine.opened()}/{FILE_NAME}")
    assert saved.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    document = saved.json()
    assert document["customer"]["email"] == "c1@example.com"
    assert document["messages"]["rows"][0]["address"] == "c1@example.com"
    assert document["consent"]["number"] == 3
    assert "links" not in saved.text
    assert saved.headers["content-type"] in FOUND


def test_what_is_corrected_is_cleaned_as_an_import_cleans_it(mine: Mine) -> None:
    opened = mine.opened()
    typed = {"last_name": "  de   Vries", "postcode": "9711ab", "country": "nederland", "phone": "06-87654321", "birth_date": "1980-12-31"}
    assert mine.browser.post(f"{opened}/correct", data=typed).headers["location"] == f"{opened}/corrected"
    assert mine.customer("last_name") is None
    mine.carry_out()
    found = [mine.customer(name) for name in ("last_name", "postcode", "country", "phone", "first_name")]
    assert found == ["de Vries", "9711 AB", "NL", "+31687654321", "Name1"]
    assert str(mine.customer("birth_date")) == "1980-12-31"
    assert 'value="de Vries"' in mine.browser.get(opened).text
    assert mine.asked("correct")[0]["given"] is None


def test_what_is_not_understood_is_shown_again_and_nothing_is_asked(mine: Mine) -> None:
    opened = mine.opened()
    answer = mine.browser.post(f"{opened}/correct", data={"phone": "12", "city": "Groningen", "birth_date": "2999-01-01", "language": "?"})
    assert answer.status_code == 422
    assert answer.text.count(TOLD["en"]["wrong"]) == 6  # beside the field, and above it all
    assert answer.text.count('aria-invalid="true"') == 3
    assert 'value="Groningen"' in answer.text
    assert mine.asked("correct") == []


def test_an_emptied_field_is_forgotten_and_one_that_is_not_sent_stays(mine: Mine) -> None:
    mine.browser.post(f"{mine.opened()}/correct", data={"phone": "", "street": " "})
    mine.carry_out()
    assert [mine.customer(name) for name in ("phone", "street", "city")] == [None, None, "Delft"]


def test_pressing_twice_is_one_request_and_there_and_back_is_two(mine: Mine) -> None:
    opened = mine.opened()
    for _ in range(3):
        mine.browser.post(f"{opened}/correct", data={"city": "Leiden"})
    assert len(mine.asked("correct")) == 1
    for city in ("Leiden", "Delft", "Leiden"):
        mine.clock.put(mine.clock.now() + timedelta(minutes=1))
        mine.browser.post(f"{opened}/correct", data={"city": city})
        mine.carry_out()
        assert mine.customer("city") == city
    assert len(mine.asked("correct")) == 3


def test_what_a_broken_in_page_writes_corrects_no_more_than_a_person_can(mine: Mine) -> None:
    with writing(mine.bench.workspace.database) as session:
        for number, given in enumerate(({"email": "x@evil.example", "key": "k", "city": "Leiden", "phone": "1"}, {"city": ["x"]}, ["x"])):
            wanted = Wanted(f"x{number}", RequestKind.CORRECT, NOON, customer_id=CustomerId(1), given=given)
            ask(session, wanted)
    mine.carry_out()
    assert [mine.customer(name) for name in ("email", "key", "city", "phone")] == ["c1@example.com", "c1", "Leiden", "+31612340001"]
    assert [each["state"] for each in mine.asked("correct")] == ["done", "refused", "done"]


def test_erasing_is_asked_once_more_and_then_done_within_minutes(mine: Mine) -> None:
    opened = mine.opened()
    question = mine.browser.get(f"{opened}/erase").text
    assert all(TOLD["en"][name] in html.unescape(question) for name in ("erase_goes", "erase_stays", "erase_mark", "erase_end"))
    assert mine.asked("erase") == []
    for _ in range(2):
        assert TOLD["en"]["erasing"] in html.unescape(mine.browser.post(f"{opened}/erase").text)
    assert len(mine.asked("erase")) == 1
    mine.carry_out()
    assert mine.customer("key") == "erased-1"
    for path in (opened, mine.link(), f"{opened}/erase", f"{opened}/{FILE_NAME}"):
        assert TOLD["en"]["erased"] in html.unescape(mine.browser.get(path).text)
    assert mine.browser.get(mine.centre).status_code == 404
    assert mine.browser.post(f"{mine.centre}/my-data").status_code == 404
    assert mine.browser.get(mine.links.link("opt_out", 1, None).removeprefix(BASE)).status_code == 200


def test_what_a_page_looked_at_before_an_erasure_writes_nothing_after_it(mine: Mine, as_pages: Engine) -> None:
    with reading(as_pages) as session:
        recipient = recipient_of(session, 1)
    assert recipient is not None
    mine.browser.post(f"{mine.opened()}/erase")
    mine.carry_out()
    seen = Seen(load_page(SHIPPED / "default.yaml"), recipient)
    answered = Answered(seen, Answers({"remark": "It is me, Name1"}, {"remark": "What else?"}), NOON)
    with pytest.raises(TokenError):
        asyncio.run(AnswerDesk(Together(as_pages, PATIENCE_SECONDS), lambda _: None).keep(answered))
    with reading(mine.bench.workspace.database) as session:
        assert session.execute(text("SELECT count(*) FROM contact WHERE kind = 'answered'")).scalar() == 0


def test_an_erasure_waits_for_a_message_that_is_being_sent(mine: Mine) -> None:
    mine.browser.post(f"{mine.opened()}/erase")
    with writing(mine.bench.workspace.database) as session:
        session.execute(text("UPDATE outbox SET state = 'sending' WHERE id = 1"))
    mine.requests.look(NOON)
    assert (mine.asked("erase")[0]["state"], mine.customer("first_name")) == ("open", "Name1")
    with writing(mine.bench.workspace.database) as session:
        session.execute(text("UPDATE outbox SET state = 'sent' WHERE id = 1"))
    mine.requests.look(NOON)
    assert mine.customer("first_name") is None


def test_what_was_gathered_is_put_away_after_two_days(mine: Mine) -> None:
    opened = mine.opened()
    assert mine.asked("my_data")[0]["document"]
    mine.requests.look(NOON + KEPT - timedelta(seconds=1))
    assert mine.asked("my_data")[0]["document"]
    mine.requests.look(NOON + KEPT + timedelta(hours=1))
    assert mine.asked("my_data")[0]["document"] is None
    gone = mine.browser.get(opened)
    assert (gone.status_code, TOLD["en"]["gone"] in html.unescape(gone.text)) == (404, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_the_customers_language(mine: Mine, language: str) -> None:
    with writing(mine.bench.workspace.database) as session:
        session.execute(text("UPDATE customer SET language = :language"), {"language": language})
    said, opened = TOLD[language], mine.opened()
    shown = {
        mine.centre: "button_note",
        mine.link(): "door_button",
        opened: "erase",
        f"{opened}/corrected": "corrected",
        f"{opened}/erase": "erase_goes",
    }
    for path, name in shown.items():
        page = mine.browser.get(path).text
        assert f'<html lang="{language}">' in page
        assert said[name] in html.unescape(page)


def test_everything_has_a_name_in_every_language() -> None:
    asked = {*LINES_OF, *CORRECTABLE, *Kind, *State, *RequestKind, *Source, *ChoiceKind, "open", "done", "refused"} - {"claimed", "sending"}
    for language in LANGUAGES:
        assert TOLD[language].keys() == TOLD["en"].keys()
        assert asked <= NAMES[language].keys(), asked - NAMES[language].keys()
