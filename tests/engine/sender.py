"""A process that carries out a wave, to be killed: python -m tests.engine.sender ROOT DATABASE CLAIM [DIES_AT] [SMTP_PORT]"""

import sys
from pathlib import Path

from channels.contract import Channel
from channels.email.channel import EmailChannel
from channels.email.settings import EmailSettings
from channels.fake import FakeChannel
from engine.campaigns import open_versions
from store.session import open_database
from tests.engine.conftest import Bench


def main(root: str, database: str, claim: str, dies_at: str = "0", port: str = "0") -> None:
    engine = open_database(database)
    record = Path(root) / "record.jsonl"
    channel: Channel = FakeChannel("email", ("email",), record=record, dies_at=int(dies_at) or None)
    if int(port):
        channel = EmailChannel(EmailSettings(host="127.0.0.1", port=int(port), sender_address="shop@example.com"))
    bench = Bench(Path(root), engine, [channel])
    bench.carry_out(open_versions(bench.workspace, "test"), claim=claim)
    channel.close()
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
