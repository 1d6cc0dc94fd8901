"""Looking at one customer's message, or at the landing page, before anything is sent."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contactflow.commands.options import HERE, As, Format, Workspace

if TYPE_CHECKING:  # the command line starts without the engine
    from contactflow.page_previews import PageAsked
    from contactflow.previewing import Asked


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("preview")(preview)


def preview(
    flow: Annotated[str, typer.Argument(help="The flow, by file or by name.")],
    node: Annotated[str | None, typer.Argument(help="The node that sends; left out with --page.", show_default=False)] = None,
    customer: Annotated[str | None, typer.Option(help="The customer's key in the source system.")] = None,
    variant: Annotated[str | None, typer.Option(help="In this variant. Default: the one that the lot gives this customer.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file for it: .html, .eml or .txt; of --page a folder.")] = None,
    to: Annotated[list[str] | None, typer.Option(help="Send it to this address, marked as a test; may be repeated.")] = None,
    page: Annotated[bool, typer.Option("--page", help="Show the landing page in each language, variant and segment.")] = False,
    made_up: Annotated[list[str] | None, typer.Option("--as", help="With --page: somebody with NAME=VALUE; may be repeated.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Show the very message that a customer would get now, or the page that it leads to. Nothing is stored; links lead nowhere.

    With --to colleagues get the message, with [Test] before the subject: in no count, no report, and nobody's contact history. With
    --page every part of the page is written to a folder, for a customer or for somebody made up; no visit is logged.

    Example: contactflow preview winback mail --customer household-1024 -o mail.html

    Example: contactflow preview winback mail --customer household-1024 --to you@example.com --to me@example.com

    Example: contactflow preview winback --page --as first_name=Anna --as country=NL -o pages
    """
    from contactflow.present import present_clock
    from contactflow.settings import read_settings

    now = present_clock(read_settings(workspace).zone).now()
    if page:
        from contactflow.page_previews import PageAsked

        _page(workspace, PageAsked(flow, customer, made_up or (), now), output, format_)
        return
    if node is None or customer is None:
        raise typer.BadParameter("Name a node that sends, and a --customer; or take --page.")
    from contactflow.previewing import Asked

    asked = Asked(flow, node, customer, variant, now)
    if to:
        _test(workspace, asked, to)
    else:
        _message(workspace, asked, output, format_)


def _test(workspace: Path, asked: "Asked", to: Sequence[str]) -> None:
    """Send it, and exit with 1 unless everyone's server took it."""
    from contactflow.previewing import send_test

    answers = send_test(workspace, asked, to)
    for address, receipt in answers:
        typer.echo(f"{address}: {receipt.outcome.value} {receipt.code}".rstrip())
    if any(receipt.outcome.value != "accepted" for _, receipt in answers) or len(answers) < len(to):
        raise typer.Exit(1)


def _message(workspace: Path, asked: "Asked", output: Path | None, format_: Format) -> None:
    from contactflow.previewing import preview_of, write_preview

    shown = preview_of(workspace, asked)
    parts = dict(shown.content.parts)
    arm = shown.letterhead.addressee.arm
    facts = {"node": asked.node, "customer": asked.customer, "variant": arm, "not_sent_because": shown.refusal}
    if output is not None:
        write_preview(shown, output)
        typer.echo(f"{output}")
    elif format_ is Format.JSON:
        typer.echo(json.dumps({**facts, "parts": parts}, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(f"--- {name}\n{text}" for name, text in parts.items()))
    if shown.refusal and format_ is Format.TEXT:
        typer.echo(f"It would not be sent: {shown.refusal}.", err=True)


def _page(workspace: Path, asked: "PageAsked", folder: Path | None, format_: Format) -> None:
    from contactflow.page_previews import CONTENTS, write_page_previews

    if folder is None:
        raise typer.BadParameter("A page is several files. Name a folder for them: -o FOLDER")
    shown = write_page_previews(workspace, asked, folder)
    if format_ is Format.JSON:
        names = ("part", "language", "variant", "segment")
        files = [{"file": f"{folder / each.file}", **{name: getattr(each, name) for name in names}} for each in shown]
        typer.echo(json.dumps({"contents": f"{folder / CONTENTS}", "pages": files}, indent=2, ensure_ascii=False))
    else:
        typer.echo(f"{folder / CONTENTS}")
