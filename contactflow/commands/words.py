"""How standings, explanations, simulations and plans are said on a terminal, and written as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:  # the command line starts without the engine
    from customers.conditions.tree import EventKind
    from engine.counting import Standing
    from engine.explain import Explanation, Finding
    from engine.plan import Plan
    from engine.promote import Decided
    from engine.simulate import Simulation


_MOST_LINES = 100


def standing_in_words(standing: "Standing", zone: ZoneInfo, *, in_full: bool) -> str:
    """Where everybody is, as a table; one line when not `in_full`."""
    inside = sum(counts.at for counts in standing.nodes.values())
    head = f"{standing.campaign}: {standing.members:,} came in, {inside:,} are in, {sum(standing.ended.values()):,} have left"
    if standing.halted:
        head += f"; {_halted(standing, zone)}"
    if not in_full:
        return head
    blocks = [head + f" (version {', '.join(standing.versions)})"]
    rows = [(name, f"{each.at:,}", f"{each.through:,}", f"{each.left:,}") for name, each in standing.nodes.items()]
    blocks.append(table(("node", "at", "went through", "left"), rows))
    blocks.append(table(("left because", "people"), [(_reason(name), f"{count:,}") for name, count in standing.ended.items()]))
    messages = [(node, state, f"{count:,}") for (node, state), count in sorted(standing.messages.items())]
    blocks.append(table(("messages of", "state", "number"), messages))
    back = [(_kind(kind, human=human), f"{count:,}") for (kind, human), count in standing.came_back.items()]
    blocks.append(table(("came back", "messages"), back))
    blocks.append(_unknown(standing))
    blocks.append("\n".join(decision_in_words(each, zone) for each in standing.decisions))
    blocks.append("\n".join(f"A person {each.deed} it: {each.at.astimezone(zone):%Y-%m-%d %H:%M}" for each in standing.interventions))
    if standing.next_due and not standing.halted:
        blocks.append(f"Next due: {standing.next_due.astimezone(zone):%Y-%m-%d %H:%M}")
    return "\n\n".join(block for block in blocks if block)


def _halted(standing: "Standing", zone: ZoneInfo) -> str:
    assert standing.halted is not None
    since = f"{standing.halted.at.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"{standing.halted.deed} since {since} (contactflow resume {standing.campaign})"


def standing_as_json(standing: "Standing") -> dict[str, Any]:
    """The same for programs."""
    return {
        "campaign": standing.campaign,
        "versions": list(standing.versions),
        "members": standing.members,
        "nodes": {name: {"at": each.at, "through": each.through, "left": each.left} for name, each in standing.nodes.items()},
        "ended": dict(standing.ended),
        "messages": [{"node": node, "state": state, "count": count} for (node, state), count in sorted(standing.messages.items())],
        "came_back": [{"kind": kind, "human": human, "messages": count} for (kind, human), count in standing.came_back.items()],
        "unknown": [{"message": message, "node": node, "customer": customer} for message, node, customer in standing.unknown],
        "next_due": standing.next_due.isoformat() if standing.next_due and not standing.halted else None,
        "halted": standing.halted.deed.value if standing.halted else None,
        "interventions": [{"at": each.at.isoformat(), "kind": each.deed.value} for each in standing.interventions],
        "decisions": [decision_as_json(each) for each in standing.decisions],
    }


def decision_in_words(decided: "Decided", zone: ZoneInfo) -> str:
    """One decision of the log in a line, with why a person took it."""
    by = "by the flow's own rule" if decided.decided_by == "rule" else "by a person"
    what = f"'{decided.arm}' of '{decided.node}' became the routine (version {decided.version_to})"
    if decided.kind == "kept":
        what = f"nothing at '{decided.node}' became the routine"
    because = decided.evidence.get("because")
    return f"Decided {decided.at.astimezone(zone):%Y-%m-%d %H:%M} {by}: {what}" + (f", because: {because}" if because else "")


def decision_as_json(decided: "Decided") -> dict[str, Any]:
    """The same for programs, with the comparisons that it stands on."""
    return {**asdict(decided), "at": decided.at.isoformat(), "evidence": dict(decided.evidence)}


def explanation_in_words(explanation: "Explanation", zone: ZoneInfo) -> str:
    """A customer's way, a line a finding."""
    lines = [f"{explanation.customer} in campaign {explanation.campaign}"]
    lines += [_finding(finding, zone) for finding in explanation.findings]
    return "\n".join([*lines, "Now: " + explanation.now.text])


def explanation_as_json(explanation: "Explanation") -> dict[str, Any]:
    """The same for programs; `reason` is of the closed list."""
    findings = [_finding_as_json(finding) for finding in (*explanation.findings, explanation.now)]
    return {
        "customer": explanation.customer,
        "campaign": explanation.campaign,
        "entered": explanation.entered,
        "findings": findings[:-1],
        "now": findings[-1],
    }


def read_assumptions(written: Iterable[str]) -> "dict[EventKind, float]":
    """`response=8%` and the like. Raises a usage error that says what is accepted."""
    from customers.conditions.tree import EventKind
    from engine.language.values import Share

    rates = {}
    for text in written:
        name, _, share = text.partition("=")
        try:
            rates[EventKind(name.strip())] = Share.parse(share.strip()).fraction
        except ValueError:
            known = ", ".join(kind.value for kind in EventKind)
            raise typer.BadParameter(
                f"'{text}' is not an assumption. Write response=8%, with one of: {known}.", param_hint="--assume"
            ) from None
    return rates


def simulation_in_words(simulation: "Simulation", zone: ZoneInfo, currency: str) -> str:
    """What would happen, for a manager."""
    start = simulation.at.astimezone(zone)
    messages, cost = sum(simulation.sent.values()), simulation.cost_cents / 100
    last = f"; the last would be out on {simulation.last_day}" if simulation.last_day else ""
    blocks = [
        f"{simulation.campaign}, as if started on {start:%Y-%m-%d %H:%M} (version {simulation.version}); nothing was sent or stored",
        f"{simulation.audience:,} people would come in; {messages:,} messages for {currency} {cost:,.2f}{last}",
    ]
    if simulation.asking:
        blocks.append(f"Besides, whoever asks for it comes in at {', '.join(simulation.asking)}; how many that will be, nobody can say.")
    blocks.append(table(("arm of", "arm", "people"), [(node, arm, f"{count:,}") for (node, arm), count in simulation.arms.items()]))
    volumes = [(str(day), channel, f"{count:,}") for (day, channel), count in sorted(simulation.volumes.items())]
    blocks.append(table(("day", "channel", "messages"), volumes))
    left_out = [(node, _reason(reason), f"{count:,}") for (node, reason), count in simulation.left_out.items()]
    blocks.append(table(("not written to at", "because", "people"), left_out))
    waits = [(node, _reason(reason), f"{count:,}") for (node, reason), count in simulation.waits.items()]
    blocks.append(table(("a message of", "waits because it", "people"), waits))
    blocks.append(table(("leave because", "people"), [(_reason(name), f"{count:,}") for name, count in simulation.ended.items()]))
    rates = ", ".join(f"{name} {rate:.1%}" for name, rate in simulation.assumed.items())
    blocks.append(f"Assumed of those who could: {rates}. Change with --assume.")
    return "\n\n".join(block for block in blocks if block)


def simulation_as_json(simulation: "Simulation") -> dict[str, Any]:
    """The same for programs; cost in cents."""
    return {
        "campaign": simulation.campaign,
        "version": simulation.version,
        "at": simulation.at.isoformat(),
        "audience": simulation.audience,
        "asking": list(simulation.asking),
        "messages": sum(simulation.sent.values()),
        "cost_cents": round(simulation.cost_cents, 2),
        "last_day": simulation.last_day.isoformat() if simulation.last_day else None,
        "arms": [{"node": node, "arm": arm, "people": count} for (node, arm), count in simulation.arms.items()],
        "volumes": [{"day": str(day), "channel": name, "messages": count} for (day, name), count in sorted(simulation.volumes.items())],
        "left_out": [{"node": node, "reason": reason, "people": count} for (node, reason), count in simulation.left_out.items()],
        "waits": [{"node": node, "reason": reason, "people": count} for (node, reason), count in simulation.waits.items()],
        "ended": dict(simulation.ended),
        "still_in": simulation.still_in,
        "assumed": dict(simulation.assumed),
    }


def plan_in_words(plan: "Plan") -> str:
    """What an edit changes, for a manager."""
    if plan.running_version is None:
        return f"{plan.campaign} has not run yet: everybody comes in on version {plan.new_version}."
    if plan.running_version == plan.new_version:
        return f"{plan.campaign} is unchanged (version {plan.new_version})."
    lines = [f"{plan.campaign}: version {plan.running_version} becomes {plan.new_version}"]
    lines += [f"  + {name}: new" for name in plan.added]
    lines += [f"  - {name}: gone, with {plan.in_flight.get(name, 0):,} people there now" for name in plan.removed]
    lines += [f"  ~ {name}: changed, with {plan.in_flight.get(name, 0):,} people there now" for name in plan.changed]
    people = sum(plan.in_flight.values())
    lines.append(
        f"The {people:,} people in flight stay on their own version to the end; nobody is dropped. New people come in on the new one."
    )
    return "\n".join(lines)


def plan_as_json(plan: "Plan") -> dict[str, Any]:
    """The same for programs."""
    return {
        "campaign": plan.campaign,
        "running_version": plan.running_version,
        "new_version": plan.new_version,
        "added": list(plan.added),
        "removed": list(plan.removed),
        "changed": list(plan.changed),
        "in_flight": dict(plan.in_flight),
    }


def _unknown(standing: "Standing") -> str:
    if not standing.unknown:
        return ""
    total = sum(count for (_, state), count in standing.messages.items() if state == "unknown")
    head = f"{total:,} messages may or may not have been sent, and are not sent again by themselves:"
    shown = table(("message", "node", "customer"), [tuple(str(each) for each in row) for row in standing.unknown[:_MOST_LINES]])
    rest = f"\n  and {total - _MOST_LINES:,} more: --format json lists them" if total > _MOST_LINES else ""
    return f"{head}\n{shown}{rest}"


def _kind(kind: str, *, human: bool) -> str:
    return kind.replace("_", " ") + ("" if human else ", by a machine")


def _reason(name: str) -> str:
    from engine.reasons import CODES, REASONS, Reason

    return f"{REASONS[Reason(name)]} ({name})" if name in CODES else name


def _finding(finding: "Finding", zone: ZoneInfo) -> str:
    where = f"{finding.node}: " if finding.node else ""
    reason = f" [{finding.reason}]" if finding.reason else ""
    number = f" (message {finding.message_id})" if finding.message_id else ""
    return f"  {finding.at.astimezone(zone):%Y-%m-%d %H:%M}  {where}{finding.text}{reason}{number}"


def _finding_as_json(finding: "Finding") -> Mapping[str, Any]:
    reason = finding.reason.value if finding.reason else None
    return {"at": finding.at.isoformat(), "node": finding.node, "text": finding.text, "reason": reason, "message": finding.message_id}


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Columns of text; the last column is a number, set to the right."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if n < len(row) - 1 else cell.rjust(width) for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    ]
    return "\n".join("  " + line.rstrip() for line in lines)
