"""All that needs fonts and a PDF library, behind one door: `contactflow check` never opens it."""

from collections.abc import Sequence

from channels.contract import BatchInfo, Content, Message
from channels.print.address import PostalAddress
from channels.print.layout import pages_of
from channels.print.letter import Letter
from channels.print.phrases import language_of
from channels.print.press import Press
from channels.print.run import Row, batch_file, content_digest, manifest_file
from channels.print.settings import PrintSettings
from channels.print.typeface import load_typeface


class Printer:
    """Measures and draws letters in one typeface. Raises SettingsError when the typeface cannot be read."""

    def __init__(self, settings: PrintSettings) -> None:
        self._settings = settings
        self._language = language_of(settings.country)
        self._typeface = load_typeface(settings.typeface)

    @property
    def typeface(self) -> str:
        """Its name."""
        return self._typeface.name

    def cannot_write(self, text: str) -> set[str]:
        """The characters that the typeface does not have."""
        return self._typeface.cannot_write(text)

    def pages(self, letter: Letter) -> int:
        """How many pages a letter takes."""
        return len(pages_of(letter, self._typeface))

    def preview(self, content: Content, address: str) -> bytes:
        """One letter as a PDF."""
        press = Press(self._typeface, "", "")
        press.draw(Letter.of(content.parts), self._lines(PostalAddress.parse(address)))
        return press.finish()

    def run(self, messages: Sequence[Message], batch: BatchInfo) -> dict[str, bytes]:
        """The files of a run, by name. Letters are in the post's order: home first, then by country and postcode."""
        home, sender = self._settings.country, self._settings.sender
        addressed = [(PostalAddress.parse(message.address), message) for message in messages]
        addressed.sort(key=lambda each: (each[0].country != home, each[0].country, each[0].postcode, each[1].key))
        press = Press(self._typeface, batch.title, sender[0] if sender else "")
        rows = []
        for sequence, (address, message) in enumerate(addressed, 1):
            letter = Letter.of(message.content.parts)
            pages = press.draw(letter, self._lines(address))
            rows.append(Row(sequence, message.key, letter.code, pages, address.postcode, address.country, content_digest(message)))
        pdf = press.finish()
        return {"letters.pdf": pdf, "manifest.csv": manifest_file(rows), "batch.json": batch_file(batch, rows, pdf)}

    def _lines(self, address: PostalAddress) -> tuple[str, ...]:
        return address.lines(self._settings.country, self._language)
