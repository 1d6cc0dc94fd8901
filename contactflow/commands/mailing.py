"""Keys that sign mail, and whether receivers will trust it."""

import json
import re
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from contactflow.commands.options import HERE, As, Format, Workspace


class Kind(StrEnum):
    """Kinds of keys."""

    RSA = "rsa"
    ED25519 = "ed25519"


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("dkim")(dkim)
    app.command("trust")(trust)


def dkim(
    selector: Annotated[str, typer.Argument(help="A name for the key, such as the month: 2026-03.")],
    kind: Annotated[
        Kind, typer.Option("--type", help="rsa is understood everywhere; add an ed25519 key beside it if you like.")
    ] = Kind.RSA,
    workspace: Workspace = HERE,
) -> None:
    """Make a key that signs mail (DKIM), and say what to write into DNS and into contactflow.toml.

    To change keys: make a new one, publish it, and give it `begins`. Leave the old one in DNS for a week after that day.

    Example: contactflow dkim 2026-03
    """
    from channels.email.dkim import public_record
    from contactflow.mailing import SELECTOR
    from contactflow.settings import read_settings
    from contactflow.signing import make_key

    settings = read_settings(workspace)
    domain = settings.email.sender.rpartition("@")[2]
    if not re.fullmatch(SELECTOR, selector):
        raise typer.BadParameter("Use letters, figures and hyphens, such as 2026-03.", param_hint="selector")
    file = make_key(workspace, selector, kind.value)
    typer.echo(f"The private key is in {file}. It is a secret: keep it out of version control.\n")
    typer.echo(f"Write into DNS, as a TXT record at {selector}._domainkey.{domain}:\n\n  {public_record(file.read_bytes())}\n")
    typer.echo(f'Then into contactflow.toml:\n\n  [[email.dkim]]\n  selector = "{selector}"\n  key = "{file.relative_to(workspace)}"\n')
    typer.echo("And see whether all is well: contactflow trust ZONE-FILE")


def trust(
    zone: Annotated[list[Path], typer.Argument(help="The zones of the domains, as your DNS provider exports them (BIND's format).")],
    return_domain: Annotated[
        str | None,
        typer.Option(
            help="The domain of the return path, where your provider sets its own. Default: [email] bounce_domain, or the sender's."
        ),
    ] = None,
    format_: As = Format.TEXT,
    workspace: Workspace = HERE,
) -> None:
    """Say whether receivers will trust our mail: SPF, DKIM and DMARC in DNS, and whether they align with the sender.

    Example: contactflow trust example.com.zone
    """
    from channels.email.trust import Zones, doubts
    from contactflow.adapters import Adapters
    from contactflow.settings import environment, read_secrets, read_settings

    read = read_settings(workspace)
    own = Adapters(workspace, read, read_secrets(workspace, environment())).email_settings()
    # The inbox has return paths without a domain of their own; DNS is asked what it would be for real.
    settings = replace(own, bounce_domain=read.email.bounce_domain)
    found = doubts(settings, Zones(zone, settings.sender_address.rpartition("@")[2]), return_domain)
    if format_ is Format.JSON:
        typer.echo(json.dumps([{"name": each.name, "message": each.message, "remedy": each.remedy} for each in found], indent=2))
    elif found:
        typer.echo("\n".join(f"{each.name}: {each.message}\n  {each.remedy}" for each in found))
    else:
        typer.echo(f"Receivers have every reason to trust mail from {settings.sender_address}: SPF, DKIM and DMARC are there and align.")
    if found:
        raise typer.Exit(1)
