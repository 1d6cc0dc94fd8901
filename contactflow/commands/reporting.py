"""What a campaign changed."""

from pathlib import Path
from typing import Annotated

import typer

from contactflow.commands.documents import FORMATS, LANGUAGE, OUTPUT, ReportFormat, write_document
from contactflow.commands.options import HERE, Workspace


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("report")(report)


def report(
    campaign: Annotated[str, typer.Argument(help="The campaign's name.")],
    format_: Annotated[ReportFormat, typer.Option("--format", help=FORMATS)] = ReportFormat.HTML,
    output: Annotated[Path | None, typer.Option("-o", "--output", help=OUTPUT.format(name="CAMPAIGN"))] = None,
    language: Annotated[str | None, LANGUAGE] = None,
    goal: Annotated[
        str | None,
        typer.Option(help="Another learning goal, by its digest. Default: the one that customers came in under last."),
    ] = None,
    workspace: Workspace = HERE,
) -> None:
    """Say what a campaign changed, with its interval, or that it is inconclusive.

    Example: contactflow report winback -o winback.html
    """
    from contactflow.reports import campaign_report
    from response.render.data import as_json

    made = campaign_report(campaign, workspace, goal)
    write_document(made.document, lambda document: as_json(document, made.facts), format_, output, language or made.language)
