import json
import multiprocessing
import resource
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import CompositionFault, Content, MessageKey, Outcome, Receipt
from channels.merging import START, Texts
from channels.sms import SandboxPhone, Sms, SmsChannel
from channels.sms.gsm import BASIC, EXTENSION, economical, size_of
from channels.sms.wording import SmsWording
from store.errors import DeliveryError


class SilentWire:
    def start(self, keys: Iterable[MessageKey]) -> None:
        pass

    def done(self, receipt: Receipt) -> None:
        pass


def text(number: int, words: str = "Hello") -> Sms:
    return Sms(MessageKey(f"v1.{number}"), "+31612345678", words, 1)


def keys_in(folder: Path) -> list[str]:
    return [json.loads(line)["key"] for line in (folder / "sms.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("words", "alphabet", "units", "segments"),
    [
        ("a" * 160, "gsm", 160, 1),
        ("a" * 161, "gsm", 161, 2),
        ("a" * 306, "gsm", 306, 2),
        ("a" * 307, "gsm", 307, 3),
        ("€" * 80, "gsm", 160, 1),
        ("€" * 81, "gsm", 162, 2),
        # 153 is odd: each segment holds 76 euros, and 152 of them just two segments
        ("€" * 152, "gsm", 304, 2),
        ("€" * 153, "gsm", 306, 3),
        ("ë" * 70, "ucs2", 70, 1),
        ("ë" * 71, "ucs2", 71, 2),
        ("ë" * 134, "ucs2", 134, 2),
        ("ë" * 135, "ucs2", 135, 3),
        ("🙂" * 35, "ucs2", 70, 1),
        ("🙂" * 36, "ucs2", 72, 2),
        # 67 is odd: a pair of surrogates is not cut in half, so 33 fit
        ("🙂" * 66, "ucs2", 132, 2),
        ("🙂" * 67, "ucs2", 134, 3),
        ("", "gsm", 0, 1),
    ],
)
def test_segments_are_counted_as_networks_bill_them(words: str, alphabet: str, units: int, segments: int) -> None:
    size = size_of(words)
    assert (size.alphabet, size.units, size.segments) == (alphabet, units, segments)


def test_the_alphabet_is_that_of_the_standard() -> None:
    assert len(BASIC) == 127  # 128 places, one of which is the escape
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION
    assert not {"á", "ë", "ç", "ï", "`", "’"} & BASIC


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("“It’s” – 5\u00a0% off…", '"It\'s" - 5 % off...'),
        ("soft\u00adhyphen", "softhyphen"),
        # one letter needs UCS-2 anyway: the quotes cost nothing more, and a name is not respelled
        ("Zoë’s “page”", "Zoë’s “page”"),
        ("Ange\u0300le", "Angèle"),
    ],
)
def test_typographic_characters_become_plain_when_that_saves_money(words: str, sent: str) -> None:
    assert economical(words) == sent


@given(st.text())
def test_an_economical_text_never_costs_more_and_stays_as_it_is(words: str) -> None:
    sent = economical(words)
    assert economical(sent) == sent
    if size_of(sent).alphabet == "ucs2":
        assert size_of(words).alphabet == "ucs2"


@given(st.text(alphabet=st.sampled_from("aé€[🙂ë"), min_size=1, max_size=400))
def test_every_segment_could_be_sent(words: str) -> None:
    size = size_of(words)
    alone, joined = (160, 153) if size.alphabet == "gsm" else (70, 67)
    assert size.segments == 1 if size.units <= alone else size.segments * (joined - 1) >= size.units - joined
    assert size.segments * (alone if size.segments == 1 else joined) >= size.units


def test_a_long_link_stays_whole() -> None:
    link = "https://shop.example/p/" + "x" * 180
    content = SmsWording(Texts({START: "Look:   \n{{ links.page }}\nBye\n\n"})).compose({"links": {"page": link}})
    assert content == Content({"text": f"Look:\n{link}\nBye"}, segments=2)


def test_a_text_that_no_phone_joins_is_not_sent() -> None:
    wording = SmsWording(Texts({START: "{{ customer.story }}"}))
    assert isinstance(wording.compose({"customer": {"story": "a" * 1_530}}), Content)
    assert isinstance(wording.compose({"customer": {"story": "a" * 1_531}}), CompositionFault)
    assert isinstance(wording.compose({"customer": {"story": "\n"}}), CompositionFault)


def test_an_empty_template_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n", encoding="utf-8")
    faults = SmsChannel(SandboxPhone(tmp_path)).load(tmp_path / "empty.txt", {}, tmp_path)
    assert isinstance(faults, list)
    assert "empty" in faults[0].message


@pytest.mark.parametrize(
    ("phone", "country", "address"),
    [
        ("+31612345678", "NL", "+31612345678"),
        ("06 12 34 56 78", "NL", "+31612345678"),
        ("0031612345678", "nl", "+31612345678"),
        ("0612345678", None, None),
        ("+1 201 555 0123", "US", "+12015550123"),  # nobody can tell that it is not a mobile
        ("+31 20 123 4567", "NL", None),
        ("+31 800 1234", "NL", None),
        ("call me", "NL", None),
        ("+31612345678", "ZZ", "+31612345678"),
        (31612345678, "NL", "+31612345678"),
    ],
)
def test_only_mobile_numbers_are_addresses(phone: object, country: str | None, address: str | None) -> None:
    channel = SmsChannel(SandboxPhone(Path("/nowhere")))
    assert channel.address_of({"phone": phone, "country": country}) == address


def test_half_a_line_of_a_killed_process_is_cut_off(tmp_path: Path) -> None:
    list(SandboxPhone(tmp_path).send([text(1)], SilentWire()))
    with (tmp_path / "sms.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"key": "v1.2", "to": "+316')
    list(SandboxPhone(tmp_path).send([text(2), text(3)], SilentWire()))
    assert keys_in(tmp_path) == ["v1.1", "v1.2", "v1.3"]


def test_two_phones_on_one_folder_see_each_others_texts(tmp_path: Path) -> None:
    first, second = SandboxPhone(tmp_path), SandboxPhone(tmp_path)
    list(first.send([text(1)], SilentWire()))
    list(second.send([text(1), text(2)], SilentWire()))
    list(first.send([text(2), text(3)], SilentWire()))
    assert keys_in(tmp_path) == ["v1.1", "v1.2", "v1.3"]
    (tmp_path / "sms.jsonl").unlink()
    list(first.send([text(1)], SilentWire()))
    assert keys_in(tmp_path) == ["v1.1"]


def _send_many(folder: str) -> None:
    phone = SandboxPhone(Path(folder))
    for start in range(0, 200, 20):
        list(phone.send([text(number) for number in range(start, start + 20)], SilentWire()))


def test_processes_that_send_the_same_texts_at_once_send_them_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_send_many, args=(str(tmp_path),)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sorted(keys_in(tmp_path)) == sorted(f"v1.{number}" for number in range(200))


def test_a_full_disk_leaves_no_half_batch_and_is_tried_again(tmp_path: Path) -> None:
    phone = SandboxPhone(tmp_path)
    list(phone.send([text(1)], SilentWire()))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, before[1]))
    try:
        receipts = list(phone.send([text(1), text(2), text(3, "long " * 200)], SilentWire()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED, Outcome.TEMPORARY, Outcome.TEMPORARY]
    assert keys_in(tmp_path) == ["v1.1"]
    assert [receipt.outcome for receipt in phone.send([text(2)], SilentWire())] == [Outcome.ACCEPTED]


def test_a_folder_that_cannot_be_made_is_told_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "sandbox").write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(DeliveryError, match="Make room"):
        list(SandboxPhone(tmp_path / "sandbox").send([text(1)], SilentWire()))
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox"]
