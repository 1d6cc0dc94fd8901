"""Every adapter keeps the channel contract. One test, one parameter: there is no other kind of adapter."""

import logging
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.contract import BatchInfo, Channel, CompositionFault, Content, Message, MessageKey, Outcome, Receipt, Wording
from tests.channels.adapters import ADAPTERS, PERSON, VALUES, Adapter

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NASTY = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "{{ 7 * 7 }}",
            "{% raw %}",
            "{{ customer.last_name }}",
            "<b onload='x'>&amp;",
            "**bold** # not a heading",
            "- not a list",
            "\\",
            "a\r\nBcc: x@y",
            "line\nbreak",
            "Ω ≈ ç √ 日本 🙂 👩‍👩‍👧",
            "e\u0301",
            "\ud800".encode("utf-8", "replace").decode(),
            "\x00\x07",
            "",
            "”",
            "%s %(a)s {0}",
            "$x^2$ \\n",
        ]
    ),
)


class RecordingWire:
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, MessageKey]] = []
        self.receipts: list[Receipt] = []

    def start(self, keys: Iterable[MessageKey]) -> None:
        self.events += [("start", key) for key in keys]

    def done(self, receipt: Receipt) -> None:
        self.events.append(("done", receipt.key))
        self.receipts.append(receipt)

    @property
    def started(self) -> list[MessageKey]:
        return [key for event, key in self.events if event == "start"]


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: str(adapter.name))
def adapter(request: pytest.FixtureRequest) -> Adapter:
    assert isinstance(request.param, Adapter)
    return request.param


@pytest.fixture
def channel(adapter: Adapter, tmp_path: Path) -> Iterable[Channel]:
    channel = adapter.make(tmp_path)
    yield channel
    channel.close()


@pytest.fixture
def wording(adapter: Adapter, channel: Channel, tmp_path: Path) -> Wording:
    return load(adapter, channel, tmp_path, adapter.good)


def load(adapter: Adapter, channel: Channel, folder: Path, text: str) -> Wording:
    file = folder / adapter.file
    file.write_text(text, encoding="utf-8")
    loaded = channel.load(file, adapter.options, folder)
    assert not isinstance(loaded, list), loaded
    return loaded


def values_for(**person: Any) -> dict[str, Any]:
    values = deepcopy(VALUES)
    values["customer"] |= person
    return values


def composed(wording: Wording, values: dict[str, Any]) -> Content:
    content = wording.compose(values)
    assert isinstance(content, Content), content
    return content


def messages_of(channel: Channel, wording: Wording, count: int) -> list[Message]:
    content = composed(wording, VALUES)
    address = channel.address_of(PERSON)
    assert address
    links = VALUES["links"]
    return [Message(MessageKey(f"v1.{number}"), address, content, links) for number in range(count)]


def batch(key: str = "winback-1") -> BatchInfo:
    return BatchInfo(key, "winback", "abc123", "mail", "Win back", NOON)


def test_an_address_in_normal_form_is_its_own_normal_form(channel: Channel) -> None:
    address = channel.address_of(PERSON)
    assert address
    assert address == address.strip()
    assert channel.address_of(PERSON) == address
    if len(channel.addresses) == 1:
        assert channel.address_of({**PERSON, channel.addresses[0]: address}) == address


def test_an_address_is_read_from_the_declared_attributes_only(channel: Channel) -> None:
    country = {"country": PERSON["country"]}
    declared = {name: PERSON[name] for name in channel.addresses}
    assert channel.address_of({**country, **declared}) == channel.address_of(PERSON)


def test_whoever_cannot_be_reached_has_no_address(channel: Channel, adapter: Adapter) -> None:
    assert channel.address_of({**PERSON, **adapter.unreachable}) is None
    assert channel.address_of({}) is None
    assert channel.address_of(dict.fromkeys(PERSON)) is None


@given(junk=st.text(max_size=40))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_attribute_whatever_breaks_the_reading_of_an_address(channel: Channel, junk: str) -> None:
    for name in channel.addresses:
        address = channel.address_of({**PERSON, name: junk})
        assert address is None or address


def test_a_fault_in_a_template_names_file_line_and_remedy(channel: Channel, adapter: Adapter, tmp_path: Path) -> None:
    file = tmp_path / adapter.file
    file.write_text(adapter.bad, encoding="utf-8")
    faults = channel.load(file, adapter.options, tmp_path)
    assert isinstance(faults, list)
    assert [(fault.file, fault.line) for fault in faults] == [(file, adapter.bad_line)]
    assert faults[0].column >= 1
    assert faults[0].message
    assert faults[0].remedy


def test_a_template_that_is_not_there_or_not_text_is_a_fault(channel: Channel, adapter: Adapter, tmp_path: Path) -> None:
    missing = channel.load(tmp_path / "nowhere" / adapter.file, adapter.options, tmp_path)
    assert isinstance(missing, list)
    binary = tmp_path / adapter.file
    binary.write_bytes(b"Dear\n\xff\xfe\x00")
    unreadable = channel.load(binary, adapter.options, tmp_path)
    assert isinstance(unreadable, list)
    assert unreadable[0].line == 2


def test_a_wording_names_the_variables_that_it_reads(wording: Wording) -> None:
    assert {"customer.first_name", "links.page"} <= wording.variables
    assert not {name for name in wording.variables if name.split(".")[0] not in VALUES}


def test_the_recipients_values_stand_in_the_content(wording: Wording) -> None:
    shown = "".join(composed(wording, values_for(first_name="Bram")).parts.values())
    assert "Bram" in shown
    assert VALUES["links"]["page"] in shown


@given(name=NASTY)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_same_values_give_the_same_content_and_are_never_a_template(wording: Wording, channel: Channel, name: str) -> None:
    values = values_for(first_name=name)
    before = deepcopy(values)
    content = wording.compose(values)
    assert values == before
    assert content == wording.compose(deepcopy(values))
    assert content == channel.restore(wording.source).compose(values)
    if isinstance(content, Content):
        assert content.segments >= 1
        assert "49" not in content.parts.get("text", "").replace(name, "")
        assert PERSON["last_name"] not in content.parts.get("text", "")


def test_a_wording_comes_back_from_its_source(wording: Wording, channel: Channel) -> None:
    restored = channel.restore(wording.source)
    assert restored.source == wording.source
    assert restored.variables == wording.variables
    assert restored.compose(VALUES) == wording.compose(VALUES)


def test_two_wordings_differ_in_their_source(adapter: Adapter, channel: Channel, wording: Wording, tmp_path: Path) -> None:
    other = load(adapter, channel, tmp_path, adapter.good.replace("Dear", "Hello"))
    assert other.source != wording.source


@pytest.mark.parametrize("without", ["absent", "none", "no group"])
def test_a_missing_variable_is_a_fault_of_that_message_only(wording: Wording, without: str) -> None:
    values = values_for(first_name=None)
    if without == "absent":
        del values["customer"]["first_name"]
    if without == "no group":
        del values["customer"]
    fault = wording.compose(values)
    assert isinstance(fault, CompositionFault)
    assert fault.variable == "customer.first_name"
    assert isinstance(wording.compose(VALUES), Content)


def test_a_variable_may_be_asked_for_without_being_there(adapter: Adapter, channel: Channel, tmp_path: Path) -> None:
    asking = "{{ customer.nickname or 'customer' }}{% if customer.nickname %}!{% endif %} {{ customer.nickname|default('friend') }}"
    text = adapter.good.replace("{{ customer.first_name }}", asking)
    content = composed(load(adapter, channel, tmp_path, text), VALUES)
    assert "customer friend" in "".join(content.parts.values())


def test_every_started_message_gets_exactly_one_receipt(channel: Channel, wording: Wording, adapter: Adapter, tmp_path: Path) -> None:
    wire, messages = RecordingWire(), messages_of(channel, wording, 5)
    receipts = list(channel.deliver(messages, batch(), wire))
    assert set(receipts) == set(wire.receipts)
    assert sorted(receipt.key for receipt in receipts) == sorted(wire.started) == sorted(message.key for message in messages)
    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    assert sorted(adapter.delivered(tmp_path)) == sorted(str(message.key) for message in messages)


def test_the_wire_hears_of_a_message_before_the_world_does(channel: Channel, wording: Wording, adapter: Adapter, tmp_path: Path) -> None:
    class Witness(RecordingWire):
        def start(self, keys: Iterable[MessageKey]) -> None:
            keys = list(keys)
            assert not set(adapter.delivered(tmp_path)) & {str(key) for key in keys}
            super().start(keys)

        def done(self, receipt: Receipt) -> None:
            assert ("start", receipt.key) in self.events
            assert str(receipt.key) in adapter.delivered(tmp_path)
            super().done(receipt)

    wire = Witness()
    assert len(list(channel.deliver(messages_of(channel, wording, 3), batch(), wire))) == 3
    assert len(wire.receipts) == 3


def test_a_receipt_is_told_to_the_wire_before_it_is_given(channel: Channel, wording: Wording) -> None:
    wire = RecordingWire()
    for receipt in channel.deliver(messages_of(channel, wording, 3), batch(), wire):
        assert receipt in wire.receipts


def test_an_empty_batch_sends_nothing(channel: Channel, adapter: Adapter, tmp_path: Path) -> None:
    wire = RecordingWire()
    assert list(channel.deliver([], batch(), wire)) == []
    assert wire.events == []
    assert adapter.delivered(tmp_path) == []


def test_the_largest_batch_is_taken(channel: Channel, wording: Wording, adapter: Adapter, tmp_path: Path) -> None:
    count = min(channel.max_batch, 1_000)
    wire = RecordingWire()
    assert len(list(channel.deliver(messages_of(channel, wording, count), batch(), wire))) == count
    assert len(set(adapter.delivered(tmp_path))) == count


def test_a_batch_that_is_delivered_again_adds_nothing(channel: Channel, wording: Wording, adapter: Adapter, tmp_path: Path) -> None:
    if not adapter.again_adds_nothing:
        pytest.skip("only for channels that keep a record of their own")
    messages = messages_of(channel, wording, 4)
    first = list(channel.deliver(messages[:3], batch(), RecordingWire()))
    again = adapter.make(tmp_path)  # another process
    second = list(again.deliver(messages, batch(), RecordingWire()))
    assert [receipt.outcome for receipt in second] == [Outcome.ACCEPTED] * 4
    assert [receipt.provider_id for receipt in second[:3]] == [receipt.provider_id for receipt in first]
    assert sorted(adapter.delivered(tmp_path)) == sorted(str(message.key) for message in messages)


def test_a_channel_may_be_closed_twice_and_still_composes(channel: Channel, wording: Wording) -> None:
    channel.close()
    channel.close()
    assert isinstance(wording.compose(VALUES), Content)


def test_nothing_personal_is_logged_or_told_in_faults(
    channel: Channel, adapter: Adapter, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    text = adapter.good.replace("{{ customer.first_name }}", "{{ customer.last_name + 1 }}")
    wording = load(adapter, channel, tmp_path, text)
    with caplog.at_level(logging.DEBUG):
        fault = wording.compose(VALUES)
        good = load(adapter, channel, tmp_path, adapter.good)
        receipts = list(channel.deliver(messages_of(channel, good, 2), batch(), RecordingWire()))
    assert isinstance(fault, CompositionFault)
    said = f"{fault} {receipts} {caplog.text} {''.join(capfd.readouterr())}"
    assert not [value for value in PERSON.values() if len(value) > 2 and value in said]
