"""Pictures that lie under templates/: carried inside the mail, or fetched from the landing pages."""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Part
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote

from channels.contract import Content, WordingFault
from channels.email.source import Source
from channels.email.tags import HOLE, find_tags, holed

_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}
_HEAVIEST = 200_000  # bytes of one picture; it goes out with every mail
_NAMED = re.compile(
    r"""<(?:mj-image|mj-section|mj-wrapper|mj-hero|mj-carousel-image|mj-social-element|img)\b(?:[^<>"']|"[^"]*"|'[^']*')*>""",
    re.IGNORECASE,
)
_SOURCE = re.compile(r"""\s(?:src|background-url|thumbnails-src)\s*=\s*(?P<value>"[^"]*"|'[^']*')""", re.IGNORECASE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture inside a mail; `data` is its base64 in lines."""

    cid: str
    type: str
    name: str
    data: str

    @property
    def part(self) -> str:
        """The picture as a MIME part, without the boundary before it."""
        return (
            f'Content-Type: {self.type}; name="{self.name}"\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <{self.cid}>\r\n'
            f'Content-Disposition: inline; filename="{self.name}"\r\n\r\n{self.data}\r\n'
        )


@dataclass(frozen=True, slots=True)
class Illustrated:
    """A template whose pictures have their address."""

    source: Source
    pictures: tuple[Picture, ...] = ()


def illustrated(source: Source, root: Path, hosted: str | None) -> Illustrated | list[WordingFault]:
    """The template with the files that it shows put inside the mail, or with their address below `hosted`."""
    swaps, faults, pictures = [], [], dict[str, Picture]()
    for begin, end, name in _named(source):
        found = _read(source, begin, name, root)
        if isinstance(found, WordingFault):
            faults.append(found)
        elif hosted is not None:
            swaps.append((begin, end, f"{hosted}/{quote(found[0])}"))
        else:
            picture = _picture(*found)
            pictures[picture.cid] = picture
            swaps.append((begin, end, f"cid:{picture.cid}"))
    return faults or Illustrated(source.replaced(swaps) if swaps else source, tuple(pictures.values()))


def shown_alone(content: Content) -> str:
    """The HTML of a mail with the pictures that travel with it put in, so that it needs no mail around it."""
    html = content.parts["html"]
    if content.raw is None or "cid:" not in html:
        return html
    parts = [part for part in message_from_bytes(content.raw).walk() if part["Content-ID"]]
    pictures = {part["Content-ID"][1:-1]: f"data:{part.get_content_type()};base64,{_joined(part)}" for part in parts}
    return re.sub(r"cid:([\w@.-]+)", lambda match: pictures.get(match[1], match[0]), html)


def _joined(part: Part) -> str:
    return "".join(str(part.get_payload()).split())


def _named(source: Source) -> Iterator[tuple[int, int, str]]:
    """Begin, end and text of each address of a picture that is a file of ours."""
    for element in _NAMED.finditer(holed(source.text, find_tags(source.text))):
        for match in _SOURCE.finditer(element[0]):
            name = match["value"][1:-1]
            if HOLE not in name and not _ELSEWHERE.match(name.strip()):
                begin = element.start() + match.start("value") + 1
                yield begin, begin + len(name), unquote(name.strip())


def _read(source: Source, offset: int, name: str, root: Path) -> tuple[str, bytes] | WordingFault:
    """The picture's name below `root`, and what it is made of."""
    place = source.place(offset)
    for folder in (place.file.parent, root):
        path = (folder / name).resolve() if "\0" not in name else folder
        if path.is_relative_to(root.resolve()) and path.is_file():
            break
    else:
        return place.fault(f"the picture '{name}' is not there.", "Put it under templates/, or write its address with https://.")
    if path.suffix.lower() not in _TYPES:
        return place.fault(f"'{name}' is not shown by mail programs.", f"Use {', '.join(_TYPES)}.")
    data = path.read_bytes()
    if len(data) > _HEAVIEST:
        return place.fault(f"'{name}' has {len(data) // 1_000} kB.", f"Make it smaller, {_HEAVIEST // 1_000} kB at most.")
    return path.relative_to(root.resolve()).as_posix(), data


def _picture(name: str, data: bytes) -> Picture:
    text = b64encode(data).decode()
    lines = "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", name.rpartition("/")[2])
    return Picture(f"{sha256(data).hexdigest()[:24]}@contactflow", _TYPES[Path(name).suffix.lower()], safe, lines)
