"""Drawing letters into one PDF. What letters share is a form that is drawn once and shown on each."""

import base64
import hashlib
import io
from collections.abc import Callable, Sequence
from functools import partial

from reportlab import rl_config
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from channels.print.layout import (
    ADDRESS,
    HEIGHT,
    LEFT,
    PANEL,
    PANEL_TITLE,
    SMALL,
    WIDTH,
    Block,
    Page,
    break_lines,
    pages_of,
    set_text,
    size_within,
)
from channels.print.letter import Letter, Letterhead, letterhead_of
from channels.print.markup import Style
from channels.print.phrases import PHRASES
from channels.print.qr import QUIET_MODULES, qr_operators
from channels.print.typeface import Typeface

INK = HexColor("#1a1a1a")
GREY = HexColor("#6b6b6b")
FORM_BOX = (-600, -850, 600, 850)  # a form may lie anywhere on its page
RIGHT = WIDTH - 25 * mm
WINDOW_X = {"left": 25 * mm, "right": 118 * mm}
WINDOW_WIDTH = 78 * mm
PANEL_BOX = (LEFT, 25 * mm, RIGHT - LEFT, 36 * mm)
QR_SIDE = 25 * mm
QR_AT = (LEFT + 6 * mm, 25 * mm + 5.5 * mm)
PANEL_TEXT = LEFT + 6 * mm + QR_SIDE + 9 * mm


class Press:
    """One PDF file of letters, in the order in which they are drawn. The same letters give the same bytes."""

    def __init__(self, typeface: Typeface, title: str, author: str) -> None:
        self._typeface = typeface
        self._buffer = io.BytesIO()
        font = typeface.font("regular")
        # initialFontName: or else a Helvetica that is not embedded stands in every file, and a printer refuses it.
        self._canvas = Canvas(self._buffer, A4, pageCompression=1, invariant=1, initialFontName=font)  # type: ignore[arg-type]  # the stubs take it for a number
        self._canvas.setTitle(title)
        self._canvas.setAuthor(author)
        self._canvas.setCreator("contactflow")
        self._forms: dict[str, str] = {}
        self._seen: set[str] = set()

    def draw(self, letter: Letter, address: Sequence[str]) -> int:
        """Draw one letter and give the number of its pages."""
        head = letterhead_of(letter.letterhead)
        pages = pages_of(letter, self._typeface)
        for number, page in enumerate(pages, 1):
            self._shared("first" if number == 1 else "next", letter.letterhead, partial(self._letterhead, head, first=number == 1))
            if number == 1:
                self._address(head, address)
                self._text((LEFT, HEIGHT - 95 * mm), letter.date, 10)
                self._panel(letter, head)
            self._page(page)
            self._foot(letter, number, len(pages))
            self._canvas.showPage()
        return len(pages)

    def finish(self) -> bytes:
        """The file."""
        before, rl_config.useA85 = rl_config.useA85, 0  # ASCII would make it a quarter larger, and slower
        try:
            self._canvas.save()
        finally:
            rl_config.useA85 = before
        return self._buffer.getvalue()

    def _page(self, page: Page) -> None:
        for placed in page:
            self._block(placed.block, LEFT, placed.top)

    def _block(self, block: Block, x: float, top: float, colour: Color = INK) -> None:
        """Draw a block; from the second time on, as a form."""
        key = f"{colour.hexval()}{block.key}"
        if key not in self._seen:
            self._seen.add(key)
            self._draw_block(block, x, top, colour)
            return
        self._canvas.saveState()
        self._canvas.translate(x, top)
        self._shared("block", key, lambda: self._draw_block(block, 0, 0, colour))
        self._canvas.restoreState()

    def _shared(self, kind: str, key: str, draw: Callable[[], None]) -> None:
        """Show a form; draw it if this is its first time."""
        name = self._forms.get(kind + key)
        if name is None:
            name = self._forms[kind + key] = f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
            self._canvas.beginForm(name, *FORM_BOX)
            draw()
            self._canvas.endForm()
        self._canvas.doForm(name)

    def _draw_block(self, block: Block, x: float, top: float, colour: Color) -> None:
        face = block.face
        if block.image:
            width, height = block.image_size
            self._image(block.image, x, top - height, width, height)
        baseline = top - block.image_size[1] - face.leading * 0.75
        if block.bullet:
            self._text((x + 2, baseline), "•", face.size, colour)
        text = self._canvas.beginText(x + face.indent, baseline)
        text.setFillColor(colour)
        present = None
        for line in block.lines:
            for style, words in line:
                if style != present:
                    text.setFont(self._typeface.font(style), face.size, face.leading)
                    present = style
                text.textOut(words)
            text.textLine("")
        self._canvas.drawText(text)

    def _text(self, at: tuple[float, float], words: str, size: float, colour: Color = GREY, style: Style = "regular") -> None:
        text = self._canvas.beginText(*at)
        text.setFillColor(colour)
        text.setFont(self._typeface.font(style), size)
        text.textOut(words)
        self._canvas.drawText(text)

    def _image(self, image: str, x: float, y: float, width: float, height: float) -> None:
        self._canvas.drawImage(ImageReader(io.BytesIO(base64.b64decode(image))), x, y, width, height, mask="auto")

    def _address(self, head: Letterhead, lines: Sequence[str]) -> None:
        """The recipient, inside the envelope's window."""
        text = self._canvas.beginText(WINDOW_X[head.window], HEIGHT - 60 * mm)
        text.setFillColor(INK)
        text.setFont(self._typeface.font("regular"), ADDRESS.size, ADDRESS.leading)
        for line in lines:
            for (_, words), *_ in break_lines((("regular", line),), self._typeface, ADDRESS.size, WINDOW_WIDTH):
                text.textLine(words)
        self._canvas.drawText(text)

    def _panel(self, letter: Letter, head: Letterhead) -> None:
        """What leads from paper to the recipient's own page."""
        _, y, _, height = PANEL_BOX
        self._canvas.addLiteral("0 g " + qr_operators(letter.url, *QR_AT, QR_SIDE))
        measure = RIGHT - PANEL_TEXT - 6 * mm
        top = y + height - 5 * mm
        title = set_text(f"**{letter.panel}**", self._typeface, PANEL_TITLE, measure)
        self._block(title, PANEL_TEXT, top, HexColor(head.colour))
        invitation = set_text(letter.invitation, self._typeface, PANEL, measure)
        self._block(invitation, PANEL_TEXT, top - title.height - 1)
        code = self._canvas.beginText(PANEL_TEXT, y + 6 * mm)
        code.setFont(self._typeface.font("bold"), 21)
        code.setFillColor(HexColor(head.colour))
        code.setCharSpace(1.5)
        code.textOut(letter.code)
        code.setCharSpace(0)  # or else all that follows on the page is spaced, too
        self._canvas.drawText(code)

    def _foot(self, letter: Letter, number: int, pages: int) -> None:
        self._block(set_text(letter.small_print, self._typeface, SMALL, RIGHT - LEFT - 28 * mm), LEFT, 20 * mm, GREY)
        if pages > 1:
            words = PHRASES[letter.language].page.format(page=number, pages=pages)
            width = self._typeface.width("regular", words) * SMALL.size / 1000
            self._text((RIGHT - width, 20 * mm - SMALL.leading * 0.75), words, SMALL.size)

    def _letterhead(self, head: Letterhead, *, first: bool) -> None:
        """All that is the same on every page of a wording."""
        colour = HexColor(head.colour)
        self._brand(head, colour)
        self._canvas.setStrokeColor(GREY)
        self._canvas.setLineWidth(0.4)
        for fold in (105, 148.5, 210) if first else ():
            self._canvas.line(5 * mm, HEIGHT - fold * mm, (8 if fold == 148.5 else 10) * mm, HEIGHT - fold * mm)
        if first:
            self._return_address(head)
            self._panel_ground(colour)

    def _brand(self, head: Letterhead, colour: Color) -> None:
        if head.logo:
            width, height = size_within(head.logo, 62 * mm, 18 * mm)
            self._image(head.logo, LEFT, HEIGHT - 17 * mm - height, width, height)
        else:
            self._text((LEFT, HEIGHT - 25 * mm), head.sender[0] if head.sender else "", 20, colour, "bold")
        for number, line in enumerate(head.sender if head.logo else head.sender[1:]):
            width = self._typeface.width("regular", line) * 8.5 / 1000
            self._text((RIGHT - width, HEIGHT - 20 * mm - number * 11.5), line, 8.5)

    def _return_address(self, head: Letterhead) -> None:
        words = " · ".join(head.sender)
        size = min(6.5, WINDOW_WIDTH * 1000 / max(self._typeface.width("regular", words), 1))
        x, y = WINDOW_X[head.window], HEIGHT - 51 * mm
        self._text((x, y), words, size)
        self._canvas.line(x, y - 3, x + WINDOW_WIDTH, y - 3)

    def _panel_ground(self, colour: Color) -> None:
        self._canvas.setFillColor(Color(*(1 - 0.08 * (1 - part) for part in colour.rgb())))
        self._canvas.roundRect(*PANEL_BOX, 6, stroke=0, fill=1)
        self._canvas.setFillColor(HexColor("#ffffff"))
        quiet = QR_SIDE * QUIET_MODULES / 33  # as wide as the largest modules that our links need
        self._canvas.roundRect(QR_AT[0] - quiet, QR_AT[1] - quiet, QR_SIDE + 2 * quiet, QR_SIDE + 2 * quiet, 4, stroke=0, fill=1)
