"""Reports that keep to a standard: of delivery (RFC 3464), and of complaints (RFC 5965)."""

import re
from collections.abc import Iterator

from channels.email.incoming.events import Cause, Fate, Grievance, Why
from channels.email.incoming.opened import Fields, Opened, texts_of
from channels.email.incoming.verdicts import fate

_STATUS = ("message/delivery-status", "message/global-delivery-status")
_ADDRESS = re.compile(r"[^\s<>;,\"]{1,200}@[^\s<>;,\"]{1,250}")
_TYPE = re.compile(r"^[A-Za-z0-9-]{1,20}\s*;\s*")
_MOST_RECIPIENTS = 1_000


def delivery_fates(mail: Opened) -> tuple[Fate, ...]:
    """What a delivery report says of each recipient; nothing when this is none."""
    blocks = [block for part in mail.of_kind(*_STATUS) for block in part.blocks if _is_of_a_recipient(block)]
    human = texts_of([part for part in mail.parts if part.kind.startswith("text/")]) if len(blocks) == 1 else ""
    return tuple(_fate(block, human) for block in blocks[:_MOST_RECIPIENTS])


def _is_of_a_recipient(block: Fields) -> bool:
    return bool(block.get("action") or block.get("status") or (block.get("final-recipient") and block.get("diagnostic-code")))


def _fate(block: Fields, human: str) -> Fate:
    words = " ".join(_TYPE.sub("", value) for name in ("diagnostic-code", "x-supplementary-info") for value in block.all(name))
    address = next(_recipients(block), None)
    found = fate(block.get("action"), block.get("status"), words, address)
    if found.cause is Cause.OTHER and not words:  # what it does not tell machines, it may tell people
        return fate(block.get("action"), block.get("status"), human, address)
    return found


def _recipients(block: Fields) -> Iterator[str]:
    """The address that we wrote to, before the one that it was forwarded to."""
    for name in ("original-recipient", "x-actual-recipient", "final-recipient"):
        yield from (address.lower() for value in block.all(name) for address in _ADDRESS.findall(_TYPE.sub("", value)))


_OLD_LOOPS = re.compile(r"staff@hotmail\.com|scomp@aol\.net|(abuse-reports|complaints?|fbl)@|feedback loop", re.IGNORECASE)


def complaint(mail: Opened) -> tuple[Grievance, str | None] | Why | None:
    """What a feedback report complains of and who, if it says so; Why when it reports something else; None when it is none."""
    part = next(mail.of_kind("message/feedback-report"), None)
    if part is None:
        return _old_complaint(mail)
    block = Fields(tuple(pair for each in part.blocks for pair in each.pairs))
    said = block.get("feedback-type").lower()
    if said == "not-spam":
        return Why.NOT_SPAM
    if said.startswith("auth-failure") or said == "dmarc":
        return Why.AUTHENTICATION_REPORT
    grievance = Grievance(said) if said in Grievance.__members__.values() else Grievance.ABUSE
    given = " ".join((*block.all("original-rcpt-to"), *block.all("removal-recipient")))
    found = _ADDRESS.search(given)
    return grievance, found[0].lower() if found else None


def _old_complaint(mail: Opened) -> tuple[Grievance, str | None] | None:
    """Loops older than the standard send the mail back as it was, with who complained in a header of their own."""
    recipient = mail.fields.get("x-hmxmroriginalrecipient") or next(
        (value for part in mail.returned for block in part.blocks for value in block.all("x-hmxmroriginalrecipient")), ""
    )
    if not recipient and not (mail.returned and _OLD_LOOPS.search(mail.fields.get("from"))):
        return None
    found = _ADDRESS.search(recipient)
    return Grievance.ABUSE, found[0].lower() if found else None
