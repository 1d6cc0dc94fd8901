"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="The folder where contactflow.toml is.", show_default="this folder")]
HERE = Path()


class Format(StrEnum):
    """How data is printed."""

    TEXT = "text"
    JSON = "json"


As = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]
