"""What a campaign changed."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from contactflow.commands.options import HERE, Workspace


class ReportFormat(StrEnum):
    """How a report is written."""

    HTML = "html"
    JSON = "json"


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("report")(report)


def report(
    campaign: Annotated[str, typer.Argument(help="The campaign's name.")],
    format_: Annotated[ReportFormat, typer.Option("--format", help="html for people, json for programs.")] = ReportFormat.HTML,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file. Default: CAMPAIGN.html here; json is printed.")] = None,
    language: Annotated[str | None, typer.Option(help="en or nl. Default: the workspace's.")] = None,
    goal: Annotated[
        str | None,
        typer.Option(help="Another learning goal, by its digest. Default: the one that customers came in under last."),
    ] = None,
    workspace: Workspace = HERE,
) -> None:
    """Say what a campaign changed, with its interval, or that it is inconclusive.

    Example: contactflow report winback -o winback.html
    """
    from contactflow.bootstrap import open_workspace
    from contactflow.present import present_clock
    from contactflow.settings import read_settings
    from engine.campaigns import stored_graph
    from response.queries import recorded
    from response.render.data import as_json
    from response.render.html import as_html
    from response.report import sources
    from response.sections import build_document
    from store.session import reading

    settings = read_settings(workspace)
    currency = settings.workspace.currency
    with open_workspace(workspace) as opened, reading(opened.database) as session:
        now = present_clock(opened.zone).now()
        with recorded(session) as asked:
            found = sources(session, campaign, now, opened.zone, currency, stored_graph, opened.metrics, goal)
        document = build_document(found, asked)
    if format_ is ReportFormat.JSON:
        text = json.dumps(as_json(document, found.report), indent=2, ensure_ascii=False) + "\n"
    else:
        text = as_html(document, language or settings.workspace.language)
        output = output or Path(f"{campaign}.html")
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        typer.echo(f"{output}")
