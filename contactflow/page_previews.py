"""The landing page of a campaign written to files, as a customer or somebody made up would see it; no log hears of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from contactflow.bootstrap import landing_settings, open_workspace, secrets_of
from contactflow.checking import check_context, check_one, flow_file
from contactflow.settings import read_settings
from customers.conditions.vocabulary import suggestion
from customers.texts import customer_ids_of
from engine.graph import FlowGraph
from engine.header import Header
from landing.page_files import load_brand_of, load_page, page_path
from landing.preview import Preview, contents, previews, somebody
from landing.recipients import attributes_of
from landing.wording import BUILT_IN, CUSTOMER
from store.errors import InputError, NotFoundError
from store.session import reading

CONTENTS = "index.html"


@dataclass(frozen=True)
class PageAsked:
    """Whose page: the flow, a customer's key (None: nobody in particular), what is made up of them, and the moment."""

    flow: str
    customer: str | None
    made_up: Sequence[str]  # NAME=VALUE
    now: datetime


def write_page_previews(root: Path, asked: PageAsked, folder: Path) -> list[Preview]:
    """Write every part of the campaign's page in every language, and a page that leads to all of them.

    Raises what check_one raises, NotFoundError for a customer or an attribute that there is not, and InputError when the folder
    cannot be written to.
    """
    graph = check_one(flow_file(root, asked.flow), check_context(root)).require()
    settings = landing_settings(root, read_settings(root), secrets_of(root))
    page, brand = load_page(page_path(settings.templates, graph.campaign.page)), load_brand_of(settings.templates)
    recipient = somebody(graph.campaign.campaign, _header(graph), _attributes(root, asked))
    shown = list(previews(settings, brand, page, recipient, asked.now))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in shown:
            (folder / each.file).write_text(each.html, encoding="utf-8")
        (folder / CONTENTS).write_text(contents(settings, brand, recipient.header.title, shown), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written to: {error.strerror or error}. Name another folder with -o.") from error
    return shown


def _header(graph: FlowGraph) -> Header:
    campaign = graph.campaign
    return Header(campaign.title or campaign.campaign, campaign.purpose, campaign.page)


def _attributes(root: Path, asked: PageAsked) -> dict[str, Any]:
    """What is known of whom it is shown to; what is made up goes before what is stored."""
    made_up = _made_up(asked.made_up, tuple(read_settings(root).known))
    if asked.customer is None:
        return made_up
    with open_workspace(root) as workspace, reading(workspace.database) as session:
        customer_id = customer_ids_of(session, [asked.customer]).get(asked.customer)
        if customer_id is None:
            raise NotFoundError(f"There is no customer '{asked.customer}'. Write the key that the source system uses.")
        return attributes_of(session, customer_id) | made_up


def _made_up(given: Sequence[str], attributes: Sequence[str]) -> dict[str, Any]:
    known = [*(name.removeprefix(CUSTOMER) for name in BUILT_IN), *attributes]
    values: Mapping[str, str] = dict(_pair(each) for each in given)
    for name in values:
        if name not in known:
            raise NotFoundError(f"There is no attribute '{name}'. {suggestion(name, known) or 'Known are: ' + ', '.join(known) + '.'}")
    return dict(values)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"'{text}' says nothing of anybody. Write an attribute and its value: --as first_name=Anna")
    return name.strip(), value.strip()
