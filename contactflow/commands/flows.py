"""Flows as they are written: check and draw."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from contactflow.commands.options import HERE, As, Format, Workspace

if TYPE_CHECKING:
    from engine.graph import FlowGraph

PICTURES: tuple[Literal["svg", "png", "pdf", "dot"], ...] = ("svg", "png", "pdf", "dot")


class Language(StrEnum):
    """The languages of pictures."""

    EN = "en"
    NL = "nl"


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("check")(check)
    app.command("draw")(draw)


def check(
    flow: Annotated[list[str] | None, typer.Argument(help="Flows, by file or by name. Without any: all of flows/.")] = None,
    content: Annotated[bool, typer.Option("--content", help="Look at the messages too, as the actual audience would get them.")] = False,
    sample: Annotated[int, typer.Option(min=1, help="With --content: of how many customers the messages are composed.")] = 10_000,
    follow: Annotated[bool, typer.Option("--follow", help="With --content: ask the servers whether the links of e-mails work.")] = False,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Find every fault of flows at once, and say what to do about each. A warning is no fault: the flow can be used.

    With --content also those of the messages: who lacks what a template needs, links, words for pictures, size, contrast, text part,
    a way to say stop, subject and preheader, and what SpamAssassin says where it is installed. Nothing is sent or stored.
    With --follow as well, each link of the e-mails that are looked at in full is asked for once; a personal one has its values in it.

    Example: contactflow check flows/winback.yaml

    Example: contactflow check --content winback --sample 1000000
    """
    from contactflow.checking import check_context, check_one, flow_files, look_faults, warnings_of
    from contactflow.commands.content_words import content_as_json, content_in_words, contents_of

    if follow and not content:
        raise typer.BadParameter("looks at messages. Add --content.", param_hint="--follow")
    context = check_context(workspace)
    files, lost = flow_files(workspace, flow or [])
    checked = [check_one(path, context) for path in files]
    told = (look_faults(workspace), *(each.faults for each in checked), lost)
    faults = list(dict.fromkeys(fault for each in told for fault in each))  # what flows share is told once
    warnings = [warning for path, each in zip(files, checked, strict=True) for warning in warnings_of(workspace, path, each)]
    looked = contents_of(workspace, [each.graph for each in checked if each.graph], sample, follow=follow) if content else []
    for found in looked:
        faults += [fault for fault in found.faults if fault.severity == "fault"]
        warnings += [fault for fault in found.faults if fault.severity == "warning"]
    if format_ is Format.JSON:
        document: dict[str, object] = {
            "flows": len(files),
            "faults": [each.as_json() for each in faults],
            "warnings": [each.as_json() for each in warnings],
        }
        document |= {"content": [content_as_json(each) for each in looked]} if content else {}
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for fault in (*faults, *warnings):
            typer.echo(fault.render())
        for found in looked:
            typer.echo(content_in_words(found))
        typer.echo(_summary(len(files), len(faults), len(warnings)), err=bool(faults))
    if faults:
        raise typer.Exit(1)


def draw(
    flow: Annotated[str, typer.Argument(help="The flow, by file or by name.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The picture: .svg, .png, .pdf or .dot. Default: NAME.svg here.")
    ] = None,
    counts: Annotated[bool, typer.Option("--counts", help="With what happened on it, as the report draws it.")] = False,
    language: Annotated[Language, typer.Option(help="The language of legend and headings.")] = Language.EN,
    workspace: Workspace = HERE,
) -> None:
    """Draw a flow as a picture to hang on the wall.

    With --counts: how many went which way and are where, what was sent, came back and was paid, arms side by side. These are the
    report's counts, of its moment: customers who came in under the learning goal that runs.

    Example: contactflow draw winback -o winback.pdf

    Example: contactflow draw winback --counts
    """
    from contactflow.checking import check_context, check_one, flow_file

    graph = check_one(flow_file(workspace, flow), check_context(workspace)).require()
    target = output or Path(f"{graph.campaign.campaign}.svg")
    kind = next((kind for kind in PICTURES if target.suffix.lower() == f".{kind}"), None)
    if kind is None:
        raise typer.BadParameter(
            f"'{target.name}' is not a picture that can be drawn. Choose {', '.join(PICTURES)}.", param_hint="--output"
        )
    from engine.picture import draw_dot, render

    picture = render(_counted(graph, workspace, language) if counts else draw_dot(graph, language=language.value), kind)
    target.write_bytes(picture)
    typer.echo(f"{target} ({len(graph.nodes)} nodes, version {graph.version})")


def _counted(graph: "FlowGraph", workspace: Path, language: Language) -> str:
    from contactflow.reports import counted_flow

    return counted_flow(graph, workspace, language.value)


def _summary(files: int, faults: int, warnings: int) -> str:
    flows = "1 flow" if files == 1 else f"{files} flows"
    told = "no faults" if not faults else "1 fault" if faults == 1 else f"{faults} faults"
    more = "" if not warnings else ", 1 warning" if warnings == 1 else f", {warnings} warnings"
    return f"{flows} checked: {told}{more}."
