"""Looking at one customer's message before anything is sent."""

import json
from pathlib import Path
from typing import Annotated

import typer

from contactflow.commands.options import HERE, As, Format, Workspace


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("preview")(preview)


def preview(
    flow: Annotated[str, typer.Argument(help="The flow, by file or by name.")],
    node: Annotated[str, typer.Argument(help="The node that sends.")],
    customer: Annotated[str, typer.Option(help="The customer's key in the source system.")],
    variant: Annotated[str | None, typer.Option(help="In this variant. Default: the one that the lot gives this customer.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file for it: .html, .eml or .txt.")] = None,
    to: Annotated[list[str] | None, typer.Option(help="Send it to this address, marked as a test; may be repeated.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Show the very message that a customer would get now. Nothing is stored; its links lead nowhere; nothing is sent without --to.

    With --to colleagues get it, with [Test] before the subject: in no count, no report, and nobody's contact history.

    Example: contactflow preview winback mail --customer household-1024 -o mail.html
    Example: contactflow preview winback mail --customer household-1024 --to you@example.com --to me@example.com
    """
    from contactflow.present import present_clock
    from contactflow.previewing import Asked, preview_of, send_test, write_preview
    from contactflow.settings import read_settings

    asked = Asked(flow, node, customer, variant, present_clock(read_settings(workspace).zone).now())
    if to:
        answers = send_test(workspace, asked, to)
        for address, receipt in answers:
            typer.echo(f"{address}: {receipt.outcome.value} {receipt.code}".rstrip())
        if any(receipt.outcome.value != "accepted" for _, receipt in answers) or len(answers) < len(to):
            raise typer.Exit(1)
        return
    shown = preview_of(workspace, asked)
    parts = dict(shown.content.parts)
    facts = {"node": node, "customer": customer, "variant": shown.letterhead.addressee.arm, "not_sent_because": shown.refusal}
    if output is not None:
        write_preview(shown, output)
        typer.echo(f"{output}")
    elif format_ is Format.JSON:
        typer.echo(json.dumps({**facts, "parts": parts}, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(f"--- {name}\n{text}" for name, text in parts.items()))
    if shown.refusal and format_ is Format.TEXT:
        typer.echo(f"It would not be sent: {shown.refusal}.", err=True)
