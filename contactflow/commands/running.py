"""Campaigns at work: run, status, explain, simulate, plan, deploy."""

import json
from datetime import datetime
from functools import partial
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from contactflow.commands import words
from contactflow.commands.options import HERE, As, Format, Workspace

Flow = Annotated[str, typer.Argument(help="The flow, by file or by name.")]
Campaign = Annotated[str, typer.Argument(help="The campaign's name.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (run, status, explain, message, simulate, plan, deploy, worker):
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
    told = _nothing if format_ is Format.JSON else partial(_tell_wave, zone)
    carried = carry_out(workspace, flow, span, told)
    if format_ is Format.JSON:
        due = carried.next_due.isoformat() if carried.next_due else None
        document = {"campaign": carried.campaign, "waves": carried.waves, "counts": carried.counts, "next_due": due}
        document["halted"] = carried.halted.deed.value if carried.halted else None
        document["decisions"] = [words.decision_as_json(each) for each in carried.decisions]
        typer.echo(json.dumps({**document, "troubles": [{"node": node, "message": text} for node, text in carried.troubles]}, indent=2))
    else:
        for node, text in carried.troubles:
            typer.echo(f"{node}: {text} Its messages are kept and tried again later.", err=True)
        for decided in carried.decisions:
            typer.echo(words.decision_in_words(decided, zone))
        if carried.halted:
            since, name = f"{carried.halted.at.astimezone(zone):%Y-%m-%d %H:%M}", carried.campaign
            typer.echo(f"{name} was {carried.halted.deed} by a person ({since}). Let it go on with: contactflow resume {name}", err=True)
        if carried.next_due:
            typer.echo(f"Next: {carried.next_due.astimezone(zone):%Y-%m-%d %H:%M}")
    if carried.troubles or carried.halted:
        raise typer.Exit(1)


def _tell_wave(zone: ZoneInfo, now: datetime, counts: tuple[tuple[str, int], ...]) -> None:
    done: dict[str, int] = {}
    for title, count in counts:
        done[title] = done.get(title, 0) + count
    words = ", ".join(f"{title} {count:,}" for title, count in done.items() if count)
    typer.echo(f"{now.astimezone(zone):%Y-%m-%d %H:%M}  {words or 'nothing was due'}")


def _nothing(now: datetime, counts: tuple[tuple[str, int], ...]) -> None:
    """Say nothing: the answer comes as JSON."""


def status(
    campaign: Annotated[str | None, typer.Argument(help="The campaign's name. Without it: all campaigns, a line each.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Show where everybody is, and which messages may or may not have been sent.

    Example: contactflow status winback
    """
    from contactflow.bootstrap import open_workspace
    from engine.campaigns import campaign_names, open_versions
    from engine.counting import standing

    with open_workspace(workspace) as opened:
        if campaign:
            open_versions(opened, campaign)  # says which there are, when this one is not
        standings = [standing(opened, name) for name in ([campaign] if campaign else campaign_names(opened))]
        if format_ is Format.JSON:
            typer.echo(json.dumps([words.standing_as_json(each) for each in standings], indent=2))
        elif not standings:
            typer.echo("No campaign has run here yet. Carry one out: contactflow run FLOW")
        else:
            typer.echo("\n\n".join(words.standing_in_words(each, opened.zone, in_full=campaign is not None) for each in standings))


def explain(
    campaign: Campaign,
    customer: Annotated[str, typer.Argument(help="The customer's key in the source system.")],
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Say why a customer did or did not get what, from what was written down when it happened.

    Example: contactflow explain winback household-1024
    """
    from contactflow.bootstrap import open_workspace
    from contactflow.present import present_clock
    from engine.campaigns import open_versions
    from engine.explain import explain as explained

    with open_workspace(workspace) as opened:
        running = open_versions(opened, campaign)[0]
        explanation = explained(running, customer, present_clock(opened.zone).now())
        if format_ is Format.JSON:
            typer.echo(json.dumps(words.explanation_as_json(explanation), indent=2, ensure_ascii=False))
        else:
            typer.echo(words.explanation_in_words(explanation, opened.zone))


def message(
    number: Annotated[int, typer.Argument(help="The message's number, as `contactflow explain` shows it.")],
    part: Annotated[str | None, typer.Option(help="Only this part, as it is: html, text, subject.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Show a message exactly as it was sent; its HTML with the pictures that it carried.

    Example: contactflow message 17 --part html > mail.html
    """
    from contactflow.bootstrap import open_workspace
    from engine.sent import sent_message

    with open_workspace(workspace) as opened:
        sent = sent_message(opened, number)
        parts = dict(sent.content.parts)
    if "html" in parts:
        from channels.email.pictures import shown_alone

        parts["html"] = shown_alone(sent.content)
    if part is not None and part not in parts:
        raise typer.BadParameter(f"The message has no '{part}'. It has: {', '.join(parts)}.", param_hint="--part")
    if part is not None:
        typer.echo(parts[part], nl=False)
    elif format_ is Format.JSON:
        document = {"message": sent.id, "node": sent.node, "channel": sent.channel, "state": sent.state, "parts": parts}
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(f"--- {name}\n{text}" for name, text in parts.items()))


def simulate(
    flow: Flow,
    at: Annotated[str | None, typer.Option(help="As if it were started at this moment. Default: now.")] = None,
    assume: Annotated[list[str] | None, typer.Option(help="What customers would do: response=8%, purchase=3%.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Try a flow on the real audience without sending anything: volumes, dates, cost, who is left out and why.

    Example: contactflow simulate winback --assume response=8%
    """
    from contactflow.bootstrap import open_workspace
    from contactflow.checking import check_context, check_one, flow_file
    from contactflow.moments import read_moment
    from contactflow.present import present_clock
    from contactflow.settings import read_settings
    from engine.campaigns import not_started
    from engine.simulate import simulate as simulated

    graph = check_one(flow_file(workspace, flow), check_context(workspace)).require()
    rates = words.read_assumptions(assume or [])
    with open_workspace(workspace) as opened:
        moment = read_moment(at, opened.zone) if at else present_clock(opened.zone).now()
        simulation = simulated(not_started(opened, graph), moment, rates)
        if format_ is Format.JSON:
            typer.echo(json.dumps(words.simulation_as_json(simulation), indent=2))
        else:
            typer.echo(words.simulation_in_words(simulation, opened.zone, read_settings(workspace).workspace.currency))


def plan(flow: Flow, format_: As = Format.TEXT, workspace: Workspace = HERE) -> None:
    """Say what an edited flow changes for people in flight, before it is run.

    Example: contactflow plan winback
    """
    from contactflow.bootstrap import open_workspace
    from contactflow.checking import check_context, check_one, flow_file
    from engine.plan import plan as planned

    graph = check_one(flow_file(workspace, flow), check_context(workspace)).require()
    with open_workspace(workspace) as opened:
        made = planned(opened, graph)
        typer.echo(json.dumps(words.plan_as_json(made), indent=2) if format_ is Format.JSON else words.plan_in_words(made))


def deploy(
    flow: Flow,
    every: Annotated[str, typer.Option(help="How often a wave is carried out.")] = "15 minutes",
    side_by_side: Annotated[int, typer.Option(min=1, max=64, help="How many workers take part in each wave.")] = 1,
    workspace: Workspace = HERE,
) -> None:
    """Let workers on several machines carry a campaign out; needs PREFECT_API_URL and PostgreSQL.

    Example: contactflow deploy winback --every "15 minutes"
    """
    from contactflow.carrying import deploy as deployed
    from engine.language.values import Duration

    try:
        interval = Duration.parse(every).delta
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--every") from None
    deployed(workspace, flow, interval, side_by_side)
    typer.echo("Deployed. On each machine: contactflow worker")


def worker(workspace: Workspace = HERE) -> None:
    """Carry out deployed campaigns on this machine, until stopped; needs PREFECT_API_URL.

    Example: contactflow worker
    """
    from contactflow.carrying import work

    work(workspace)
