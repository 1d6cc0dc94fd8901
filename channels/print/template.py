"""Reading letter.md: settings between two lines of ---, and the letter's text below."""

import base64
import difflib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from channels.contract import WordingFault
from channels.merging import Texts, compile_text, read_text
from channels.print.markup import guard
from channels.print.phrases import PHRASES

TEXTS = ("heading", "signed", "ps", "panel", "invitation", "small_print")  # settings that may hold {{ variables }}
IMAGES = ("logo", "signature")
KEYS = (*TEXTS, *IMAGES, "colour", "language")
MOST_IMAGE_BYTES = 400_000  # every letter file carries it, and so does the wording that is kept
QUIET_BLUE = "#1d3c5a"


@dataclass(frozen=True)
class Template:
    """A letter as it was written. `images` are base64."""

    texts: Mapping[str, Texts]
    images: Mapping[str, str] = field(default_factory=dict)
    colour: str = QUIET_BLUE
    language: str = ""  # empty: the recipient's


@dataclass(frozen=True, slots=True)
class _Setting:
    text: str
    line: int


def read_template(path: Path, root: Path) -> Template | list[WordingFault]:
    """Read a letter from its folder or file; all faults at once."""
    file = letter_file(path)
    source = read_text(file)
    if isinstance(source, list):
        return source
    head, body, body_line = _divided(source)
    settings = _settings(head, file)
    if isinstance(settings, list):
        return settings
    texts = {"body": compile_text(body, file, root, guard, body_line)}
    texts |= {key: compile_text(each.text, file, root, guard, each.line) for key, each in settings.items() if key in TEXTS}
    images = {key: _image(file, settings[key]) for key in IMAGES if key in settings}
    faults = list(_faults(settings, file)) + [
        fault for each in (*texts.values(), *images.values()) if isinstance(each, list) for fault in each
    ]
    if not body.strip():
        faults.append(WordingFault(file, body_line, 1, "the letter has no text.", "Write it below the second line of ---."))
    if faults:
        return sorted(faults, key=lambda fault: (fault.line, fault.column))
    return Template(
        {key: each for key, each in texts.items() if isinstance(each, Texts)},
        {key: each for key, each in images.items() if isinstance(each, str)},
        settings["colour"].text.lower() if "colour" in settings else QUIET_BLUE,
        settings["language"].text if "language" in settings else "",
    )


def letter_file(path: Path) -> Path:
    """The file that a flow means by `winback/letter`: that file, winback/letter/letter.md or winback/letter.md."""
    candidates = (path, path / "letter.md", path.with_name(f"{path.name}.md"))
    return next((each for each in candidates if each.is_file()), path)


def _divided(source: str) -> tuple[str, str, int]:
    """Settings, text, and the line that the text begins at."""
    match = re.match(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", source, re.DOTALL | re.MULTILINE)
    if not match:
        return "", source, 1
    return match[1], source[match.end() :], source.count("\n", 0, match.end()) + 1


def _settings(head: str, file: Path) -> dict[str, _Setting] | list[WordingFault]:
    """Every setting as text, with its line in the file; a list is its lines."""
    try:
        tree = yaml.compose(head, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 2, mark.column + 1) if mark else (2, 1)
        remedy = "Put quotes around a text that holds {{ }}, a colon or a #."
        return [WordingFault(file, line, column, f"the settings cannot be read: {error.problem}.", remedy)]
    except yaml.YAMLError:
        return [WordingFault(file, 2, 1, "the settings hold a character that no text has.", "Remove it.")]
    if tree is None:
        return {}
    if not isinstance(tree, yaml.MappingNode):
        return [WordingFault(file, 2, 1, "the settings are not `name: value` lines.", "Write `heading: …`, a setting a line.")]
    faults = [fault for key, value in tree.value for fault in _shape_faults(key, value, file)]
    return faults or {key.value: _Setting(_text(value), value.start_mark.line + 2) for key, value in tree.value}


def _shape_faults(key: yaml.Node, value: yaml.Node, file: Path) -> Iterator[WordingFault]:
    line, column = key.start_mark.line + 2, key.start_mark.column + 1
    if key.value not in KEYS:
        near = difflib.get_close_matches(str(key.value), KEYS, 1)
        hint = f"Did you mean '{near[0]}'?" if near else f"Known are {', '.join(KEYS)}."
        yield WordingFault(file, line, column, f"there is no setting '{key.value}'.", hint)
    scalars = value.value if isinstance(value, yaml.SequenceNode) else [value]
    if not all(isinstance(each, yaml.ScalarNode) for each in scalars):
        remedy = 'Put quotes around a text that begins with {{: "{{ customer.first_name }}, …"'
        yield WordingFault(file, value.start_mark.line + 2, value.start_mark.column + 1, f"'{key.value}' is not a text.", remedy)


def _text(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "\\\n".join(str(each.value) for each in node.value)
    return str(node.value).strip()


def _faults(settings: Mapping[str, _Setting], file: Path) -> Iterator[WordingFault]:
    colour, language = settings.get("colour"), settings.get("language")
    if colour and not re.fullmatch(r"#[0-9a-fA-F]{6}", colour.text):
        yield WordingFault(file, colour.line, 1, "the colour is not like #1d3c5a.", 'Write six hexadecimal digits in quotes: "#1d3c5a".')
    if language and language.text not in PHRASES:
        known = ", ".join(PHRASES)
        remedy = f"Write one of {known}; or leave it out, and each recipient's own is taken."
        yield WordingFault(file, language.line, 1, "the fixed sentences are not known in that language.", remedy)


def _image(file: Path, setting: _Setting) -> str | list[WordingFault]:
    from PIL import Image  # noqa: PLC0415 - `contactflow check` pays for it only where there is an image

    path = file.parent / setting.text
    try:
        data = path.read_bytes() if path.resolve().is_relative_to(file.parent.resolve()) else b""
        with Image.open(io.BytesIO(data)) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError):  # Pillow's own are among these
        message = f"'{setting.text}' is not a PNG or JPEG image beside the letter."
        return [WordingFault(file, setting.line, 1, message, f"Put the image into {file.parent.name}/, or correct its name.")]
    if len(data) > MOST_IMAGE_BYTES:
        message = f"'{setting.text}' has {len(data) // 1000} kB; at most {MOST_IMAGE_BYTES // 1000} are taken."
        return [WordingFault(file, setting.line, 1, message, "Save it smaller: 600 pixels of width are enough for a logo.")]
    return base64.b64encode(data).decode()
