"""Landing pages behind a real server, with a new recipient for whoever asks: what the tests of this folder look at."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from contactflow.dossiers import dossier_of
from customers.attributes import declare_attributes
from customers.conditions.vocabulary import AttributeKind
from customers.consent import ConsentChange, Source, record_consent
from customers.contact_log import Kind
from customers.stated import Occasion, Statement, state
from customers.tables import Contact, Customer, CustomerId
from engine.header import PAGE_SEGMENT
from engine.links import LinkPurpose, Links
from engine.tables import Campaign, Exposure, FlowVersion, Member, OutboxMessage, Request
from landing.app import landing_app
from landing.offered import Offered
from landing.results import FEWEST
from landing.settings import LandingSettings
from store.clock import FixedClock
from store.session import open_database, reading, writing
from store.tokens import Signer, new_code
from tests.landing.landing_pages import BASE, FLOW, KEY, NOON, served

PAGES = Path(__file__).parent / "pages"
CONTENTS = ("full", "survey", "editions")  # the pages of the campaigns, and the campaigns' names
VERSION = "0123456789ab"
NEWSLETTER = "campaign: newsletter\npurpose: offers\nflow:\n  form: {request: join, page: newsletter/join.yaml}\n"
MY_DATA = "campaign: my-data\nflow:\n  asked: {request: my data}\n"
WINE: dict[str, str] = {"en": "Wine", "nl": "Wijn", "de": "Wein"}
OFFERS: dict[str, str] = {"en": "Offers", "nl": "Aanbiedingen", "de": "Angebote"}
SERVICE: dict[str, str] = {"en": "News about your orders", "nl": "Nieuws over je bestellingen", "de": "Neues zu Ihren Bestellungen"}


@dataclass(frozen=True, slots=True)
class World:
    """A running application, the same one with its database away, and what lies behind them."""

    address: str
    away: str
    database: Engine
    clock: FixedClock
    links: Links = field(default_factory=lambda: Links(BASE, Signer([KEY])))
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def invite(self, language: str, campaign: str = "full") -> int:
        """The message to a new customer who speaks a language."""
        with writing(self.database) as session:
            return _invite(session, f"c{next(self.numbers)}", language, campaign)

    def family(self, language: str, variant: str) -> int:
        """The message to a new customer of the segment `families`, who saw a variant of the page with editions before."""
        message_id = self.invite(language, "editions")
        with writing(self.database) as session:
            message = session.exec(select(OutboxMessage).where(OutboxMessage.id == message_id)).one()
            message.values = {PAGE_SEGMENT: "families"}
            member = session.exec(select(Member).where(Member.id == message.member_id)).one()
            who = member.model_dump(include={"campaign_id", "customer_id"})
            session.add(Exposure(member_id=message.member_id, node="editions.yaml", version=VERSION, arm=variant, at=NOON, **who))
        return message_id

    def asked_to_join(self, language: str) -> int:
        """The message that asks somebody whether it was them who asked to join."""
        message_id = self.invite(language, "newsletter")
        with writing(self.database) as session:
            message = session.exec(select(OutboxMessage).where(OutboxMessage.id == message_id)).one()
            whose, before = CustomerId(message.customer_id), NOON - timedelta(hours=1)
            record_consent(session, [ConsentChange(whose, "offers", "email", granted=False, at=before, source=Source.PAGE)])
            document = {"form": "newsletter/join.yaml", "said": "I would like to hear of what is fresh, and can stop it at any time."}
            about = {"customer_id": whose, "member_id": message.member_id, "campaign": "newsletter", "document": document}
            session.add(Request.model_validate({"key": f"join {message_id}", "kind": "join", "at": NOON, "state": "done", **about}))
        return message_id

    def asked_for_data(self, language: str) -> int:
        """The message that leads somebody to what was gathered of them."""
        message_id = self.invite(language)
        with writing(self.database) as session:
            message = session.exec(select(OutboxMessage).where(OutboxMessage.id == message_id)).one()
            document = dossier_of(session, CustomerId(message.customer_id), ZoneInfo("Europe/Amsterdam"), NOON)
            about = {"customer_id": message.customer_id, "member_id": message.member_id, "document": document}
            session.add(Request.model_validate({"key": f"data {message_id}", "kind": "my_data", "at": NOON, "state": "done", **about}))
        return message_id

    def link(self, purpose: LinkPurpose, message_id: int) -> str:
        """A link of a message, as it stands in a mail."""
        link = self.links.link(purpose, message_id, NOON + timedelta(days=30))
        return self.address + link.removeprefix(BASE)

    def code(self, message_id: int) -> str:
        """The code that stands in the message when it is a letter."""
        with reading(self.database) as session:
            return session.exec(select(OutboxMessage.code).where(OutboxMessage.id == message_id)).one() or ""

    def contacts(self, message_id: int, kind: Kind) -> list[Contact]:
        """What the contact log says of a message."""
        with reading(self.database) as session:
            rows = session.exec(select(Contact).where(Contact.message_id == message_id, Contact.kind == kind.value)).all()
            session.expunge_all()
            return list(rows)


@contextmanager
def world(database: Engine, as_pages: Engine, settings: LandingSettings) -> Iterator[World]:
    """The world over a database that is filled; the application reaches it by `as_pages`."""
    clock = FixedClock(NOON)
    gone = open_database("sqlite:////no/such/folder/at/all.db")
    app, app_away = (landing_app(each, settings, clock, lambda _: None) for each in (as_pages, gone))
    with served(app) as address, served(app_away) as away:
        yield World(address, away, database, clock)
    gone.dispose()


def settings_of(templates: Path) -> LandingSettings:
    """What an organisation would have written, with its pages in `templates`."""
    (templates / "winback").mkdir(parents=True)
    for name in CONTENTS:
        shutil.copy(PAGES / f"{name}.yaml", templates / f"{name}.yaml")
    shutil.copytree("templates/newsletter", templates / "newsletter")
    shutil.copy("templates/winback/welcome.svg", templates / "winback/welcome.svg")
    (templates / "winback/farm.mp4").write_bytes(b"no film")
    (templates / "winback/farm.vtt").write_text("WEBVTT\n")
    offered = Offered(("offers", "service"), {"offers": OFFERS, "service": SERVICE}, {"wine": WINE})
    zone = ZoneInfo("Europe/Amsterdam")
    return LandingSettings(BASE, templates, (KEY,), zone, "en", "Groenhof", "Markt 1, Utrecht", offered=offered)


def fill(database: Engine) -> None:
    """A campaign for each page, and enough answers of others to show."""
    with writing(database) as session:
        declare_attributes(session, {"topic_wine": AttributeKind.BOOLEAN})
        for name in CONTENTS:
            source = FLOW.format(page=f"{name}.yaml").replace("winback", name, 1)
            session.add(FlowVersion(campaign=name, version=VERSION, stored_at=NOON, source=source))
            session.add(Campaign(name=name, started_at=NOON))
        version = FlowVersion(campaign="newsletter", version="ba9876543210", stored_at=NOON, source=NEWSLETTER)
        session.add(version)
        session.flush()
        session.add(Campaign(name="newsletter", started_at=NOON, version_id=version.id))
        answering = FlowVersion(campaign="my-data", version="ab0123456789", stored_at=NOON, source=MY_DATA)
        session.add(answering)
        session.flush()
        session.add(Campaign(name="my-data", started_at=NOON, version_id=answering.id))
        others = [Customer(key=f"r{number}", created_at=NOON, changed_at=NOON) for number in range(FEWEST)]
        session.add_all(others)
        session.flush()
        for number, each in enumerate(others):
            score = Statement("score", "How are we doing?", str(3 + number % 3))
            state(session, Occasion(CustomerId(each.id or 0), NOON, "survey", 1_000_000 + number), [score])


def _invite(session: Session, key: str, language: str, campaign: str) -> int:
    customer = Customer(
        key=key, first_name="Anna-Sophie", email=f"{key}@example.com", phone="+31612345678", country="NL", language=language,
        created_at=NOON, changed_at=NOON,
    )  # fmt: skip
    session.add(customer)
    version = session.exec(select(FlowVersion).where(col(FlowVersion.campaign) == campaign)).one()
    running = session.exec(select(Campaign).where(col(Campaign.name) == campaign)).one()
    session.flush()
    assert customer.id
    assert version.id
    assert running.id
    allowed = [("offers", "email"), ("service", "email"), ("service", "print")]
    her, since = CustomerId(customer.id), NOON - timedelta(days=365)
    record_consent(session, [ConsentChange(her, *each, granted=True, at=since, source=Source.IMPORT) for each in allowed])
    member = Member(
        campaign_id=running.id, version_id=version.id, customer_id=customer.id, entered_at=NOON, node="answer", arrived_at=NOON,
        fresh=False,
    )  # fmt: skip
    session.add(member)
    session.flush()
    assert member.id
    message = OutboxMessage(
        member_id=member.id, version_id=version.id, customer_id=customer.id, node="mail", entry=1, hop=1, channel="email", state="sent",
        queued_at=NOON, due_at=NOON, stale_at=NOON, code=new_code(Random(key)),
    )  # fmt: skip
    session.add(message)
    session.flush()
    assert message.id
    return message.id
