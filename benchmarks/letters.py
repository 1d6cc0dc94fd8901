"""Letters a second: the print channel against the same page drawn by hand, in the same run.

    .venv/bin/python benchmarks/letters.py [LETTERS]

The reference is what somebody would write for this one letter with reportlab and zxing-cpp: a form for all that never changes,
the lines broken beforehand, the QR code as rows of black squares in one path. It knows no template, checks nothing and writes no
manifest. Ours composes from the template, counts sheets, draws, digests, and puts a run of three files on the disk.
"""

import argparse
import csv
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import zxingcpp
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from channels.contract import BatchInfo, Content, Message, MessageKey, Receipt
from channels.print import PrintChannel, PrintSettings
from channels.print.layout import HEIGHT, LEFT, WIDTH
from channels.print.typeface import load_typeface

NAMES = ("Anna", "Bram", "Carla", "Dirk", "Esra", "Frits", "Gwen", "Hugo", "Iris", "Jan")
LETTER = """---
heading: "{{ customer.first_name }}, we have kept something for you"
language: en
signed: ["Anna de Wit", "Huis & Haard"]
ps: The offer on your page is valid for one month.
---
Dear {{ customer.first_name }},

It has been a while since you were last with us. We noticed, and we would like to know two things: are you
well looked after, and is there anything that we should do better?

That is why we made a page for you. It shows a small offer, picked from what you liked before, and three
questions, which take less than a minute.

Whatever you choose, thank you for the time that you were our customer.

With kind regards,
"""
STATIC = (
    "It has been a while since you were last with us. We noticed, and we would like to know",
    "two things: are you well looked after, and is there anything that we should do better?",
    "That is why we made a page for you. It shows a small offer, picked from what you liked",
    "before, and three questions, which take less than a minute.",
    "Whatever you choose, thank you for the time that you were our customer.",
    "With kind regards,",
    "Anna de Wit",
    "Huis & Haard",
    "The offer on your page is valid for one month.",
)


class SilentWire:
    """Nobody listens."""

    def start(self, keys: Iterable[MessageKey]) -> None:
        """Nothing to keep."""

    def done(self, receipt: Receipt) -> None:
        """Nothing to keep."""


def customers(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        yield {
            "first_name": NAMES[number % 10],
            "last_name": f"de Vries-{number}",
            "street": f"Herengracht {number}",
            "postcode": f"{1000 + number % 9000} AB",
            "city": "Amsterdam",
            "country": "NL",
        }


def link(number: int) -> str:
    return f"https://huisenhaard.nl/p/AQID{number:06d}.k3J9xQ2mZxLrT5vW"


def by_hand(count: int, folder: Path) -> None:
    typeface = load_typeface(None)
    regular, bold = typeface.font("regular"), typeface.font("bold")
    buffer = io.BytesIO()
    canvas = Canvas(buffer, A4, pageCompression=1, invariant=1, initialFontName=regular)  # type: ignore[arg-type]  # see press.py
    _form_by_hand(canvas, regular, bold)
    for number, customer in enumerate(customers(count)):
        canvas.doForm("static")
        text = canvas.beginText(LEFT, HEIGHT - 60 * mm)
        text.setFont(regular, 10.5, 13.5)
        text.textLine(f"{customer['first_name']} {customer['last_name']}")
        text.textLine(customer["street"])
        text.textLine(f"{customer['postcode']}  {customer['city'].upper()}")
        canvas.drawText(text)
        canvas.setFont(regular, 10)
        canvas.drawString(LEFT, HEIGHT - 95 * mm, "2 March 2026")
        canvas.setFont(bold, 13)
        canvas.drawString(LEFT, HEIGHT - 107 * mm, f"{customer['first_name']}, we have kept something for you")
        canvas.setFont(regular, 11)
        canvas.drawString(LEFT, HEIGHT - 115 * mm, f"Dear {customer['first_name']},")
        _qr_by_hand(canvas, link(number))
        canvas.setFont(bold, 21)
        canvas.drawString(LEFT + 40 * mm, 31 * mm, f"7K3F{number:06d}")
        canvas.showPage()
    canvas.save()
    (folder / "by-hand.pdf").write_bytes(buffer.getvalue())


def _form_by_hand(canvas: Canvas, regular: str, bold: str) -> None:
    canvas.beginForm("static")
    canvas.setFont(bold, 20)
    canvas.drawString(LEFT, HEIGHT - 25 * mm, "Huis & Haard B.V.")
    canvas.setFillGray(0.95)
    canvas.roundRect(LEFT, 25 * mm, WIDTH - 50 * mm, 36 * mm, 6, stroke=0, fill=1)
    canvas.setFillGray(0)
    text = canvas.beginText(LEFT, HEIGHT - 125 * mm)
    text.setFont(regular, 11, 15.5)
    for line in STATIC:
        text.textLine(line)
    text.setFont(regular, 7.5, 9.5)
    text.setTextOrigin(LEFT, 18 * mm)
    text.textLine("Would you rather not get post from us? Go to huisenhaard.nl, type your code and choose ‘unsubscribe’.")
    text.setFont(regular, 10.5, 14.5)
    text.setTextOrigin(LEFT + 40 * mm, 50 * mm)
    text.textLine("Scan the code with your phone’s camera. Or go to huisenhaard.nl and type:")
    canvas.drawText(text)
    canvas.endForm()


def _qr_by_hand(canvas: Canvas, url: str) -> None:
    barcode = zxingcpp.create_barcode(url, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    dark = np.asarray(barcode.to_image(scale=1, add_quiet_zones=False)) == 0
    module = 25 * mm / len(dark)
    path = canvas.beginPath()
    for row, line in enumerate(dark):
        edges = np.flatnonzero(np.diff(np.concatenate(([False], line, [False])).astype(np.int8))).tolist()
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            path.rect(LEFT + 6 * mm + start * module, 55 * mm - (row + 1) * module, (end - start) * module, module)
    canvas.drawPath(path, stroke=0, fill=1)


def ours(count: int, folder: Path) -> None:
    settings = PrintSettings(folder / "print", ("Huis & Haard B.V.", "Oudegracht 114", "3511 AW Utrecht"), landing="huisenhaard.nl")
    channel = PrintChannel(settings)
    template = folder / "letter.md"
    template.write_text(LETTER, encoding="utf-8")
    wording = channel.load(template, {}, folder)
    assert not isinstance(wording, list)
    messages = []
    for number, customer in enumerate(customers(count)):
        values = {"customer": customer, "links": {"page": link(number)}, "code": f"7K3F{number:06d}", "today": date(2026, 3, 2)}
        content, address = wording.compose(values), channel.address_of(customer)
        assert isinstance(content, Content)
        assert address
        messages.append(Message(MessageKey(f"m{number}"), address, content))
    moment = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    for start in range(0, count, channel.max_batch):
        batch = BatchInfo(f"run-{start}", "winback", "v", "letter", "Win back", moment)
        assert all(receipt.provider_id for receipt in channel.deliver(messages[start : start + channel.max_batch], batch, SilentWire()))
    with (folder / "print" / "run-0" / "manifest.csv").open(encoding="utf-8") as manifest:
        assert len(list(csv.DictReader(manifest))) == min(count, channel.max_batch)


def pages_a_second(work: Callable[[int, Path], None], count: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        work(count, Path(name))
        return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("letters", type=int, nargs="?", default=2_000)
    count = parser.parse_args().letters
    pages_a_second(ours, 10)  # fonts are read once, whoever comes first
    # In turns, so that a noisy machine is noisy for both.
    pairs = [(pages_a_second(by_hand, count), pages_a_second(ours, count)) for _ in range(3)]
    hand, own = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"by hand {hand:6.0f} pages/s   print channel {own:6.0f} pages/s   ratio {ratio:.2f} (goal 0.90)")


if __name__ == "__main__":
    main()
