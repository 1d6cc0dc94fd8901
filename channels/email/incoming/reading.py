"""From the bytes of a mail to what it says."""

import re
from collections.abc import Sequence
from email.utils import parseaddr

from channels.email.incoming.answers import body_of, written
from channels.email.incoming.automatic import absence_in, is_automatic, is_challenge, may_be_automatic
from channels.email.incoming.events import (
    Absence,
    AutoReply,
    Challenge,
    Complaint,
    DeliveryReport,
    Incoming,
    Other,
    Reply,
    Trace,
    Unsubscribe,
    Why,
)
from channels.email.incoming.opened import Opened, opened
from channels.email.incoming.rejections import is_from_a_machine, rejection_fates
from channels.email.incoming.reports import complaint, delivery_fates
from channels.email.incoming.traces import Ours, trace, unsubscribes

_ANSWER = re.compile(r"^\W{0,3}(re|antw|aw|sv|vs|odp|rif|res|r|ré)(\[\d+\])?\s?:", re.IGNORECASE)
_LEAVES = re.compile(
    r"(please |graag |bitte |merci de |gelieve )?(me |mij |mich )?(list-unsubscribe=one-click|unsubscribe( me)?( from (this"
    r"|your|the) (list|newsletter|mails?|emails?))?|remove me( from (this|your|the) list)?"
    r"|stop|opt[- ]?out|take me off (this|your|the) list|(mij |me )?(uitschrijven|afmelden|schrijf me uit|meld me af"
    r"|schrijf mij uit|meld mij af)( aub| a\.u\.b| alstublieft| graag)?"
    r"|abmelden|abbestellen|newsletter abbestellen|austragen|me désinscrire|désinscription|désabonner|désinscrire"
    r"|désabonnement|darme de baja|cancelar suscripción|baja|cancellami|disiscrizione|avsluta|avregistrera)"
    r"( please| bitte| svp| s'il vous plaît| por favor| thanks| thank you| dank u| danke)?",
    re.IGNORECASE,
)
_MOST_OF_A_WISH = 200


def read(raw: bytes, ours: Ours, recipients: Sequence[str] = ()) -> Incoming:
    """What a mail says, whatever its bytes; never an exception. `recipients`: of the envelope, where it is known.

    Reports come first, since servers send them as automatic answers too; then what machines write; a person's words last.
    """
    mail = opened(raw)
    if mail is None:
        return Other(trace(Opened(), recipients, ours), Why.UNREADABLE)
    about = trace(mail, recipients, ours)
    return _report(mail, about, ours) or _wish(mail, about, recipients, ours) or _of_a_machine(mail, about) or _of_a_person(mail, about)


def _report(mail: Opened, about: Trace | None, ours: Ours) -> Incoming | None:
    fates = delivery_fates(mail)
    if fates:
        return DeliveryReport(about, fates, standard=True)
    complained = complaint(mail)
    if isinstance(complained, Why):
        return Other(about, complained)
    if complained is not None:
        return Complaint(about, *complained)
    if any(mail.of_kind("message/disposition-notification")):
        return Other(about, Why.READ_RECEIPT)
    fates = rejection_fates(mail, frozenset(ours.domains))
    return DeliveryReport(about, fates, standard=False) if fates else None


def _wish(mail: Opened, about: Trace | None, recipients: Sequence[str], ours: Ours) -> Unsubscribe | None:
    """Asked by an address or a header that is for nothing else; mail programs write such mails as automatic ones."""
    automatic = is_automatic(mail) and _is_a_wish_to_leave(mail.fields.get("subject"))
    if automatic or mail.fields.get("x-apple-unsubscribe") or unsubscribes(mail, recipients, ours):
        return Unsubscribe(about, _author(mail))
    return None


def _of_a_machine(mail: Opened, about: Trace | None) -> Incoming | None:
    automatic, maybe = is_automatic(mail), may_be_automatic(mail)
    if automatic or maybe:
        text = written(body_of(mail))
        if is_challenge(mail, text):
            return Challenge(about)
        absence = absence_in(mail, text)
        if absence is not Absence.OTHER or (automatic and not is_from_a_machine(mail)):
            return AutoReply(about, absence)
    if is_from_a_machine(mail):
        return Other(about, Why.UNCLEAR_REPORT)
    if is_challenge(mail, ""):  # some of these filters write as if they were the person
        return Challenge(about)
    fields = mail.fields
    return Other(about, Why.BULK) if maybe or fields.get("list-id") or fields.get("list-unsubscribe") else None


def _of_a_person(mail: Opened, about: Trace | None) -> Incoming:
    text = written(body_of(mail))
    subject = mail.fields.get("subject")
    if _is_a_wish_to_leave(text) or (not text and _is_a_wish_to_leave(subject)):
        return Unsubscribe(about, _author(mail))
    answers = about is not None or mail.fields.get("in-reply-to") or mail.fields.get("references") or _ANSWER.match(subject)
    return Reply(about, text, _author(mail)) if answers else Other(None, Why.NO_REPLY)


def _author(mail: Opened) -> str | None:
    return parseaddr(mail.fields.get("from"))[1].lower() or None


def _is_a_wish_to_leave(text: str) -> bool:
    """Whether somebody asks for nothing but to be left alone; a sentence that goes on is for a person to read."""
    first = text[:_MOST_OF_A_WISH].strip().splitlines()
    return len(text) <= _MOST_OF_A_WISH and bool(first) and _LEAVES.fullmatch(first[0].strip(" \t.!,\"'*")) is not None
