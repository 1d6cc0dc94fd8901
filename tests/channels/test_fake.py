import multiprocessing
import signal
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.contract import BatchInfo, Content, Message, MessageKey, Outcome, Receipt
from channels.fake import FakeChannel, SentBySimulationError, UnpluggedChannel
from store.errors import DeliveryError

BATCH = BatchInfo("b", "winback", "v", "mail", "Win back", datetime(2026, 3, 2, tzinfo=UTC))


class FileWire:
    """Writes what it hears to a file, so that it can be read after the process was killed."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def start(self, keys: Iterable[MessageKey]) -> None:
        self._write("start", *keys)

    def done(self, receipt: Receipt) -> None:
        self._write("done", receipt.key)

    def _write(self, *words: str) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(" ".join(words) + "\n")


def messages(count: int) -> list[Message]:
    return [Message(MessageKey(f"m{number}"), "a@example.com", Content({"text": "hi"})) for number in range(count)]


def test_the_script_says_what_becomes_of_each_message(tmp_path: Path) -> None:
    script = {MessageKey("m0"): Outcome.PERMANENT, MessageKey("m1"): Outcome.UNKNOWN, MessageKey("m2"): Outcome.TEMPORARY}
    channel = FakeChannel(script=script, record=tmp_path / "sent.jsonl")
    receipts = list(channel.deliver(messages(4), BATCH, FileWire(tmp_path / "wire")))
    assert [receipt.outcome for receipt in receipts] == [Outcome.PERMANENT, Outcome.UNKNOWN, Outcome.TEMPORARY, Outcome.ACCEPTED]
    assert channel.delivered() == ["m1", "m3"]


def test_a_script_may_be_a_function_that_gives_whole_receipts(tmp_path: Path) -> None:
    def refuse(message: Message) -> Receipt:
        return Receipt(MessageKey(f"not {message.key}"), Outcome.PERMANENT, "550", bad_address=True)

    receipts = list(FakeChannel(script=refuse).deliver(messages(1), BATCH, FileWire(tmp_path / "wire")))
    assert receipts == [Receipt(MessageKey("m0"), Outcome.PERMANENT, "550", bad_address=True)]


def test_a_channel_that_is_down_sends_nothing(tmp_path: Path) -> None:
    channel = FakeChannel(down=DeliveryError("no line"), record=tmp_path / "sent.jsonl")
    with pytest.raises(DeliveryError):
        list(channel.deliver(messages(2), BATCH, FileWire(tmp_path / "wire")))
    assert channel.delivered() == []
    assert not (tmp_path / "wire").exists()


def _deliver(folder: Path) -> None:
    channel = FakeChannel(record=folder / "sent.jsonl", dies_at=3)
    list(channel.deliver(messages(5), BATCH, FileWire(folder / "wire")))


def test_a_process_that_is_killed_leaves_one_message_between_wire_and_receipt(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_deliver, args=(tmp_path,))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert FakeChannel(record=tmp_path / "sent.jsonl").delivered() == ["m0", "m1", "m2"]
    assert (tmp_path / "wire").read_text(encoding="utf-8").splitlines()[-2:] == ["done m1", "start m2"]


def test_an_unplugged_channel_composes_and_never_sends(tmp_path: Path) -> None:
    inside = FakeChannel(record=tmp_path / "sent.jsonl")
    channel = UnpluggedChannel(inside)
    (tmp_path / "hello.txt").write_text("Hi {{ code }}", encoding="utf-8")
    wording = channel.load(tmp_path / "hello.txt", {}, tmp_path)
    assert not isinstance(wording, list)
    assert wording.compose({"code": "X"}) == channel.restore(wording.source).compose({"code": "X"})
    assert channel.address_of({"email": "a@example.com"}) == "a@example.com"
    assert (channel.name, channel.max_batch) == (inside.name, inside.max_batch)
    with pytest.raises(SentBySimulationError):
        channel.deliver(messages(1), BATCH, FileWire(tmp_path / "wire"))
    channel.close()
    assert inside.delivered() == []
