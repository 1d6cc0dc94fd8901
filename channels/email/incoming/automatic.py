"""Answers that no person wrote: out of the office, a ticket number, a filter that asks who is there (RFC 3834, and what came before)."""

import re

from channels.email.incoming.events import Absence
from channels.email.incoming.opened import Opened

_MOST_TEXT = 4_000
_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-auto-response",
    "x-vacation",
    "x-ms-exchange-inbox-rules-loop",
    "x-fc-machinegenerated",
)
_PRECEDENCE = ("auto_reply", "auto-reply", "autoreply")
_SUBJECT = re.compile(
    r"^\W*(auto(matic|mated|matisch|matische|matische[rs]|mat)?[- _]?(reply|response|respond(er)?|answer|antwoord|antwort|svar"
    r"|vastaus)\b|auto:|automatiskt? svar|automaattinen vastaus"
    r"|out[- ]of[- ](the[- ])?office|ooo\b|away from (my|the) (office|mail)|vacation (reply|notice|message)|on (vacation"
    r"|holiday|leave)\b|i am (away|out of)"
    r"|afwezig(heid)?\b|niet (aanwezig|op kantoor)|met vakantie|op vakantie|vakantie\W*$|buiten kantoor|ontvangstbevestiging"
    r"|abwesenheit(s(notiz|nachricht|meldung|assistent))?\b|abwesend\b|(ich bin )?nicht im (büro|haus)|automatische e-?mail"
    r"|eingangsbestätigung|urlaub\W*$"
    r"|réponse automatique|absence (du|de) bureau|absente? du bureau|message d'absence|en congés?\b|accusé de réception"
    r"|respuesta automática|fuera de (la )?oficina|risposta automatica|fuori (sede|ufficio)|resposta automática|ausência"
    r"|odpowied[zź] automatyczna|automatická odpov"
    r"|autosvar|frånvaro|fravær|poissa|otomatik yan|автоответ|автоматический ответ|自動(応答|返信)|自动(答复|回复)|不在通知)",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"out of (the )?office|on (vacation|holiday|annual leave|maternity leave|parental leave|leave)\b|away (from|until)"
    r"|am (currently )?away|(will be )?back (in the office )?on|limited access to (my )?e-?mail"
    r"|\bafwezig|niet (op kantoor|aanwezig|bereikbaar)|(met|op) vakantie|weer (bereikbaar|aanwezig|terug)|zwangerschapsverlof"
    r"|abwesen(d|heit)|nicht (im (büro|haus)|erreichbar)|im urlaub|wieder (erreichbar|im büro|für sie da)|elternzeit"
    r"|absente? |en (congés?|vacances)|de retour le|fuera de la oficina|vacaciones|fuori (sede|ufficio)|in ferie|férias"
    r"|semester\b|ferie\b",
    re.IGNORECASE,
)
_LEFT = re.compile(
    r"no longer (work|employed|with (the|our|this)|at (the|our)|part of)|(has|have) left (the|our|this) (company"
    r"|organi[sz]ation|firm|office|team)|(mailbox|address|account) is no longer (monitored|in use|active|used|read)"
    r"|(werkt|werkzaam|in dienst).{0,30}niet (meer|langer)|(niet|geen) (meer|langer) (werkzaam|in dienst|bij ons|in gebruik"
    r"|gelezen|actief)|uit dienst|werkt (hier )?niet meer|heeft .{0,40}verlaten"
    r"|nicht mehr (f[uü]r|bei|in unserem|im unternehmen|t[aä]tig|aktiv|gelesen|verwendet)|hat (das"
    r"|unser) unternehmen verlassen|ausgeschieden"
    r"|ne (travaille|fait) plus|n'est plus (utilis|en service|dans)|a quitté|ya no (trabaja|forma)|non (lavora|fa) più",
    re.IGNORECASE,
)
_CHALLENGE_HEADERS = ("x-boxbe", "x-tmda-challenge", "x-tmda-fingerprint", "x-spamarrest", "x-challenge-response")
_CHALLENGE = re.compile(
    r"\bboxbe\b|spam ?arrest|\btmda\b|mailinblack|bluebottle|mailblocks|earthlink spamblocker|sender (verification"
    r"|authentication) (request|required|needed)|challenge[-/ ]response"
    r"|(confirm|verify|prove) (that )?(you(r| are| sent)?).{0,60}(human|person|not a (robot|spammer|machine)|deliver|message"
    r"|e-?mail)|not (yet )?(on|in) my (approved|allowed|white|safe|guest) ?list"
    r"|(message|e-?mail|mail) (is|has been|was|will be) (being )?(held|quarantined|placed on hold|waiting"
    r"|awaiting).{0,120}(confirm|verif|authent|approv|click)"
    r"|click .{0,60}(so that|to have|to get|to) .{0,40}(delivered|deliver your|release)|bevestig .{0,60}(mens|afzender|bezorg)"
    r"|(bestätigen|bestaetigen) sie .{0,80}(absender|mensch|zustell)"
    r"|(confirmer|authentifier) .{0,80}(expéditeur|humain|message)",
    re.IGNORECASE | re.DOTALL,
)


def is_challenge(mail: Opened, text: str) -> bool:
    """Whether a filter asks who we are. `text` without what is quoted. Call it only of mails that a machine may have written."""
    if any(mail.fields.get(name) for name in _CHALLENGE_HEADERS):
        return True
    return bool(_CHALLENGE.search(f"{mail.fields.get('subject')}\n{text[:_MOST_TEXT]}"))


def is_automatic(mail: Opened) -> bool:
    """Whether a machine says that it answered, by a header or by its subject."""
    fields = mail.fields
    submitted = fields.get("auto-submitted").lower().partition(";")[0].strip()
    if submitted not in ("", "no") or any(fields.get(name) for name in _HEADERS):
        return True
    if fields.get("precedence").lower() in _PRECEDENCE or fields.get("preference").lower() in _PRECEDENCE:
        return True
    if "vacation" in fields.get("x-apple-action").lower() or fields.get("delivered-to").lower() == "autoresponder":
        return True
    return bool(_SUBJECT.search(fields.get("subject")))


def may_be_automatic(mail: Opened) -> bool:
    """Whether a machine may have written this without saying so: no sender to answer to, or sent as bulk."""
    silent = any(value.strip() == "<>" for value in mail.fields.all("return-path"))
    return silent or mail.fields.get("precedence").lower() in ("bulk", "junk") or bool(mail.fields.get("x-auto-response-suppress"))


def absence_in(mail: Opened, text: str) -> Absence:
    """What an automatic answer says; `text` without what is quoted."""
    said = f"{mail.fields.get('subject')}\n{text[:_MOST_TEXT]}"
    if _LEFT.search(said):
        return Absence.LEFT
    return Absence.AWAY if _AWAY.search(said) else Absence.OTHER
