"""A new workspace."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("init")(init)


def init(folder: Annotated[Path, typer.Argument(help="The folder; it is made when it is not there.")]) -> None:
    """Make a workspace: settings, a first campaign with its templates, and customers to try it on.

    Example: contactflow init shop
    """
    from contactflow.starting import make_workspace

    made = make_workspace(folder)
    for path in made:
        typer.echo(f"  {path.relative_to(folder)}")
    typer.echo(f"A workspace in {folder}. Next: cd {folder}, and read README.md there.")
