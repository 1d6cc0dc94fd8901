"""The vouchers that a campaign gave out, for the shop that takes them."""

import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from contactflow.commands.options import HERE, As, Format, Workspace
from store.errors import InputError

if TYPE_CHECKING:
    from customers.vouchers import Given

COLUMNS = ("code", "node", "arm", "issued_at", "purchases")


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("vouchers")(vouchers)


def vouchers(
    campaign: Annotated[str, typer.Argument(help="The campaign's name.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file. Default: it is printed.")] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """List the vouchers that a campaign gave out, and how many purchases came back with each: for the shop that takes them.

    As CSV, or as JSON. It names no customer.

    Example: contactflow vouchers winback -o vouchers.csv
    """
    from contactflow.bootstrap import open_workspace
    from customers.vouchers import given_in
    from engine.campaigns import open_versions
    from store.session import reading

    with open_workspace(workspace) as opened:
        open_versions(opened, campaign)  # or says which campaigns have run
        with reading(opened.database) as session:
            found = given_in(session, campaign)
    if output is None:
        _write(sys.stdout, format_, found)
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as target:
            _write(target, format_, found)
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror or error}. Name another place with -o.") from error
    typer.echo(f"{output}: {len(found):,} voucher{'' if len(found) == 1 else 's'}")


def _write(target: TextIO, format_: Format, found: "list[Given]") -> None:
    rows = [{**asdict(each), "issued_at": each.issued_at.isoformat(timespec="seconds")} for each in found]
    if format_ is Format.JSON:
        target.write(json.dumps(rows, indent=2) + "\n")
        return
    writer = csv.DictWriter(target, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
