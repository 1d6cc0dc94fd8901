"""Pages about several campaigns: the programme, campaigns side by side, and the contact strategy."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contactflow.commands.documents import FORMATS, LANGUAGE, OUTPUT, ReportFormat, write_document
from contactflow.commands.options import HERE, Workspace

if TYPE_CHECKING:  # the command line starts without what makes reports
    from sqlmodel import Session

    from contactflow.settings import Settings
    from engine.workspace import Workspace as Opened
    from response.parts import Document
    from response.standing import Terms

As = Annotated[ReportFormat, typer.Option("--format", help=FORMATS)]
Output = Annotated[Path | None, typer.Option("-o", "--output", help=OUTPUT.format(name="NAME"))]
Language = Annotated[str | None, LANGUAGE]


@dataclass(frozen=True)
class _Desk:
    """What a page is made from."""

    session: "Session"
    opened: "Opened"
    settings: "Settings"
    terms: "Terms"


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (programme, compare, strategy):
        app.command(command.__name__)(command)


def programme(
    since: Annotated[str | None, typer.Option(help="Count from this moment on: 2026-01-01. Default: from each customer's draw.")] = None,
    format_: As = ReportFormat.HTML,
    output: Output = None,
    language: Language = None,
    workspace: Workspace = HERE,
) -> None:
    """Say what all campaigns together changed, by the global hold-out, beside what each campaign says of itself.

    Example: contactflow programme -o programme.html
    """

    def make(desk: _Desk) -> "Document":
        from contactflow.page_contrasts import graphs_with_pages
        from engine.campaigns import campaign_names
        from response.programme import programme_document
        from response.standing import campaigning

        graph_of = graphs_with_pages(desk.opened.templates)
        return programme_document(desk.session, desk.terms, campaigning(desk.session, campaign_names(desk.opened), desk.terms, graph_of))

    _show(workspace, make, since, format_, output, language)


def compare(
    campaigns: Annotated[list[str], typer.Argument(help="The campaigns' names, two or more.")],
    format_: As = ReportFormat.HTML,
    output: Output = None,
    language: Language = None,
    workspace: Workspace = HERE,
) -> None:
    """Show campaigns side by side: goal, verdict, effect, cost, and what came back by channel.

    Example: contactflow compare winback newyear -o compare.html
    """
    if len(set(campaigns)) < 2:
        raise typer.BadParameter("Name two campaigns or more, each once.", param_hint="CAMPAIGNS")

    def make(desk: _Desk) -> "Document":
        from contactflow.page_contrasts import graphs_with_pages
        from response.comparing import comparing_document
        from response.standing import campaigning

        graph_of = graphs_with_pages(desk.opened.templates)
        return comparing_document(desk.session, desk.terms, campaigning(desk.session, dict.fromkeys(campaigns), desk.terms, graph_of))

    _show(workspace, make, None, format_, output, language)


def strategy(
    since: Annotated[str | None, typer.Option(help="Count from this moment on. Default: the last 90 days.")] = None,
    format_: As = ReportFormat.HTML,
    output: Output = None,
    language: Language = None,
    workspace: Workspace = HERE,
) -> None:
    """Show what each segment got over which channel, and what came of it, against what is meant for it in [strategy.SEGMENT].

    Example: contactflow strategy -o strategy.html
    """

    def make(desk: _Desk) -> "Document":
        from response.strategy import Meant, strategy_document

        meant = {name: Meant(each.result, each.channel, each.measure) for name, each in desk.settings.strategy.items()}
        return strategy_document(desk.session, desk.terms, desk.opened, meant)

    _show(workspace, make, since, format_, output, language)


def _show(
    workspace: Path,
    make: Callable[[_Desk], "Document"],
    since: str | None,
    format_: ReportFormat,
    output: Path | None,
    language: str | None,
) -> None:
    from contactflow.bootstrap import open_workspace
    from contactflow.moments import read_moment
    from contactflow.present import present_clock
    from contactflow.settings import read_settings
    from response.render.pages import page_as_json
    from response.standing import Terms
    from store.session import reading

    settings = read_settings(workspace)
    start = read_moment(since, settings.zone) if since else None
    with open_workspace(workspace) as opened, reading(opened.database) as session:
        now = present_clock(opened.zone).now()
        share = settings.programme.share
        terms = Terms(now, opened.zone.key, settings.workspace.currency, share, start, opened.metrics)
        document = make(_Desk(session, opened, settings, terms))
    write_document(document, page_as_json, format_, output, language or settings.workspace.language)
