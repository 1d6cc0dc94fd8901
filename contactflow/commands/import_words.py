"""How an import is told."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import typer

from customers.importing.results import ImportResult, Preview, Reason


@contextmanager
def progress_bar(shown: bool) -> Iterator[Callable[[float], None]]:
    """A bar for long work when the terminal is one; gives what takes the share that is done."""
    if not shown:
        yield lambda _: None
        return
    with typer.progressbar(length=1000, label="reading", file=typer.get_text_stream("stderr")) as bar:
        done = 0

        def move(share: float) -> None:
            nonlocal done
            bar.update(int(share * 1000) - done)
            done = int(share * 1000)

        yield move


def in_words(told: ImportResult | Preview) -> str:
    """What was, or would be, taken over, and what not."""
    return _preview(told) if isinstance(told, Preview) else _result(told)


def as_json(told: ImportResult | Preview) -> dict[str, Any]:
    """The same for programs."""
    document = asdict(told)
    document.pop("layout", None)
    if isinstance(told, Preview):
        document["sample"] = [{name: str(value) for name, value in row.items()} for row in told.sample]
        document["uses"] = [{"column": use.column, "feeds": use.feeds, "how": str(use.how)} for use in told.uses]
    else:
        document["rejected_path"] = str(told.rejected_path) if told.rejected_path else None
    return document


def _result(result: ImportResult) -> str:
    kept = [(result.new, "new"), (result.changed, "changed"), (result.unchanged, "unchanged"), (result.repeated, "repeated in the file")]
    kept += [(result.skipped, "left out by only_when"), (result.erased, "left out because they asked to be erased")]
    kept += [(result.rejected, "rejected")]
    parts = ", ".join(f"{count:,} {word}" for count, word in kept if count)
    lines = [f"{result.read:,} {result.subject} read in {result.seconds:.1f} s: {parts or 'none'}"]
    lines += [f"  {note}" for note in result.notes]
    lines += _reasons(result.reasons)
    if result.rejected_path:
        lines.append(f"What was not taken over, with the reasons: {result.rejected_path}")
    return "\n".join(lines)


def _preview(preview: Preview) -> str:
    lines = [f"{preview.read:,} {preview.subject} read, {preview.usable:,} could be taken over; nothing was written"]
    lines += [f"  {use.column} -> {use.feeds or 'not used'} ({use.how})" for use in preview.uses]
    for number, row in enumerate(preview.sample, 1):
        lines.append(f"  row {number}: " + ", ".join(f"{name} = {value}" for name, value in row.items()))
    return "\n".join([*lines, *_reasons(preview.reasons)])


def _reasons(reasons: Sequence[Reason]) -> list[str]:
    return [f"  {each.times:,} x {each.column}: {each.reason}" + (" (the whole row)" if each.whole_rows else "") for each in reasons]
