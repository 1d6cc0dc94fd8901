"""The inbox of a workspace is told what to answer."""

import json
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from contactflow.commands.options import HERE, As, Format, Workspace

if TYPE_CHECKING:
    from studio.inbox.answers import Rule


class Told(StrEnum):
    """What the inbox can be told."""

    BOUNCE = "bounce"
    DEFER = "defer"
    DROP = "drop"
    SLOW = "slow"
    COMPLAIN = "complain"
    RETURN = "return"
    REPLY = "reply"
    AWAY = "away"
    ACCEPT = "accept"


def _percent(text: str) -> int:
    figures = str(text).strip().removesuffix("%").strip()
    if not figures.isdecimal() or not 1 <= int(figures) <= 100:
        raise typer.BadParameter("write a whole number from 1 to 100, such as 10%.")
    return int(figures)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("inbox")(inbox)


def inbox(
    answer: Annotated[Told | None, typer.Argument(help="What it answers from now on. `accept` takes mail again.")] = None,
    pattern: Annotated[str | None, typer.Argument(help="For which addresses, such as '*@example.org'. Default: all.")] = None,
    part: Annotated[
        int, typer.Option(parser=_percent, metavar="PERCENT", help="The part of those addresses, `10` or `10%`: always the same ones.")
    ] = 100,
    seconds: Annotated[int, typer.Option(help="With `slow`: how long the answer takes.")] = 10,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Tell the inbox to bounce, defer, drop, be slow, complain or answer, to rehearse with it; alone, shows what it was told.

    `complain`, `return` (a late bounce), `reply` and `away` take the mail and send one back, which is taken in as any that comes back.

    Example: contactflow inbox complain '*@example.org' --part 10%

    Example: contactflow inbox accept
    """
    from contactflow.bootstrap import INBOX
    from contactflow.settings import read_settings
    from studio.inbox.answers import AnswerBook

    read_settings(workspace)  # tells when this is no workspace
    book = AnswerBook(workspace / INBOX)
    if answer is Told.ACCEPT:
        book.accept(pattern)
    elif answer is not None:
        book.tell(pattern or "*", answer, part, seconds if answer is Told.SLOW else 0)
    typer.echo(_as_json(book.rules()) if format_ is Format.JSON else _in_words(book.rules()))


def _as_json(rules: "tuple[Rule, ...]") -> str:
    return json.dumps([asdict(rule) for rule in rules], indent=2, ensure_ascii=False)


def _in_words(rules: "tuple[Rule, ...]") -> str:
    return "\n".join(_line(rule) for rule in rules) or "The inbox takes every mail."


def _line(rule: "Rule") -> str:
    part = "" if rule.part == 100 else f" ({rule.part}% of them)"
    return f"{rule.pattern}{part}: {rule.answer}" + (f", {rule.seconds} seconds" if rule.seconds else "")
