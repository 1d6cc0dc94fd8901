"""From a template's file to a wording: once per variant, never per recipient."""

import html as entities
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from os import getpid
from pathlib import Path

from jinja2 import TemplateSyntaxError

from channels.contract import WordingFault
from channels.email.branding import branded
from channels.email.dialect import understood
from channels.email.merging import compile_faultlessly
from channels.email.pictures import Illustrated, illustrated
from channels.email.plaintext import text_of
from channels.email.source import Place, Source, read_source
from channels.email.structure import structure_faults
from channels.email.tags import HOLE, Tag, alone, find_tags, holed, tag_faults
from channels.email.wording import EmailWording
from channels.merging import packed

_COMPILER = 2  # counted up when what this module makes of a template changes
_ENDINGS = (".mjml", ".html", ".txt")
_BLOCK = re.compile(r"jxb\d{5}x")
_TOKEN = re.compile(r"<!--(jx[bv]\d{5}x)-->|(jx[bv]\d{5}x)(?:=\"\")?")
_INSIDE = re.compile(
    r"<!--.*?-->|<mj-(?P<raw>style|title|preview)\b.*?</mj-(?P=raw)\s*>|</?[A-Za-z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL | re.IGNORECASE,
)
_REMARK = re.compile(r"<!--(?!\[if|<!\[endif|>).*?-->", re.DOTALL)
_TITLE = re.compile(r"<(?P<tag>mj-title|title)\b[^>]*>(?P<title>.*?)</(?P=tag)\s*>", re.DOTALL | re.IGNORECASE)
_UNSAFE = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z]\w*);|[<>\"]", re.IGNORECASE)
# In an element, name= and then a tag: a value with a blank in it would begin another attribute.
_BARE = re.compile(rf"<[A-Za-z][\w-]*\s(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?=\s*[^\s\"'<>{HOLE}]*(?P<hole>{HOLE})")
_ESCAPED = {"<": "&lt;", ">": "&gt;", '"': "&quot;"}


def compile_wording(
    template: Path, options: Mapping[str, str], root: Path, cache: Path | None = None, hosted: str | None = None
) -> EmailWording | list[WordingFault]:
    """Read, check and compile a template; all faults of one kind at once, in the order of the file.

    With `hosted`, an address, pictures under templates/ are fetched from there; otherwise the mail carries them.
    """
    if template.suffix not in _ENDINGS:
        return [
            Place(template, 1, 1).fault(
                f"a mail cannot be made from a {template.suffix or 'nameless'} file.", f"Use {', '.join(_ENDINGS)}."
            )
        ]
    source = read_source(template, root)
    subject = options.get("subject", "") or ("" if isinstance(source, list) else _title(source.text))
    subject_source = Source(subject, [0], [Place(template, 1, 1)])
    faults = list(_subject_faults(subject_source))
    if isinstance(source, list):
        return _in_order([*faults, *source])
    faults += tag_faults(source, find_tags(source.text))
    with_brand = source if faults else branded(source, root)
    if isinstance(with_brand, list):
        return _in_order([*faults, *with_brand])
    faults += _text_faults(with_brand, is_mjml=template.suffix == ".mjml")
    finished = illustrated(with_brand, root, hosted)
    if isinstance(finished, list) or faults:
        return _in_order([*faults, *(finished if isinstance(finished, list) else [])])
    compiler = _Compiler(finished, subject)
    return compiler.wording(template.suffix) if cache is None or template.suffix != ".mjml" else _compiled_once(compiler, cache)


def _compiled_once(compiler: "_Compiler", cache: Path) -> EmailWording | list[WordingFault]:
    """The wording from the cache, or compiled and put there. Its name covers all that it is made from."""
    made_from = packed({"compiler": _COMPILER, "mjml": version("mjml"), "subject": compiler.subject, "text": compiler.text})
    file = cache / f"{sha256(made_from).hexdigest()}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return EmailWording.restored(file.read_bytes())
    wording = compiler.wording(".mjml")
    if isinstance(wording, EmailWording):
        with suppress(OSError):  # a cache that cannot be written only costs time
            cache.mkdir(parents=True, exist_ok=True)
            beside = file.with_suffix(f".{getpid()}")
            beside.write_bytes(wording.source)
            beside.replace(file)
    return wording


def _title(text: str) -> str:
    """The template's own title: the subject of a mail for which the flow has none."""
    found = _TITLE.search(_without_remarks(text))
    return " ".join(entities.unescape(found["title"]).split()) if found else ""


def _subject_faults(source: Source) -> Iterator[WordingFault]:
    if not source.text.strip():
        yield source.fault(0, "the e-mail has no subject.", "Add `subject: ...` to the node that sends it.")
    for fault in (*tag_faults(source, tags := find_tags(source.text)), *_expression_faults(source, tags)):
        yield WordingFault(fault.file, 1, 1, f"in the subject: {fault.message}", fault.remedy)


def _text_faults(source: Source, *, is_mjml: bool) -> Iterator[WordingFault]:
    tags = find_tags(source.text)
    yield from _expression_faults(source, tags)
    holes = holed(source.text, tags)
    for bare in _BARE.finditer(holes):
        yield source.fault(bare.start("hole"), "a tag stands in an attribute without quotes.", 'Write name="{{ ... }}", with the quotes.')
    if is_mjml:
        yield from structure_faults(source, _without_remarks(holes))


def _expression_faults(source: Source, tags: Iterable[Tag]) -> Iterator[WordingFault]:
    """What Jinja itself says about each tag, looked at alone."""
    for tag in tags:
        reason = _reason(alone(tag))
        if reason:
            yield source.fault(tag.start, f"{tag.shown}: {reason}.", "Correct what stands between the braces.")


def _reason(text: str) -> str:
    try:
        compile_faultlessly(text)
    except TemplateSyntaxError as error:
        return (error.message or "this is not understood").rstrip(".")
    except RecursionError:
        return "this goes too deep"
    return ""


def _in_order(faults: Iterable[WordingFault]) -> list[WordingFault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: (str(fault.file), fault.line, fault.column))


def _without_remarks(text: str) -> str:
    return _REMARK.sub(lambda remark: re.sub(r"[^\n]", " ", remark[0]), text)


class _Compiler:
    """Exchanges tags for tokens, compiles, and puts each tag back where its token came out."""

    def __init__(self, finished: Illustrated, subject: str) -> None:
        self._source, self._pictures, self.subject = finished.source, finished.pictures, subject
        self.text = self._source.text
        self._tags = find_tags(self.text)
        self._by_token: dict[str, Tag] = {}

    def wording(self, suffix: str) -> EmailWording | list[WordingFault]:
        if suffix == ".txt":
            return self._checked(self._source.text, None)
        if suffix == ".html":
            tokens = self._tokenised()
            return self._checked(self._text_of(tokens), self._source.text)
        compiled = _compile_mjml(self._tokenised())
        if isinstance(compiled, BaseException):
            return [self._source.fault(0, f"MJML cannot compile this: {compiled}.", "Compare it with a template that does compile.")]
        lost = self._lost(compiled)
        return lost or self._checked(self._text_of(compiled), self._restored(_narrow(compiled)))

    def _checked(self, text: str, html: str | None) -> EmailWording | list[WordingFault]:
        for result in (text, html or ""):
            if reason := _reason(result):
                return [self._source.fault(0, f"after compiling: {reason}.", "Let each {% %} open and close inside the same element.")]
        return EmailWording(self.subject, text, html, self._pictures)

    def _tokenised(self) -> str:
        """The text with a token for each tag; one that steers is a comment, which HTML allows between rows of a table."""
        holes = holed(self._source.text, self._tags)
        inside = [match.span() for match in _INSIDE.finditer(holes)]
        remarks = [match.span() for match in _REMARK.finditer(holes)]
        pieces, position = [], 0
        for tag in sorted([*self._tags, *_entities(holes)], key=lambda each: each.start):
            pieces.append(self._source.text[position : tag.start])
            if not tag.is_comment and not _is_within(tag, remarks):
                token = f"jx{'b' if tag.is_block else 'v'}{len(self._by_token):05}x"
                self._by_token[token] = tag
                pieces.append(token if not tag.is_block or _is_within(tag, inside) else f"<!--{token}-->")
            position = tag.end
        return _REMARK.sub(_kept_tokens, "".join([*pieces, self._source.text[position:]]))

    def _lost(self, compiled: str) -> list[WordingFault]:
        found = {match[1] or match[2] for match in _TOKEN.finditer(compiled)}
        return [
            self._source.fault(tag.start, f"MJML leaves {tag.shown} out.", "Put it in an <mj-text> or <mj-raw>, or in a link or colour.")
            for token, tag in self._by_token.items()
            if token not in found and tag.text.startswith("{")
        ]

    def _restored(self, text: str) -> str:
        return _TOKEN.sub(self._tag_text, text)

    def _text_of(self, html: str) -> str:
        return _TOKEN.sub(lambda match: entities.unescape(self._tag_text(match)), text_of(html, _BLOCK))

    def _tag_text(self, match: re.Match[str]) -> str:
        tag = self._by_token.get(match[1] or match[2])
        return _ESCAPED.get(tag.text, tag.text) if tag else match[0]  # somebody who writes about tokens


def _entities(holes: str) -> Iterator[Tag]:
    """Entities in the attributes of MJML elements, which MJML would write out undone, and signs that it would not escape."""
    for element in re.finditer(r"<mj-(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", holes, re.IGNORECASE):
        for value in re.finditer(r"\"[^\"]*\"|'[^']*'", element[0]):
            for entity in _UNSAFE.finditer(value[0], 1, len(value[0]) - 1):
                yield Tag(element.start() + value.start() + entity.start(), entity[0])


def _kept_tokens(remark: re.Match[str]) -> str:
    return remark[0] if _BLOCK.fullmatch(remark[0][4:-3]) else ""


def _is_within(tag: Tag, spans: list[tuple[int, int]]) -> bool:
    return any(begin <= tag.start and tag.end <= end for begin, end in spans)


def _compile_mjml(text: str) -> str | Exception:
    from mjml import mjml_to_html  # noqa: PLC0415 - a fifth of a second that mails of text only, and `contactflow --help`, need not wait for

    given = understood(text)
    try:
        return given.finished(str(mjml_to_html(given.text, keep_comments=False).html))
    except Exception as error:  # noqa: BLE001 - it raises AssertionError, KeyError and more for what its author did not expect
        return error


def _narrow(html: str) -> str:
    """Without indents and empty lines: a third less to send. Within <pre> they mean something."""
    return html if re.search(r"<(pre|textarea)\b", html, re.IGNORECASE) else re.sub(r"[ \t]*\n\s*", "\n", html)
