"""A pilot's winner becomes the routine."""

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contactflow.commands import words
from contactflow.commands.options import HERE, As, Format, Workspace

if TYPE_CHECKING:
    from contactflow.promoting import Promotion


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("promote")(promote)


def promote(
    campaign: Annotated[str, typer.Argument(help="The campaign's name.")],
    node: Annotated[str | None, typer.Option(help="Where it is compared. Default: where the learning goal is answered.")] = None,
    arm: Annotated[str | None, typer.Option(help="Which arm. Default: the one that is better.")] = None,
    control_tail: Annotated[str, typer.Option(help="The part that the routine is still compared with.")] = "10%",
    because: Annotated[str | None, typer.Option(help="Why, when the report does not call it better. It is kept with the decision.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would change.")] = False,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Make a pilot's winner the routine: it gets everybody but a control tail, in a new version of the flow.

    People in flight stay on their version. What it stands on is kept: `contactflow status` shows it.

    Example: contactflow promote winback --preview

    Example: contactflow promote winback --node mail --arm personal --control-tail 5%
    """
    from contactflow.bootstrap import open_workspace
    from contactflow.present import present_clock
    from contactflow.promoting import Wish, carry_out, prepare

    wish = Wish(campaign, node, arm, _percent(control_tail), because)
    with open_workspace(workspace) as opened:
        now = present_clock(opened.zone).now()
        promotion = prepare(workspace, opened, wish, now)
        if not preview:
            carry_out(opened, promotion, now)
    if format_ is Format.JSON:
        typer.echo(json.dumps(_as_json(promotion, stored=not preview), indent=2, ensure_ascii=False))
    else:
        typer.echo(_in_words(promotion, stored=not preview))


def _percent(text: str) -> Decimal:
    from engine.language.values import Share

    try:
        share = Share.parse(text.strip())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--control-tail") from None
    if share.fraction >= 1:
        raise typer.BadParameter("Nothing would be left for the winner. Write a part such as 10%.", param_hint="--control-tail")
    return Decimal(share.fraction * 100).quantize(Decimal("0.000001")).normalize()


def _in_words(promotion: "Promotion", *, stored: bool) -> str:
    from contactflow.promoting import in_words

    lines = [f"{in_words(each)}." for each in promotion.comparisons]
    if promotion.evidence["because"]:
        lines.append(f"Promoted nevertheless, because: {promotion.evidence['because']}")
    lines += ["", words.plan_in_words(promotion.plan), "", f"{promotion.file}:", *promotion.lines, ""]
    done = f"'{promotion.winner.arm}' of '{promotion.winner.node}' is the routine now, in version {promotion.graph.version}."
    return "\n".join([*lines, done if stored else "Nothing was changed: this was a preview."])


def _as_json(promotion: "Promotion", *, stored: bool) -> dict[str, Any]:
    return {
        "campaign": promotion.plan.campaign,
        "node": promotion.winner.node,
        "arm": promotion.winner.arm,
        "stored": stored,
        "plan": words.plan_as_json(promotion.plan),
        "lines": list(promotion.lines),
        "evidence": promotion.evidence,
    }
