"""A report as PDF: A4, its letters inside, headings in the outline, tables that break over pages with their heads repeated."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from itertools import groupby, takewhile
from typing import Any, assert_never
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)
from reportlab.platypus.tableofcontents import TableOfContents

from engine.picture.lettering import FILES
from response.parts import Chart, Definition, Document, Items, Part, Picture, Query, Say, Section, Table
from response.render.drawings import chart_svg
from response.render.paper import BOTTOM, CONTENT, CONTENTS, FONTS, HEIGHT, SIDE, STYLES, TOP, WIDTH, box, footer
from response.render.prose import on_paper
from response.render.reader import Reader
from response.render.sheet import Links, grids
from response.render.vector import Vector
from response.render.wide import read_across

_CHART = 640  # pixels that a chart is drawn for; it is then scaled to the page
_MOST_ROWS = 40  # of a table that is shown closed on a screen; a longer one is named, and left to the page and the files


def as_pdf(document: Document, language: str = "en") -> bytes:
    """The document as a PDF; a language that is not known is answered in English."""
    for bold, name in enumerate(FONTS):
        pdfmetrics.registerFont(TTFont(name, str(FILES[bool(bold)])))
    pdfmetrics.registerFontFamily(FONTS[0], normal=FONTS[0], bold=FONTS[1], italic=FONTS[0], boldItalic=FONTS[1])
    reader = Reader(language, document)
    file = io.BytesIO()
    _Paper(file, document, reader).multiBuild(list(_Story(document, reader)))
    return file.getvalue()


class _Heading(Paragraph):
    """A heading that the outline and the contents point at."""

    def __init__(self, text: str, level: int, anchor: str) -> None:
        super().__init__(escape(text), STYLES["h3" if level else "h2"])
        self.heading, self.level, self.anchor = text, level, f"at-{anchor}"


class _Paper(BaseDocTemplate):
    """Pages with a footer; a heading becomes a bookmark, and a line of the contents."""

    def __init__(self, file: io.BytesIO, document: Document, reader: Reader) -> None:
        said = " ".join(map(reader.say, document.headline))
        about: dict[str, Any] = {"title": reader.say(document.title), "subject": said, "keywords": document.name, "lang": reader.language}
        ours: dict[str, Any] = {"creator": "contactflow", "author": "contactflow"}
        super().__init__(file, pagesize=(WIDTH, HEIGHT), invariant=1, initialFontName=FONTS[0], **about, **ours)
        self._made_at = document.as_of
        frame = Frame(SIDE, BOTTOM, CONTENT, HEIGHT - TOP - BOTTOM, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
        foot = reader("foot", name=document.name, at=reader.moment(document.as_of))
        self.addPageTemplates([PageTemplate(frames=[frame], onPage=lambda canvas, _: footer(canvas, foot))])

    def beforeDocument(self) -> None:  # noqa: N802  # reportlab's own name
        """Dated by the moment of the report, so that the same report is the same file."""
        stamp = self.canv._doc._timeStamp  # type: ignore[attr-defined]  # noqa: SLF001  # no other way but the environment
        stamp.YMDhms = self._made_at.astimezone(UTC).timetuple()[:6]

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802  # reportlab's own name
        if isinstance(flowable, _Heading):
            self.canv.bookmarkPage(flowable.anchor)
            self.canv.addOutlineEntry(flowable.heading, flowable.anchor, level=flowable.level, closed=True)
            if not flowable.level:
                self.notify("TOCEntry", (0, escape(flowable.heading), self.page, flowable.anchor))


class _Story:
    """The document's parts as what reportlab lays out, in the order of the page. The figures behind pictures stand at the end."""

    def __init__(self, document: Document, reader: Reader) -> None:
        self._document, self._reader = document, reader
        defined = {part.name for section in document.sections for part in section.parts if isinstance(part, Definition)}
        self._links = Links({table.name for table in document.tables}, defined)
        self._behind: list[Table] = []

    def __iter__(self) -> Iterator[Flowable]:
        read = self._reader
        yield Paragraph(escape(read.say(self._document.title)), STYLES["title"])
        yield Paragraph(escape(f"{self._document.name} · {read('as_of', at=read.moment(self._document.as_of))}"), STYLES["soft"])
        for each in self._document.headline:
            yield box(Paragraph(on_paper(read.say(each)), STYLES["headline"]), each.tone)
        yield Paragraph(escape(read("page.contents")), STYLES["contents"])
        yield TableOfContents(levelStyles=[STYLES["toc"]], dotsMinLevel=0, tableStyle=TableStyle(CONTENTS))
        for section in self._document.sections:
            yield from self._section(section)
        if self._behind:
            yield CondPageBreak(180)
            yield _Heading(read("page.behind"), 0, "behind")
            for table in self._behind:
                yield from self._table(table)

    def _section(self, section: Section) -> Iterator[Flowable]:
        yield CondPageBreak(110)
        yield _Heading(self._reader.title(section), 0, section.name)
        first = getattr(section.parts[0], "key", None) if section.parts else None
        opening = list(takewhile(lambda part: isinstance(part, Say) and part.key == first, section.parts))
        own = {part.name for part in section.parts if isinstance(part, Table)}
        for kind, parts in groupby(section.parts, key=type):
            if kind is Definition:
                yield _Heading(self._reader("appendix.definitions"), 1, "definitions")
            if kind is Query:
                yield _Heading(self._reader("appendix.queries"), 1, "queries")
                yield Paragraph(on_paper(self._reader("appendix.queries_elsewhere")), STYLES["soft"])
            for part in parts if kind is not Query else ():
                yield from self._part(part, own, opening=part in opening)

    def _part(self, part: Part, own: set[str], *, opening: bool) -> Iterator[Flowable]:
        match part:
            case Say():
                yield self._sentence(part, "opening" if opening and part.tone != "soft" else part.tone)
            case Items():
                yield Paragraph(escape(self._reader.say(part.title)), STYLES["h3"])
                yield from (self._sentence(each, each.tone, bullet=True) for each in part.says)
            case Table():
                yield from self._table(part)
            case Chart():
                yield from self._chart(part, own)
            case Picture():
                yield from self._picture(part)
            case Definition():
                yield from self._definition(part)
            case Query():  # said in one line: statements are for who can send them again
                pass
            case _:
                assert_never(part)

    def _sentence(self, said: Say, style: str, *, bullet: bool = False) -> Paragraph:
        text = on_paper(self._reader.say(said)) + self._links.of(said, self._reader)
        return Paragraph(text, STYLES.get(style, STYLES["text"]) if not bullet else STYLES["bullet"], bulletText="•" if bullet else None)

    def _table(self, table: Table) -> Iterator[Flowable]:
        title = f'<a name="table-{table.name}"/>{escape(self._reader.name(table))}'
        if table.folded and len(table.rows) > _MOST_ROWS:
            elsewhere = self._reader("page.elsewhere", rows=self._reader.numbers.count(len(table.rows)), name=table.name)
            yield KeepTogether([Paragraph(title, STYLES["h3"]), Paragraph(on_paper(elsewhere), STYLES["soft"])])
            return
        made = grids(table, self._reader, self._links)
        many = len(table.rows) > 12
        heading = Paragraph(title, STYLES["unseen" if table.facts else "h3 of many" if many else "h3"])
        # The heading stays with the first rows; many rows break over pages where they stand.
        yield CondPageBreak(120) if many else KeepTogether([heading, *made])
        yield from (heading, *made) if many else ()
        yield Spacer(1, 6)

    def _chart(self, chart: Chart, own: set[str]) -> Iterator[Flowable]:
        svg = str(chart_svg(chart, self._reader, _CHART))
        caption = escape(self._reader.say(chart.title)) + self._links.to_table(chart.table.name, self._reader)
        drawing: list[Any] = [Vector(svg, CONTENT * 0.94, FONTS)] if svg else []
        yield KeepTogether([Spacer(1, 6), *drawing, Paragraph(caption, STYLES["caption"])])
        if chart.table.name not in own and all(each.name != chart.table.name for each in self._behind):
            self._behind.append(replace(read_across(chart), folded=True))

    def _picture(self, picture: Picture) -> Iterator[Flowable]:
        drawing = Vector(picture.in_language(self._reader.language), CONTENT, FONTS, HEIGHT - TOP - BOTTOM - 60)
        yield KeepTogether([drawing, Paragraph(escape(self._reader.say(picture.title)), STYLES["caption"])])

    def _definition(self, part: Definition) -> Iterator[Flowable]:
        term = self._reader.cell(part.term, "text", alone=True)
        name = f'<a name="define-{part.name}"/>{escape(term[:1].upper() + term[1:])}'
        yield KeepTogether([Paragraph(name, STYLES["term"]), Paragraph(on_paper(self._reader.say(part.text)), STYLES["text"])])
