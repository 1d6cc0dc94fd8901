"""The top, the bottom and the style of every page in a brand's own HTML and CSS: templates/brand/header.html, footer.html and page.css.

They are read when the pages start. The two are Jinja2 templates of the workspace's own people, and run in a sandbox all the same: a
workspace may come from elsewhere. Whatever they hold, the policy of the pages stands: no script runs, and nothing is fetched from
anybody else.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Template, TemplateError, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables
from markupsafe import Markup

from engine.language.faults import Fault, did_you_mean, render_faults
from landing.pictures import picture_path
from landing.wording import Sandbox
from landing.words import LANGUAGES, Language
from store.errors import InputError

HEADER, FOOTER, STYLE = "brand/header.html", "brand/footer.html", "brand/page.css"
KNOWN = ("sender", "language", "logo", "picture")
Picture = Callable[[str], str]
_ELSEWHERE = r"""["']?(?:(?:https?:)?//|data:)"""
# What the policy of the pages would leave out in silence: what is looked for, what it does, and what to do instead.
_LEFT_OUT = (
    (r"<script\b|\son[a-z]+\s*=", "runs a script", f"Pages run none: take it out, or show it in {STYLE}."),
    (r"<style\b|\sstyle\s*=", "holds a style", f"Give it a class, and write the style in {STYLE}."),
    (
        rf"\s(?:src|srcset|poster)\s*=\s*{_ELSEWHERE}",
        "fetches something from elsewhere",
        "Put the file under templates/, and write src=\"{{ picture('brand/FILE') }}\".",
    ),
    (r"<(?:link|iframe|object|embed)\b", "brings in another file", f"Write what it says into the frame, and its style in {STYLE}."),
)
_LEFT_OUT_OF_STYLES = (
    (rf"url\(\s*{_ELSEWHERE}", "fetches something from elsewhere", "Put a picture under templates/, and write url(../i/brand/FILE)."),
    (r"@import\b", "brings in another file", "Write its rules into this one."),
    (r"@font-face\b", "brings a font", "Pages fetch none: name fonts that your recipients have."),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page in one language; nothing where the brand has no HTML of its own."""

    header: Markup
    footer: Markup


def frames_of(templates: Path, sender: Mapping[str, str], logo: str | None, picture: Picture) -> Mapping[Language, Frame]:
    """The frame in each language. Raises InputError that lists every fault of the three files."""
    faults = list(frame_faults(templates))
    if faults:
        raise InputError(render_faults(faults))
    header, footer = (_template(templates / name) for name in (HEADER, FOOTER))
    known = {"sender": sender, "logo": logo, "picture": picture}
    return {each: Frame(*(Markup(part.render(language=each, **known)) for part in (header, footer))) for each in LANGUAGES}  # noqa: S704 - Jinja2 escaped it


def style_of(templates: Path) -> str:
    """The brand's own style, behind ours; empty without one. Its faults are told by `frames_of`."""
    path = templates / STYLE
    return path.read_text(encoding="utf-8-sig") if path.exists() else ""


def frame_faults(templates: Path, shown_as: Callable[[Path], str] = str) -> Iterator[Fault]:
    """What is wrong with the three files, and what to do."""
    for path in (templates / name for name in (HEADER, FOOTER, STYLE)):
        if path.exists():
            yield from _faults(path, templates, shown_as(path))


def _faults(path: Path, templates: Path, file: str) -> Iterator[Fault]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        yield Fault(file, 1, 1, "frame", "the file cannot be read.", "Save it as a text file in UTF-8.")
        return
    is_style = path.name == Path(STYLE).name
    for looked_for, what, remedy in _LEFT_OUT_OF_STYLES if is_style else _LEFT_OUT:
        for match in re.finditer(looked_for, text, re.IGNORECASE):
            yield Fault(file, _line(text, match.start()), 1, "frame", f"the {'style' if is_style else 'frame'} {what}.", remedy)
    if not is_style:
        yield from _template_faults(text, templates, file)


def _template_faults(text: str, templates: Path, file: str) -> Iterator[Fault]:
    try:
        names = find_undeclared_variables(_SANDBOX.parse(text))
    except TemplateSyntaxError as error:
        yield Fault(file, error.lineno, 1, "frame", f"the template cannot be read: {error.message}.", "A variable is {{ sender.name }}.")
        return
    for name in sorted(names.difference(KNOWN)):
        told = f"'{name}' is not something that a frame knows.{did_you_mean(name, KNOWN)}"
        yield Fault(
            file, _line(text, text.find(name)), 1, "frame", told, f"Known are {', '.join(KNOWN)}; it is the same for all recipients."
        )
    if names.issubset(KNOWN):
        yield from _faults_when_made(text, templates, file)


def _faults_when_made(text: str, templates: Path, file: str) -> Iterator[Fault]:
    pictures: dict[str, None] = {}

    def picture(name: str) -> str:
        pictures[str(name)] = None
        return ""

    try:
        for language in LANGUAGES:  # each may show pictures of its own
            _SANDBOX.from_string(text).render(sender={"name": "", "address": ""}, language=language, logo=None, picture=picture)
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        yield Fault(file, 1, 1, "frame", f"the frame cannot be made: {error}.", "Write only variables and pictures.")
    for name in pictures:
        if picture_path(templates, name) is None:
            yield Fault(file, 1, 1, "frame", f"there is no picture '{name[:60]}'.", "Put it under templates/, or mend its name.")


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, max(place, 0)) + 1


def _template(path: Path) -> Template:
    return _SANDBOX.from_string(path.read_text(encoding="utf-8-sig") if path.exists() else "")


_SANDBOX = Sandbox()
