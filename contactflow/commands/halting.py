"""A campaign is paused, goes on, or is stopped, from any terminal while it is being carried out."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from contactflow.commands.options import HERE, As, Format, Workspace

if TYPE_CHECKING:
    from engine.running import Running

Campaign = Annotated[str, typer.Argument(help="The campaign's name.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (pause, resume, stop):
        app.command(command.__name__)(command)


def pause(campaign: Campaign, format_: As = Format.TEXT, workspace: Workspace = HERE) -> None:
    """Hold a campaign: nobody comes in, nobody moves, nothing is sent until it is resumed.

    A batch that is on its way is finished (at most 1,000 messages a process). What people answer is still taken in. Time goes on:
    who waits, waits no longer for it, and a message that is too late afterwards is not sent.

    Example: contactflow pause winback
    """
    from engine.interventions import count_inside
    from engine.interventions import pause as paused

    with _opened(workspace, campaign) as (versions, now):
        paused(versions[0].workspace, campaign, now)
        people = count_inside(versions[0].workspace, versions[0].campaign_id)
    text = f"{campaign} is paused, with {people:,} people in it. Let it go on with: contactflow resume {campaign}"
    _tell(format_, text, {"campaign": campaign, "halted": "paused", "inside": people})


def resume(campaign: Campaign, format_: As = Format.TEXT, workspace: Workspace = HERE) -> None:
    """Let a campaign go on that was paused or stopped. Who left because it was stopped does not come back.

    Example: contactflow resume winback
    """
    from engine.interventions import Deed
    from engine.interventions import resume as resumed

    with _opened(workspace, campaign) as (versions, now):
        ended = resumed(versions[0].workspace, campaign, now)
    about = "Who had left stays out; new people may come in." if ended.deed is Deed.STOPPED else "Nobody was lost."
    then = f"`contactflow serve` sees it within seconds; or carry out what is due with: contactflow run {campaign}"
    text = f"{campaign} goes on. {about}\n{then}"
    _tell(format_, text, {"campaign": campaign, "halted": None})


def stop(
    campaign: Campaign,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """End a campaign: everybody in it leaves, and what waits to be sent is not sent. What was sent and answered stays in the report.

    Example: contactflow stop winback
    """
    from engine.interventions import count_inside, let_go
    from engine.interventions import stop as stopped

    with _opened(workspace, campaign) as (versions, now):
        _make_sure(campaign, count_inside(versions[0].workspace, versions[0].campaign_id), yes=yes)
        stopped(versions[0].workspace, campaign, now)
        people = let_go(versions, now)
    _tell(format_, f"{campaign} is stopped; {people:,} people left it.", {"campaign": campaign, "halted": "stopped", "left": people})


def _make_sure(campaign: str, inside: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("Nobody is here to ask. Say that you are sure.", param_hint="--yes")
    typer.confirm(
        f"{inside:,} people are in {campaign}. They leave it for good; to hold it for a while there is `pause`. Stop it?", abort=True
    )


@contextmanager
def _opened(workspace: "Workspace", campaign: str) -> "Iterator[tuple[list[Running], datetime]]":
    from contactflow.bootstrap import open_workspace
    from contactflow.present import present_clock
    from engine.campaigns import open_versions

    with open_workspace(workspace) as opened:
        yield list(open_versions(opened, campaign)), present_clock(opened.zone).now()


def _tell(format_: Format, text: str, document: dict[str, object]) -> None:
    typer.echo(json.dumps(document, indent=2) if format_ is Format.JSON else text)
