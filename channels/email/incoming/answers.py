"""What a person wrote in an answer, without what the mail program put below or between it."""

import re

from channels.email.incoming.opened import Opened
from channels.email.plaintext import text_of

_MOST_LINES = 3_000
_MOST_LINE = 1_000
_MOST_TEXT = 20_000
_ATTRIBUTION_LINES = 4  # a long sender makes a mail program break the line
_ATTRIBUTION = re.compile(
    r"(wrote|writes|schreef|schreef het volgende|geschreven|schrieb|a écrit|escribió|ha scritto|escreveu|skrev|kirjoitti"
    r"|napisał(\(a\))?|napsal(\(a\))?"
    r"|schrieb folgendes|following|folgendes|het volgende)( .{0,200})?[:：]$",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"^(on|op|am|le|el|il|em|den|w dniu|dne|il giorno|em|på|ma|di|wo|do|vr|za|zo|\d{1,4}[-./]|<?[^\s<>]+@|.{1,80}<[^\s<>]+@[^\s<>]+>)",
    re.IGNORECASE,
)
_DATED = re.compile(r"\d|@")
_SEPARATOR = re.compile(
    r"^[\s>]*[-_=]{2,}\s*(original (message|appointment)|oorspronkelijk bericht|ursprüngliche nachricht|originalnachricht"
    r"|message d'origine|mensaje original"
    r"|messaggio originale|mensagem original|ursprungligt meddelande|oprindelig meddelelse|opprinnelig melding"
    r"|doorgestuurd bericht|forwarded message"
    r"|weitergeleitete nachricht|message transféré|reply (message|above this line).{0,40})\s*[-_=]*\s*$",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*[_-]{20,}\s*$")
_SENDER = re.compile(r"^[\s>*]*(from|van|von|de|da|från|fra|od|expéditeur|lähettäjä)\s?\*?:\*?\s*\S", re.IGNORECASE)
_SENT = re.compile(
    r"^[\s>*]*(sent|date|verzonden|datum|gesendet|envoyé( le)?|enviado( el)?|fecha|inviato|data|skickat|sendt|dato|lähetetty"
    r"|wysłano)\s?\*?:",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"^[\s>*]*(to|subject|aan|onderwerp|an|betreff|à|objet|para|asunto|oggetto|assunto|till|ämne|til|emne|aihe|do|temat)\s?\*?:",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^--\s?$")
_DEVICE = re.compile(
    r"^\s*(sent from (my |outlook|mail|yahoo|samsung|proton)|get outlook for|verstuurd vanaf|verzonden vanaf|verzonden (met"
    r"|vanuit)|download outlook|gesendet (von|mit|aus)"
    r"|von meinem .{1,40} gesendet|diese nachricht wurde von mein|envoyé (de|depuis) mon|enviado desde|inviato da|skickat från"
    r"|sendt fra|outlook voor (android|ios)).{0,120}$",
    re.IGNORECASE,
)
# Where mail programs begin the part that they quote.
_QUOTED_HTML = re.compile(
    r"<(div|blockquote|span|table|section|hr)\b[^<>]{0,400}(gmail_quote|gmail_extra|yahoo_quoted|moz-cite-prefix|divRplyFwdMsg"
    r"|appendonsend|protonmail_quote|ms-outlook-mobile-reference"
    r"|mail-editor-reference-message-container|tutanota_quote|zmail_extra|type=\"?cite"
    r"|border-top:\s?(solid )?#[EB][15][ECD][14][EDF][1F] )|<blockquote\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"(?!)")
_BREAKS = re.compile(r"<(br|/p|/div|/tr|/li)\b[^<>]{0,200}>", re.IGNORECASE)
_LOOSE = re.compile(r"<(?![A-Za-z/!?][^<>]{0,2000}>)")
_TAG = re.compile(r"<[^<>]{0,2000}>")


def body_of(mail: Opened) -> str:
    """The text of a mail; of HTML, only what stands above the part that its program marked as quoted."""
    plain = "\n".join(part.text for part in mail.of_kind("text/plain"))
    if plain.strip():
        return plain
    html = "\n".join(part.text for part in mail.of_kind("text/html"))
    quoted = _QUOTED_HTML.search(html)
    return _text_of_html(html[: quoted.start()] if quoted else html)


def written(text: str) -> str:
    """What the sender wrote in a plain text: above the quoted part, or between its lines."""
    lines = [line[:_MOST_LINE].replace("\xa0", " ").rstrip() for line in text.splitlines()[:_MOST_LINES]]
    own = _without_attributions(lines[: _end(lines)])
    kept = [line for line in own if not line.lstrip().startswith(">") and not _DEVICE.match(line)]
    signature = next((at for at, line in enumerate(kept) if _SIGNATURE.match(line)), len(kept))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept[:signature])).strip()[:_MOST_TEXT]


def _end(lines: list[str]) -> int:
    """The line at which a mail is repeated as a whole."""
    for at, line in enumerate(lines):
        if _SEPARATOR.match(line) or _is_header(lines, at):
            return at
        if _RULE.match(line) and any(_is_header(lines, below) for below in range(at + 1, min(at + 4, len(lines)))):
            return at
    return len(lines)


def _is_header(lines: list[str], at: int) -> bool:
    """Whether the headers of a mail begin here: who, and below it when and to whom or about what."""
    if not _SENDER.match(lines[at]):
        return False
    below = lines[at + 1 : at + 7]
    return any(_SENT.match(line) for line in below) and any(_ABOUT.match(line) for line in below)


def _without_attributions(lines: list[str]) -> list[str]:
    """Without the lines that say who wrote what follows; where that is not marked as quoted, without all that follows."""
    kept: list[str] = []
    at = 0
    while at < len(lines):
        size = _attribution(lines, at)
        if not size:
            kept.append(lines[at])
            at += 1
            continue
        at += size
        if not any(line.lstrip().startswith(">") for line in lines[at : at + 4]):
            break
    return kept


def _attribution(lines: list[str], at: int) -> int:
    """How many lines from here on say "On Monday X wrote:", or 0."""
    if not _OPENS.match(lines[at]):
        return 0
    for size in range(1, _ATTRIBUTION_LINES + 1):
        said = " ".join(line.strip() for line in lines[at : at + size])
        if len(said) > 400 or not lines[at + size - 1 : at + size] or not lines[at + size - 1].strip():
            return 0
        if _ATTRIBUTION.search(said) and _DATED.search(said):
            return size
    return 0


def _text_of_html(html: str) -> str:
    tidy = _LOOSE.sub("&lt;", _without_comments(html))  # tags that never end cost Python's reader the square of their number
    try:
        return text_of(tidy, _NOTHING)
    except (AssertionError, ValueError, RecursionError):  # what it does with some marks that mail programs made up
        return _TAG.sub("", _BREAKS.sub("\n", tidy))


def _without_comments(html: str) -> str:
    first, *others = html.split("<!--")
    return first + "".join(other.partition("-->")[2] for other in others)
