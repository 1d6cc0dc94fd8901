"""The commands, a module for each kind of work."""

import typer

from contactflow.commands import (
    flows,
    halting,
    importing,
    mailing,
    people,
    power,
    previewing,
    promoting,
    rehearsing,
    reporting,
    running,
    serving,
    several,
    vouchers,
    workspace,
)

app = typer.Typer(
    name="contactflow",
    help="Campaigns as flow graphs: drawn, simulated, carried out over e-mail, SMS and letters, and measured against a control.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
for module in (
    workspace,
    flows,
    previewing,
    importing,
    people,
    running,
    halting,
    mailing,
    rehearsing,
    serving,
    power,
    reporting,
    promoting,
    vouchers,
    several,
):
    module.add_to(app)
