"""Text as it travels: quoted-printable bodies, RFC 2047 headers. Nothing here can put a line break where a header ends.

Bodies are encoded in chunks that each begin and end at the start of a line (docs/decisions/0005-mail.md), so that the static text
of a wording is encoded once and only the values are encoded for each recipient. A soft line break costs three bytes.
"""

import binascii
import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import quote

from channels.merging import one_line

SOFT_BREAK = "=\r\n"
_LINE = 76
# One word or sentence of plain ASCII that needs no encoding, does not begin with a dot, and fits on a line.
_AS_IT_IS = re.compile(r"[!-\-/-<>-~](?:[ -<>-~]{0,70}[!-<>-~])?")
_BLANKS_AT_THE_END = re.compile(r"([ \t]+)(\n|\Z)")
_LEADING_DOTS = re.compile(r"^\.+", re.MULTILINE)
_BYTES_IN_A_WORD = 36  # 60 characters encoded: stands beside `Subject: ` within 76
_MOST_PLAIN = 64
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]")


def quoted(text: str) -> str:
    """Quoted-printable of a chunk: ASCII, CRLF, no line over 76 or beginning with a dot; ends at the start of a line."""
    if _AS_IT_IS.fullmatch(text):
        return f"{text}{SOFT_BREAK}"
    pieces = _BLANKS_AT_THE_END.split(text.replace("\r\n", "\n").replace("\r", "\n"))
    encoded = [_quoted_line_ends(pieces[0])]
    for blanks, end, rest in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        encoded += [_quoted_blanks(blanks), "\r\n" if end else SOFT_BREAK, _quoted_line_ends(rest)]
    return "".join(encoded)


def unquoted(encoded: bytes) -> str:
    """The text that `quoted` gave this for, its lines ended by a line feed."""
    return binascii.a2b_qp(encoded).decode().replace("\r\n", "\n")


@lru_cache(4_096)  # many people have the same name
def header_text(text: str) -> str:
    """The value of an unstructured header (Subject), encoded and folded as needed."""
    line = one_line(text)
    if line.isascii() and len(line) <= _MOST_PLAIN and "=?" not in line:
        return line
    return _encoded_words(line)


def header_name(name: str) -> str:
    """The name before an address, encoded or in quotes as needed."""
    line = one_line(name)
    if not line.isascii() or "=?" in line or len(line) > _MOST_PLAIN:
        return _encoded_words(line)
    if _ATOMS.fullmatch(line):
        return line
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'


def header_link(link: str) -> str:
    """A link as it stands between angle brackets in a header."""
    return quote(link, safe="!#$%&'()*+,-./:;=?@[]_~")


def header_id(text: str) -> str:
    """A key as it may stand in a Message-ID or a header of ours."""
    return _NOT_IN_ID.sub("-", text)


def _quoted_line_ends(text: str) -> str:
    """Quoted-printable of text whose lines do not end in blanks: with those, b2a_qp makes lines of 78."""
    # It breaks lines by a bare line feed when there is none, or a bare one, in the text.
    encoded = binascii.b2a_qp(text.encode(), istext=True).decode("ascii").replace("\n", "\r\n")
    if encoded and not encoded.endswith("\n"):
        if len(encoded) - encoded.rfind("\n") > _LINE:  # it leaves no room for our soft break
            last = 3 if encoded[-3] == "=" else 1
            encoded = f"{encoded[:-last]}{SOFT_BREAK}{encoded[-last:]}"
        encoded += SOFT_BREAK
    # A line that begins with a dot would need another one on the wire; so there is none.
    return _LEADING_DOTS.sub(lambda dots: f"=2E{SOFT_BREAK}" * len(dots[0]), encoded)


def _quoted_blanks(blanks: str) -> str:
    encoded = [f"={ord(blank):02X}" for blank in blanks]
    return SOFT_BREAK.join("".join(encoded[at : at + 24]) for at in range(0, len(encoded), 24))


def _encoded_words(line: str) -> str:
    return "\r\n ".join(f"=?utf-8?b?{b64encode(piece.encode()).decode()}?=" for piece in _pieces(line))


def _pieces(line: str) -> list[str]:
    """The line cut into pieces of a limited number of bytes, never inside a character."""
    pieces, size = [""], 0
    for character in line:
        size += len(character.encode())
        if size > _BYTES_IN_A_WORD:
            pieces.append("")
            size = len(character.encode())
        pieces[-1] += character
    return pieces
