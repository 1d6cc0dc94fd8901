"""Bounces that keep to no standard: told by who sends them and how they begin, and read as text.

Only what stands before the returned mail counts: a newsletter may say "mailbox full" itself.
"""

import re
from collections.abc import Iterator
from itertools import groupby, pairwise

from channels.email.incoming.events import Cause, Fate, Verdict
from channels.email.incoming.opened import Opened, texts_of
from channels.email.incoming.verdicts import cause_of, fate, has_code, status_in

_DAEMON = re.compile(
    r"mailer[-_ ]?daemon|mail[-_ ]?daemon|post[-_]?master@|mail delivery (sub)?system|mail administrator|delivery[-_. ]?(status"
    r"|subsystem|notification|agent|report)"
    r"|\bmdaemon@|internet mail delivery|mail delivery service|bounce[-_.]?(handler|notification)|microsoft ?exchange"
    r"|system administrator",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver(ed|able)|delivery (status|failure|failed|report|problem|notification|error)|returned (e-?mail|to sender)"
    r"|failure (notice|notification|delivery)"
    r"|mail (delivery )?(failed|failure|error|could not)|non[- ]?(delivery|remis|recapit)|could not be delivered|not delivered"
    r"|delayed mail|message delayed|returning message"
    r"|^(re: )?warning: (message|could not)|delivery .{0,30}(delay|unsuccess)|message (delivery|status|undeliver|not deliver"
    r"|refused)|\bbounced?\b|\bNDR\b"
    r"|onbestelbaar|niet (worden )?(be|af)geleverd|unzustellbar|nicht zugestellt|zustellung|non remis"
    r"|[ée]chec de (la )?(remise|distribution)|no se (puede|pudo) entregar|non consegnato|mancato recapito",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"qmail-send program|this is the (mail|mailer|email|e-mail|deliver)\w* (system|program|server) at"
    r"|message was created automatically by (the )?(mail|smtp)"
    r"|original message was received at|delivery to the following recipients?|did not reach (some or all of )?(the |your )"
    r"|could not (be delivered|deliver)"
    r"|unable to deliver|wasn't able to deliver|undeliverable|couldn't be delivered|was undeliverable|has failed"
    r"|failed permanently|was not delivered|returned (e-?mail|message|to sender)"
    r"|transcript of session|delivery (attempts?|has) |cannot be delivered|can't be delivered|failed (addresses|recipients?)"
    r"|has (not yet been|been) (delivered|delayed|rejected|refused)"
    r"|kon(den)? niet .{0,40}(be|af)geleverd|niet (worden )?(be|af)geleverd|nicht zugestellt|konnte nicht|n'a pas (pu )?[eê]t"
    r"|no (se )?(ha podido|pudo)|non (è stato|e' stato) possibile",
    re.IGNORECASE,
)
_STILL_TRYING = re.compile(
    r"(has|have) (not yet|been) (been )?delayed|delivery (has been |is )?delayed|message .{0,20}delayed"
    r"|not (yet )?been delivered|warning message only|will (be )?(retried|retry|continue|keep trying)"
    r"|(do|need) not (need to )?resend|no action is required|still (being )?(retried|trying)|could not send message for past"
    r"|delayed mail|temporarily delayed|vertraagd|verz[oö]gert",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(
    r"giv(en|ing) up|gave up|permanent (fatal )?error|has failed|failed permanently|not going to try again|returned? to sender",
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"^[ \t>]*(?:-{3,}.{0,80}(?:copy|original|returned|message headers|unsent|forwarded|below this line|mail follows)"
    r"|={3,}.{0,60}(?:original|message|returned)"
    r"|(?:the )?(?:original|returned|unsent|your) (?:mail|message)s?(?: (?:header|text|body)s?)? (?:follows?|reads|is below)"
    r"|message (?:headers?|text) follow"
    r"|(?:received|return-path|message-id|mime-version|dkim-signature): ).*$",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])")
_NOT_A_RECIPIENT = re.compile(r"mailer-daemon|postmaster|message-id|^mail from|from:", re.IGNORECASE)
_MOST_TEXT = 20_000
_MOST_RECIPIENTS = 50
_MOST_MENTIONS = 200


def rejection_fates(mail: Opened, our_domains: frozenset[str]) -> tuple[Fate, ...]:
    """What a bounce without a status part says of each recipient; nothing when it is no bounce, or says nothing."""
    text = _said(mail)
    if not is_from_a_machine(mail):
        return ()
    delayed = bool(_STILL_TRYING.search(f"{mail.fields.get('subject')}\n{text}")) and not _GAVE_UP.search(text)
    fates = [_fate(address, said, text, delayed=delayed) for address, said in _chunks(mail, text, our_domains)]
    if not fates:
        fates = [_fate(None, text, text, delayed=delayed)]
    clear = delayed or any(_says_something(each) for each in fates) or _OPENING.search(text) or mail.fields.get("x-failed-recipients")
    return tuple(fates) if clear else ()


def is_from_a_machine(mail: Opened) -> bool:
    """Whether a mail server wrote this mail, by its sender or a header that only servers write."""
    if mail.fields.get("x-failed-recipients") or _DAEMON.search(mail.fields.get("from")):
        return True
    silent = any(value.strip() in ("<>", "") for value in mail.fields.all("return-path"))
    answered = mail.fields.get("in-reply-to") and not mail.returned
    return bool(_SUBJECT.search(mail.fields.get("subject"))) and (silent or (not answered and bool(_OPENING.search(_said(mail)))))


def _said(mail: Opened) -> str:
    """The text before the returned mail."""
    plain = [part for part in mail.parts if part.kind == "text/plain"] or [part for part in mail.parts if part.kind.startswith("text/")]
    text = texts_of(plain)[:_MOST_TEXT]
    if any(part.kind == "text/html" for part in plain):
        text = re.sub(r"<[^<>@]{1,500}>", " ", text)
    end = _RETURNED.search(text, 1)
    # Some begin with a line of dashes of their own.
    while end and not _ADDRESS.search(text, 0, end.start()) and not has_code(text[: end.start()]):
        end = _RETURNED.search(text, end.end())
    return text[: end.start()] if end else text


def _chunks(mail: Opened, text: str, our_domains: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Each recipient that failed with what is said behind the address, up to the next one."""
    listed = {address.lower() for value in mail.fields.all("x-failed-recipients") for address in _ADDRESS.findall(value)}
    found = [match for match in _ADDRESS.finditer(text) if _is_recipient(match, text, our_domains, listed)]
    runs = [(address, next(matches).start()) for address, matches in groupby(found, lambda match: match[0].lower())]
    said: dict[str, str] = {}
    for (address, start), (_, end) in pairwise([*runs[:_MOST_MENTIONS], ("", len(text))]):
        # Some list all recipients first, or say everything once more in another language.
        if not _tells(said.get(address, "")):
            said[address] = text[start:end]
    yield from list(said.items())[:_MOST_RECIPIENTS]
    yield from ((address, text) for address in sorted(listed - set(said))[:_MOST_RECIPIENTS])


def _is_recipient(match: re.Match[str], text: str, our_domains: frozenset[str], listed: set[str]) -> bool:
    if listed:
        return match[0].lower() in listed
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    return match[0].rpartition("@")[2].lower() not in our_domains and not _NOT_A_RECIPIENT.search(line + match[0])


def _fate(address: str | None, said: str, text: str, *, delayed: bool) -> Fate:
    words = said if _tells(said) else text
    return fate("delayed" if delayed else "failed", status_in(words), words, address)


def _tells(words: str) -> bool:
    return has_code(words) or cause_of("", words) is not Cause.OTHER


def _says_something(found: Fate) -> bool:
    return found.verdict is Verdict.HARD or found.cause is not Cause.OTHER or bool(found.status)
