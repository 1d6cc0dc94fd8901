"""Everything that stays up: landing pages, the studio, and a wave whenever something is due."""

from typing import Annotated

import typer

from contactflow.commands.options import HERE, Workspace


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("serve")(serve)
    app.command("pages-role")(pages_role)


def serve(
    port: Annotated[int | None, typer.Option(help="The port. Default: [landing] port in contactflow.toml.")] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    pages_only: Annotated[bool, typer.Option("--pages-only", help="Only the landing pages: for a host that faces the internet.")] = False,
    workspace: Workspace = HERE,
) -> None:
    """Serve landing pages, the local inbox and telephone, and carry out campaigns whenever something is due.

    Example: contactflow serve
    """
    from contactflow.serving import Door
    from contactflow.serving import serve as served
    from contactflow.stopping import until_stopped

    with until_stopped():
        served(workspace, Door(host, port, typer.echo), pages_only=pages_only)
    typer.echo("Stopped. Nothing is lost.")


def pages_role(
    role: Annotated[str, typer.Argument(help="The name of the role.")] = "contactflow_pages",
    workspace: Workspace = HERE,
) -> None:
    """Print the SQL that makes a role in PostgreSQL for `serve --pages-only`: it reads no more than the pages need.

    Run it again after an update of contactflow, and when a page shows an attribute that no page showed before.

    Example: contactflow pages-role | psql contactflow
    """
    from contactflow.pages_role import role_sql, shown_attributes
    from contactflow.settings import read_settings

    settings = read_settings(workspace)
    topics = settings.known.keys() - settings.attributes.keys()
    typer.echo(role_sql(role, {*topics, *shown_attributes(workspace / "templates", settings.known)}), nl=False)
