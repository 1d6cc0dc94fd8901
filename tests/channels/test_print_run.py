import csv
import hashlib
import io
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reportlab
import zxingcpp
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from channels.contract import BatchInfo, Content, Message, MessageKey, Outcome, Receipt
from channels.print import PrintChannel, PrintSettings
from channels.print.qr import qr_modules
from channels.print.run import content_digest, run_name
from channels.print.settings import Window
from store.errors import DeliveryError, SettingsError
from tests.channels.adapters import PERSON, VALUES, print_settings
from tests.channels.images import picture

LETTER = """---
heading: "{{ customer.first_name }}, news"
language: en
signed: ["Anna de Wit", "Huis & Haard"]
---
Dear {{ customer.first_name }},

This paragraph is the same for **everybody**, and long enough to be worth sharing between the letters of a run.

Kind regards,
"""
BATCH = BatchInfo("winback-letter-1", "winback", "abc123", "letter", "Win back", datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
PLACES = [("DE", "10115", "Berlin"), ("NL", "9711 AB", "Groningen"), ("NL", "1017 CD", "Amsterdam"), ("BE", "2000", "Antwerpen")]


class SilentWire:
    def start(self, keys: Iterable[MessageKey]) -> None:
        pass

    def done(self, receipt: Receipt) -> None:
        pass


@pytest.fixture
def channel(tmp_path: Path) -> PrintChannel:
    return PrintChannel(print_settings(tmp_path))


def messages_of(channel: PrintChannel, folder: Path, count: int, text: str = LETTER, first: int = 0) -> list[Message]:
    template = folder / "letter.md"
    template.write_text(text, encoding="utf-8")
    wording = channel.load(template, {}, folder)
    assert not isinstance(wording, list), wording
    messages = []
    for number in range(first, first + count):
        country, postcode, city = PLACES[number % len(PLACES)]
        person = PERSON | {"first_name": f"Name{number}", "country": country, "postcode": postcode, "city": city}
        values: dict[str, Any] = deepcopy(VALUES) | {"customer": person, "code": f"7K3QX-{number:05d}"}
        values["links"] = {"page": f"https://shop.example/p/AQID{number:06d}.k3J9xQ2mZxLrT5vW"}
        content, address = wording.compose(values), channel.address_of(person)
        assert isinstance(content, Content), content
        assert address
        messages.append(Message(MessageKey(f"v1.{number}"), address, content))
    return messages


def deliver(channel: PrintChannel, messages: Sequence[Message], batch: BatchInfo = BATCH) -> list[Receipt]:
    return list(channel.deliver(messages, batch, SilentWire()))


def manifest(run: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((run / "manifest.csv").read_text(encoding="utf-8"))))


def run_of(tmp_path: Path) -> Path:
    return tmp_path / "print" / BATCH.key


def test_a_run_is_what_a_mail_house_needs(channel: PrintChannel, tmp_path: Path) -> None:
    messages = messages_of(channel, tmp_path, 8)
    receipts = deliver(channel, messages)
    run = run_of(tmp_path)
    rows = manifest(run)
    assert [(row["country"], row["postcode"]) for row in rows] == [
        *[("NL", "1017 CD")] * 2, *[("NL", "9711 AB")] * 2, *[("BE", "2000")] * 2, *[("DE", "10115")] * 2,
    ]  # fmt: skip
    assert [row["sequence"] for row in rows] == [str(number) for number in range(1, 9)]
    by_key = {message.key: message for message in messages}
    assert {row["sha256"] for row in rows} == {content_digest(message) for message in messages}
    for row in rows:
        assert row["sha256"] == content_digest(by_key[MessageKey(row["key"])])
        assert row["code"] == by_key[MessageKey(row["key"])].content.parts["code"]
    assert {receipt.provider_id for receipt in receipts} == {f"{BATCH.key}#{number}" for number in range(1, 9)}
    papers = json.loads((run / "batch.json").read_text(encoding="utf-8"))
    assert (papers["campaign"], papers["node"], papers["letters"], papers["pages"]) == ("winback", "letter", 8, 8)
    assert papers["sha256"] == hashlib.sha256((run / "letters.pdf").read_bytes()).hexdigest()
    assert sorted(path.name for path in run.iterdir()) == ["batch.json", "letters.pdf", "manifest.csv"]


def test_each_page_is_its_recipients_in_the_order_of_the_manifest(channel: PrintChannel, tmp_path: Path) -> None:
    messages = {message.key: message for message in messages_of(channel, tmp_path, 6)}
    deliver(channel, list(messages.values()))
    pages = PdfReader(run_of(tmp_path) / "letters.pdf").pages
    for row, page in zip(manifest(run_of(tmp_path)), pages, strict=True):
        number = row["key"].removeprefix("v1.")
        words = page.extract_text()
        assert words.count(f"Name{number}") == 3  # address, heading, salutation
        assert row["code"] in words
        for said in (
            "2 March 2026",
            "Huis & Haard B.V.",
            "the same for everybody",
            "Kind regards,",
            "Anna de Wit",
            "shop.example",
        ):
            assert said in words
        assert ("DUITSLAND" in words) == (row["country"] == "DE")


def test_every_font_is_embedded(channel: PrintChannel, tmp_path: Path) -> None:
    deliver(channel, messages_of(channel, tmp_path, 2))
    fonts = _fonts(PdfReader(run_of(tmp_path) / "letters.pdf"))
    assert len(fonts) >= 2
    assert all("/FontFile2" in font for font in fonts.values()), fonts


def _fonts(reader: PdfReader) -> dict[str, DictionaryObject]:
    found = {}
    for number in range(1, len(reader.xref[0]) + 1):
        item = reader.get_object(number)
        if isinstance(item, DictionaryObject) and item.get("/Type") == "/Font":
            descriptor = item.get("/FontDescriptor")
            found[str(item["/BaseFont"])] = descriptor.get_object() if descriptor else DictionaryObject()
    return found


def test_the_qr_code_of_a_printed_page_leads_to_the_personal_page(channel: PrintChannel, tmp_path: Path) -> None:
    message = messages_of(channel, tmp_path, 1)[0]
    url = message.content.parts["url"]
    renderer = shutil.which("pdftoppm")
    if renderer:
        (tmp_path / "one.pdf").write_bytes(channel.preview(message.content, message.address))
        subprocess.run([renderer, "-r", "150", "-gray", "-singlefile", "-png", "one.pdf", "one"], cwd=tmp_path, check=True)
        page = np.asarray(Image.open(tmp_path / "one.png"))
    else:
        page = np.kron(np.pad(~qr_modules(url), 4, constant_values=True), np.ones((6, 6))).astype(np.uint8) * 255
    assert [barcode.text for barcode in zxingcpp.read_barcodes(page)] == [url]


def test_the_same_letters_give_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        channel = PrintChannel(print_settings(tmp_path / name))
        deliver(channel, messages_of(channel, tmp_path, 5))
        run = tmp_path / name / "print" / BATCH.key
        files.append([(run / file).read_bytes() for file in ("letters.pdf", "manifest.csv", "batch.json")])
    assert files[0] == files[1]


def test_what_letters_share_is_drawn_once(channel: PrintChannel, tmp_path: Path) -> None:
    sizes = {}
    for count in (20, 40):
        batch = BatchInfo(f"run-{count}", "c", "v", "n", "t", BATCH.at)
        deliver(channel, messages_of(channel, tmp_path, count), batch)
        data = (tmp_path / "print" / batch.key / "letters.pdf").read_bytes()
        sizes[count] = (len(data), data.count(b"/Subtype /Form"))
    assert sizes[20][1] == sizes[40][1]
    assert (sizes[40][0] - sizes[20][0]) / 20 < 2_500  # bytes for one more letter


def test_images_and_lists_are_drawn_on_either_window(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(picture(600, 120))
    (tmp_path / "name.png").write_bytes(picture(300, 100))
    text = LETTER.replace("language: en", "language: en\nlogo: logo.png\nsignature: name.png").replace("Kind", "- first\n- second\n\nKind")
    windows: dict[Window, float] = {"left": 70.9, "right": 334.5}
    for window, left in windows.items():
        settings = replace(print_settings(tmp_path), window=window, folder=tmp_path / window)
        channel = PrintChannel(settings)
        deliver(channel, messages_of(channel, tmp_path, 2, text))
        reader = PdfReader(tmp_path / window / BATCH.key / "letters.pdf")
        at: dict[str, float] = {}
        reader.pages[0].extract_text(visitor_text=lambda words, _, matrix, *__, at=at: at.update({words.strip(): matrix[4]}))
        assert at["Name1 Jansen-Öz"] == pytest.approx(left, abs=0.1)
        words = reader.pages[1].extract_text()
        assert words.count("•") == 2
        data = (tmp_path / window / BATCH.key / "letters.pdf").read_bytes()
        assert data.count(b"/Subtype /Image") == 2  # once each, however many letters show them


def test_wordings_may_be_mixed_in_a_run(channel: PrintChannel, tmp_path: Path) -> None:
    other = LETTER.replace("---\nhead", '---\ncolour: "#145a46"\nhead').replace("everybody", "the others")
    messages = messages_of(channel, tmp_path, 3) + messages_of(channel, tmp_path, 3, other, first=3)
    deliver(channel, messages)
    pages = PdfReader(run_of(tmp_path) / "letters.pdf").pages
    others = ["the others" in page.extract_text() for page in pages]
    assert [int(row["key"][3:]) >= 3 for row in manifest(run_of(tmp_path))] == others


def test_a_letter_of_two_pages_counts_as_two(channel: PrintChannel, tmp_path: Path) -> None:
    long = LETTER.replace("Kind regards", "A paragraph of its own.\n\n" * 20 + "Kind regards")
    messages = messages_of(channel, tmp_path, 2, long)
    deliver(channel, messages)
    pages = [page.extract_text() for page in PdfReader(run_of(tmp_path) / "letters.pdf").pages]
    assert [row["pages"] for row in manifest(run_of(tmp_path))] == ["2", "2"] == [str(each.content.segments) for each in messages]
    assert ["Page 1 of 2" in page for page in pages] == [True, False, True, False]
    assert ["7K3QX" in page for page in pages] == [True, False, True, False]


def test_letters_that_come_later_under_the_same_key_get_a_run_of_their_own(channel: PrintChannel, tmp_path: Path) -> None:
    messages = messages_of(channel, tmp_path, 5)
    first, again = deliver(channel, messages[:3]), deliver(channel, messages[1:])
    assert again[:2] == first[1:]
    assert [receipt.provider_id for receipt in again[2:]] == [f"{BATCH.key}.2#1", f"{BATCH.key}.2#2"]
    assert deliver(channel, messages) == [*first, *again[2:]]


def test_a_key_that_is_no_file_name_still_has_a_run_of_its_own() -> None:
    assert run_name("winback-letter-1") == "winback-letter-1"
    names = {run_name(key) for key in ("../../etc", "a/b", "a:b", "..", "é", "x" * 300, "x" * 301)}
    assert len(names) == 7
    assert all("/" not in name and not name.startswith(".") and len(name) < 100 for name in names)


def test_a_full_disk_leaves_no_half_run_and_says_what_to_do(channel: PrintChannel, tmp_path: Path) -> None:
    messages = messages_of(channel, tmp_path, 3)
    started: list[MessageKey] = []

    class Wire(SilentWire):
        def start(self, keys: Iterable[MessageKey]) -> None:
            started.extend(keys)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, before[1]))
    try:
        with pytest.raises(DeliveryError, match="Make room"):
            list(channel.deliver(messages, BATCH, Wire()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert started == []
    assert [path.name for path in (tmp_path / "print").iterdir()] == [".lock"]
    assert {receipt.outcome for receipt in deliver(channel, messages)} == {Outcome.ACCEPTED}


def test_a_run_that_cannot_be_put_in_its_place_was_not_sent(channel: PrintChannel, tmp_path: Path) -> None:
    messages = messages_of(channel, tmp_path, 2)
    run_of(tmp_path).parent.mkdir()
    run_of(tmp_path).write_text("a file is in the way", encoding="utf-8")
    receipts = deliver(channel, messages)
    assert {receipt.outcome for receipt in receipts} == {Outcome.TEMPORARY}
    assert "Name0" not in str(receipts)
    run_of(tmp_path).unlink()
    assert {receipt.outcome for receipt in deliver(channel, messages)} == {Outcome.ACCEPTED}


def _die_on_the_wire(folder: Path) -> None:
    class DeadlyWire(SilentWire):
        def start(self, keys: Iterable[MessageKey]) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

    channel = PrintChannel(print_settings(folder))
    list(channel.deliver(messages_of(channel, folder, 3), BATCH, DeadlyWire()))


def test_a_process_that_is_killed_before_the_rename_has_printed_nothing(channel: PrintChannel, tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die_on_the_wire, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert sorted(path.name for path in (tmp_path / "print").iterdir()) == [".lock", f".unfinished-{BATCH.key}"]
    deliver(channel, messages_of(channel, tmp_path, 3))
    assert sorted(path.name for path in (tmp_path / "print").iterdir()) == [".lock", BATCH.key]


def test_a_house_typeface_is_used_and_a_wrong_one_explained(tmp_path: Path) -> None:
    fonts = Path(reportlab.__file__).parent / "fonts"
    house = tmp_path / "House"
    house.mkdir()
    for source, ending in (("Vera", "Regular"), ("VeraBd", "Bold")):
        shutil.copy(fonts / f"{source}.ttf", house / f"House-{ending}.ttf")
    settings = PrintSettings(tmp_path / "print", ("Huis",), typeface=house)
    with pytest.raises(SettingsError, match=r"-Italic\.ttf"):
        PrintChannel(settings).address_of(PERSON)
    (house / "House-Italic.ttf").write_text("no font", encoding="utf-8")
    with pytest.raises(SettingsError, match="not a TrueType font"):
        PrintChannel(settings).address_of(PERSON)
    shutil.copy(fonts / "VeraIt.ttf", house / "House-Italic.ttf")
    assert PrintChannel(settings).address_of(PERSON)


def test_reading_a_template_needs_neither_fonts_nor_a_pdf_library(tmp_path: Path) -> None:
    (tmp_path / "letter.md").write_text(LETTER, encoding="utf-8")
    program = (
        "import sys; from pathlib import Path; from channels.print import PrintChannel, PrintSettings\n"
        f"wording = PrintChannel(PrintSettings(Path('x'), ('Huis',))).load(Path({str(tmp_path)!r}), {{}}, Path({str(tmp_path)!r}))\n"
        "assert wording.variables, wording\n"
        "print([name for name in ('reportlab', 'numpy', 'PIL', 'zxingcpp', 'phonenumbers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
