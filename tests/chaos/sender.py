"""A process that carries out a wave over one mail server, or a chain of several, to be killed.

python -m tests.chaos.sender ROOT DATABASE CLAIM HOURS PORT [PORT ...]
"""

import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

from channels.email.chain import Chain, Provider
from channels.email.channel import EmailChannel
from channels.email.settings import EmailSettings
from channels.email.smtp import SmtpTransport
from engine.campaigns import open_versions
from store.clock import SystemClock
from store.session import open_database
from tests.conftest import NOON
from tests.engine.conftest import Bench


def main(root: str, database: str, claim: str, hours: str, *ports: str) -> None:
    engine = open_database(database)
    servers = {f"server-{port}": EmailSettings(host="127.0.0.1", port=int(port), sender_address="shop@example.com") for port in ports}
    providers = [Provider(name, partial(SmtpTransport, settings)) for name, settings in servers.items()]
    channel = EmailChannel(next(iter(servers.values())), Chain(providers, SystemClock()) if len(providers) > 1 else None)
    bench = Bench(Path(root), engine, [channel])
    bench.carry_out(open_versions(bench.workspace, "test"), NOON + timedelta(hours=int(hours)), claim)
    channel.close()
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
