"""Campaigns at work: run, status, explain, simulate, plan, deploy."""

import json
from datetime import datetime
from typing import Annotated

import typer

from contactflow.commands.options import HERE, As, Format, Workspace

Flow = Annotated[str, typer.Argument(help="The flow, by file or by name.")]
Campaign = Annotated[str, typer.Argument(help="The campaign's name.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (run, status, explain, simulate, plan, deploy):
        app.command(command.__name__)(command)


def run(
    flow: Flow,
    at: Annotated[str | None, typer.Option(help="Carry out what is due at this moment: 2026-03-02 09:00.")] = None,
    until: Annotated[str | None, typer.Option(help="With a virtual clock, until this moment.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Carry out all that is due in a campaign: people come in and move, messages leave.

    Example: contactflow run winback
    Example: contactflow run winback --at "2026-03-02 09:00" --until 2026-03-30
    """
    from contactflow.carrying import Span, carry_out
    from contactflow.moments import read_moment
    from contactflow.settings import read_settings

    zone = read_settings(workspace).zone
    span = Span(*(read_moment(text, zone) if text else None for text in (at, until)))
    told = _nothing if format_ is Format.JSON else _tell_wave
    carried = carry_out(workspace, flow, span, told)
    if format_ is Format.JSON:
        due = carried.next_due.isoformat() if carried.next_due else None
        document = {"campaign": carried.campaign, "waves": carried.waves, "counts": carried.counts, "next_due": due}
        typer.echo(json.dumps({**document, "troubles": [{"node": node, "message": text} for node, text in carried.troubles]}, indent=2))
    else:
        for node, text in carried.troubles:
            typer.echo(f"{node}: {text} Its messages are kept and tried again later.", err=True)
        if carried.next_due:
            typer.echo(f"Next: {carried.next_due.astimezone(zone):%Y-%m-%d %H:%M}")
    if carried.troubles:
        raise typer.Exit(1)


def _tell_wave(now: datetime, counts: tuple[tuple[str, int], ...]) -> None:
    done: dict[str, int] = {}
    for title, count in counts:
        done[title] = done.get(title, 0) + count
    words = ", ".join(f"{title} {count:,}" for title, count in done.items() if count)
    typer.echo(f"{now:%Y-%m-%d %H:%M} UTC  {words or 'nothing was due'}")


def _nothing(now: datetime, counts: tuple[tuple[str, int], ...]) -> None:
    """Say nothing: the answer comes as JSON."""
