"""One person: everything that is kept of them, for whoever asks by telephone; and to be erased."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contactflow.commands.options import HERE, As, Format, Workspace
from store.errors import InputError

if TYPE_CHECKING:
    from landing.dossier_page import DossierPage

Customer = Annotated[str, typer.Argument(help="The customer's key, or the mail address that only this customer has.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (person, erase):
        app.command(command.__name__)(command)


def person(
    customer: Customer,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write all of it to this file, as JSON.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Tell everything that is kept of one customer: text shows the newest of each kind, json and a file have it all.

    Example: contactflow person household-22 -o household-22.json
    """
    from contactflow.bootstrap import open_workspace
    from contactflow.dossiers import dossier_of
    from contactflow.finding import find_customer
    from contactflow.present import present_clock
    from store.session import reading

    with open_workspace(workspace) as opened, reading(opened.database) as session:
        document = dossier_of(session, find_customer(session, customer), opened.zone, present_clock(opened.zone).now())
    whole = json.dumps(document, indent=2, ensure_ascii=False)
    if output:
        output.write_text(whole + "\n", encoding="utf-8")
        typer.echo(f"{output} ({len(whole.encode()):,} bytes)")
    else:
        typer.echo(whole if format_ is Format.JSON else _in_words(document, workspace))


def erase(
    customer: Customer,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Erase a customer who asked for it. What they bought and got stays to be counted, without anything that says who it was.

    Files are not touched: those that were imported, the inbox, print runs, mail that came back. It cannot be undone.

    Example: contactflow erase household-22
    """
    from contactflow.bootstrap import open_workspace
    from contactflow.erasing import erase_by_service
    from contactflow.finding import find_customer
    from contactflow.present import present_clock
    from store.session import reading, writing

    with open_workspace(workspace) as opened:
        with reading(opened.database) as session:
            customer_id = find_customer(session, customer)
        _make_sure(customer, yes=yes)
        with writing(opened.database) as session:
            done = erase_by_service(session, customer_id, present_clock(opened.zone).now())
    if not done:
        raise InputError(
            f"A message to '{customer}' is being sent, or a campaign is moving them. Nothing was erased: try again in a minute."
        )
    if format_ is Format.JSON:
        typer.echo(json.dumps({"erased": True, "key": f"erased-{customer_id}"}))
    else:
        typer.echo(f"Erased. What stays to be counted is of 'erased-{customer_id}'.")


def _make_sure(customer: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():  # a script that waits for an answer hangs, and one that answers by accident erases
        raise typer.BadParameter("Nobody is here to ask. Say that you are sure.", param_hint="--yes")
    typer.confirm(f"Everything that says who '{customer}' is goes for good. Erase it?", abort=True)


def _in_words(document: dict[str, Any], workspace: Path) -> str:
    """As the customer would read it, in English."""
    from contactflow.settings import read_settings
    from landing.dossier_lines import Speech
    from landing.dossier_page import DossierPage

    settings = read_settings(workspace)
    page = DossierPage(document, Speech("en", settings.preferences.offered(settings.consent.purposes)))
    return "\n".join(_lines(page))


def _lines(page: "DossierPage") -> list[str]:
    lines = [f"As of {page.made_at}", "", *(f"{name}: {value}" for name, value in page.person())]
    for section in page.sections():
        lines += ["", f"{section['title']}: {section['number']}"]
        lines += [f"  {f'{day}: ' if day else ''}{text}" for day, text in section["lines"]]
        lines += [f"  and {section['more']} older"] if section["more"] else []
    return lines
