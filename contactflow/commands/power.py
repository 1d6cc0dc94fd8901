"""How many customers an answer takes, asked before the first message is sent."""

import json
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contactflow.commands import words
from contactflow.commands.options import HERE, As, Format, Workspace

if TYPE_CHECKING:
    from contactflow.planned import Kept
    from contactflow.powering import Answer, Power
    from engine.graph import FlowGraph


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("power")(power)


def power(
    flow: Annotated[str, typer.Argument(help="The flow, by file or by name.")],
    base_rate: Annotated[str | None, typer.Option(help="How many do it anyway: 3%. Default: what this audience did before.")] = None,
    at: Annotated[str | None, typer.Option(help="As if it were started at this moment. Default: now.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Say how many customers the learning goal needs, what can be seen with this audience, and how long it takes.

    Nothing is sent. The answer is kept, so that `contactflow check` can warn of a goal that cannot be reached.

    Example: contactflow power winback

    Example: contactflow power winback --base-rate 3%
    """
    from contactflow.bootstrap import open_workspace
    from contactflow.checking import check_context, check_one, flow_file
    from contactflow.moments import read_moment
    from contactflow.planned import keep
    from contactflow.powering import ask
    from contactflow.present import present_clock
    from contactflow.settings import read_settings

    graph = check_one(flow_file(workspace, flow), check_context(workspace)).require()
    currency = read_settings(workspace).workspace.currency
    with open_workspace(workspace) as opened:
        moment = read_moment(at, opened.zone) if at else present_clock(opened.zone).now()
        found = ask(opened, graph, currency, moment, _rate(base_rate))
    keep(workspace, found.campaign, _kept(graph, found, currency))
    typer.echo(json.dumps(_as_json(found), indent=2) if format_ is Format.JSON else _in_words(found, currency))


def _rate(text: str | None) -> float | None:
    from engine.language.values import Share

    try:
        return None if text is None else 0.0 if text.strip() in ("0%", "0") else Share.parse(text.strip()).fraction
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--base-rate") from None


def _kept(graph: "FlowGraph", found: "Power", currency: str) -> "Kept":
    """What `check` is to know: of the comparison that answers the goal."""
    from contactflow.planned import Kept, question_of
    from store.clock import SystemClock

    first = found.answers[0] if found.answers else None
    detectable = first.needed.detectable if first else None
    return Kept(
        question_of(graph),
        SystemClock().now().isoformat(),
        found.audience,
        first.audience if first else None,
        None if detectable is None else _size(found, detectable, currency),
        first.days if first else None,
    )


def _in_words(found: "Power", currency: str) -> str:
    blocks = [_opening(found, currency), _base(found, currency), _coming_in(found)]
    head = ("compared at", "arm", "against", "needed", "come in now", "chance to see it", "smallest to be seen")
    rows = [_row(found, answer, currency) for answer in found.answers]
    return "\n\n".join(block for block in (*blocks, words.table(head, rows)) if block)


def _opening(found: "Power", currency: str) -> str:
    """The sentence that an analyst would say aloud."""
    if found.base is None:
        return _unknown_base(found)
    if not found.answers:
        return "Nothing is compared in this flow, so nothing can be found. Add `holdout: 10%` to the audience."
    first = found.answers[0]
    if found.goal.minimum is None:
        seen = "no difference" if first.needed.detectable is None else f"a difference of {_size(found, first.needed.detectable, currency)}"
        return f"With the {found.audience:,} people who come in now, {seen} would be seen in four cases out of five. " + _NO_MINIMUM
    wanted = f"a difference of {found.goal.minimum_lift} in {found.spec.name}"
    if first.audience is None:
        return f"Nobody can say how many customers {wanted} takes: one of the groups has nobody in it, or nothing to differ by."
    return f"To see {wanted} in four cases out of five, {first.audience:,} customers must come in. {_enough(found, first, currency)}"


def _unknown_base(found: "Power") -> str:
    remedy = "Give a figure: --base-rate 3%" if found.spec.unit == "share" else "Import what they bought before."
    if found.history is None or not found.history.customers:
        return f"Nobody can say yet: this audience had nobody in it one window ago, so that nobody knows what it does anyway. {remedy}"
    return (
        f"Nobody can say yet: of the {found.history.customers:,} customers whom this audience would have let in on "
        f"{found.history.since:%Y-%m-%d}, none did it ({found.spec.name}) in the time that the goal gives them. {remedy}"
    )


_NO_MINIMUM = "The goal does not say which difference would matter: add `minimum_lift: 1 point`."


def _enough(found: "Power", first: "Answer", currency: str) -> str:
    assert first.audience is not None
    if first.needed.enough:
        return f"Now {found.audience:,} do: it is enough. The answer is there {_number(first.days or 0)} days after the start."
    seen = "" if first.needed.detectable is None else f" With them, {_size(found, first.needed.detectable, currency)} would be seen."
    if first.days is None:
        return f"Only {found.audience:,} do: the goal cannot be reached.{seen}"
    return f"Now {found.audience:,} do, and the rest later: the answer is there {_number(first.days)} days after the start.{seen}"


def _base(found: "Power", currency: str) -> str:
    if found.base is None:
        return ""
    rate = f"{found.base.mean:.2%}" if found.spec.unit == "share" else _size(found, found.base.mean, currency)
    if found.history is None:
        return f"Without the campaign: {rate}, as given."
    return (
        f"Without the campaign: {rate} ({found.spec.name}), as of the {found.history.customers:,} customers whom this audience would have "
        f"let in on {found.history.since:%Y-%m-%d}, in the time that the goal gives them."
    )


def _coming_in(found: "Power") -> str:
    if found.goal.customers is not None and found.answers and (found.answers[0].audience or 0) > found.goal.customers:
        return f"The goal is planned for {found.goal.customers:,} customers, which is too few."
    if found.a_day is None:
        return "The audience is looked for once. With `again: 1 day` it would grow."
    return f"After that, {found.a_day:,.1f} people come in on a day, as in the last {_number(found.goal.within_seconds / 86_400)} days."


def _row(found: "Power", answer: "Answer", currency: str) -> tuple[str, ...]:
    pair, sizes = answer.needed.pair, answer.needed.sizes
    power = "-" if answer.needed.power is None else f"{answer.needed.power:.0%}"
    seen = "-" if answer.needed.detectable is None else _size(found, answer.needed.detectable, currency)
    wanted = "-" if sizes is None else f"{sizes.test:,} + {sizes.control:,}"
    return pair.node, pair.arm, pair.control, wanted, f"{pair.arm_customers:,} + {pair.control_customers:,}", power, seen


def _size(found: "Power", size: float, currency: str) -> str:
    match found.spec.unit:
        case "share":
            return f"{size * 100:.2f} points"
        case "money":
            return f"{currency} {size:,.2f}"
        case _:
            return f"{size:,.3f}"


def _number(days: float) -> str:
    return f"{ceil(days):,}"


def _as_json(found: "Power") -> dict[str, Any]:
    """For programs: rates and powers 0..1, amounts in the metric's own unit."""
    history = found.history
    return {
        "campaign": found.campaign,
        "at": found.at.isoformat(),
        "metric": found.spec.name,
        "unit": found.spec.unit,
        "within_days": found.goal.within_seconds / 86_400,
        "minimum": found.goal.minimum,
        "audience": found.audience,
        "a_day": found.a_day,
        "base": None if found.base is None else {"mean": found.base.mean, "variance": found.base.variance},
        "history": None if history is None else {"customers": history.customers, "since": history.since.isoformat()},
        "comparisons": [_answer_as_json(answer) for answer in found.answers],
    }


def _answer_as_json(answer: "Answer") -> dict[str, Any]:
    pair, sizes = answer.needed.pair, answer.needed.sizes
    return {
        "node": pair.node,
        "kind": pair.kind,
        "arm": pair.arm,
        "control": pair.control,
        "alpha": answer.needed.alpha,
        "arm_customers": pair.arm_customers,
        "control_customers": pair.control_customers,
        "arm_needed": sizes.test if sizes else None,
        "control_needed": sizes.control if sizes else None,
        "audience_needed": answer.audience,
        "days": answer.days,
        "power": answer.needed.power,
        "detectable": answer.needed.detectable,
        "enough": answer.needed.enough,
    }
