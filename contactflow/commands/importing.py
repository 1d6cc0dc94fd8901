"""Customers, purchases and contacts from files, and mail that came back."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from contactflow.commands.options import HERE, As, Format, Workspace


class Subject(StrEnum):
    """What a file is about."""

    CUSTOMERS = "customers"
    PURCHASES = "purchases"
    CONTACTS = "contacts"
    RETURNED = "returned"


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("import")(import_)


def import_(
    subject: Annotated[Subject, typer.Argument(help="What the file is about.")],
    file: Annotated[
        Path, typer.Argument(help="A CSV file; .csv.gz too. For `returned`: a mail (.eml), a file of many (mbox), a Maildir, or a folder.")
    ],
    mapping: Annotated[Path | None, typer.Option("--map", help="Which column feeds which field: a YAML file.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show how the file is understood, and write nothing.")] = False,
    rejected: Annotated[Path | None, typer.Option(help="Where rejected rows go. Default: beside the file.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Import a file; what cannot be taken over is written to a file with the reason for each row.

    `returned` takes in bounces, complaints and answers; the same mail twice counts once.

    Example: contactflow import customers customers.csv --preview

    Example: contactflow import returned bounces.mbox
    """
    if subject is Subject.RETURNED:
        _import_returned(workspace, file, format_, options_given=bool(mapping or preview or rejected))
        return
    from contactflow.bootstrap import open_workspace
    from contactflow.commands import import_words
    from contactflow.present import present_clock
    from contactflow.settings import read_settings
    from customers.importing.results import Hooks, House, Order
    from customers.importing.run import import_file, preview_file
    from engine.wake import wake

    settings = read_settings(workspace)
    clock = present_clock(settings.zone)
    organisation = settings.workspace
    house = House(settings.zone, organisation.currency, settings.known, settings.consent.purposes, organisation.country)
    order = Order(subject.value, file, mapping, rejected)
    with open_workspace(workspace) as opened, import_words.progress_bar(sys.stderr.isatty()) as progress:
        hooks = Hooks(lambda session, ids: wake(session, ids.tolist(), clock.now()), progress)
        read = preview_file if preview else import_file
        told = read(opened.database, order, house, clock, hooks)
    if format_ is Format.JSON:
        typer.echo(json.dumps(import_words.as_json(told), indent=2, ensure_ascii=False))
    else:
        typer.echo(import_words.in_words(told))


def _import_returned(root: Path, path: Path, format_: Format, *, options_given: bool) -> None:
    from channels.email.incoming.files import mails_in
    from contactflow import returned_words
    from contactflow.bootstrap import open_workspace
    from contactflow.present import present_clock
    from contactflow.returning import Mail, intake_of
    from contactflow.settings import read_settings
    from store.errors import InputError

    if options_given:
        raise InputError("--map, --preview and --rejected are for CSV files. Mails need none of them.")
    clock = present_clock(read_settings(root).zone)
    with open_workspace(root) as workspace:
        told = intake_of(root, workspace.database).take_in(map(Mail, mails_in(path)), clock.now())
    if format_ is Format.JSON:
        typer.echo(json.dumps(returned_words.as_json(told), indent=2))
    else:
        typer.echo(returned_words.in_words(told))
