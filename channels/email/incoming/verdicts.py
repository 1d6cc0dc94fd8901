"""From a status code and a server's words to a verdict: what they say of the address, not of the message.

Words win over a code that says little (``5.0.0``), and a code wins over words that say nothing. Whoever reads "unknown" or "not found"
must see first whether it is said of the sender: ``5.1.0 sender rejected`` closes nobody's mailbox. A 4xx never does.
"""

import re

from channels.email.incoming.events import Cause, Fate, Verdict

HARD = frozenset({Cause.NO_SUCH_ADDRESS, Cause.NO_SUCH_DOMAIN, Cause.CLOSED})
_MOST_WORDS = 1_500
_WRAPPED = re.compile(r"\d\.\d\.\d - (unknown address error|other mail system problem)")  # Amazon SES, before the server's own words
_MOST_DETAIL = 160
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\d.#])([245]\d\d)(?=[ :-]|$)")
_LINK = re.compile(r"https?://\S+")
_ADDRESS = re.compile(r"<?[^\s<>:;,()\[\]\"']{1,200}@[^\s<>:;,()\[\]\"']{1,250}>?")
_BY_STATUS = {
    "5.1.1": Cause.NO_SUCH_ADDRESS,
    "5.1.2": Cause.NO_SUCH_DOMAIN,
    "5.1.3": Cause.NO_SUCH_ADDRESS,
    "5.1.6": Cause.NO_SUCH_ADDRESS,
    "5.1.10": Cause.NO_SUCH_ADDRESS,
    "5.2.1": Cause.CLOSED,
    "5.4.310": Cause.NO_SUCH_DOMAIN,  # Exchange Online: the domain is not in DNS
}
_BY_DETAIL = {"2.2": Cause.FULL, "2.3": Cause.TOO_LARGE, "3.4": Cause.TOO_LARGE, "4.7": Cause.UNREACHABLE, "4.1": Cause.UNREACHABLE}


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives))


# In this order: the first that is found tells.
_BY_WORDS: tuple[tuple[Cause, re.Pattern[str]], ...] = (
    (Cause.UNREACHABLE, _words(r"not found, try again|name server (reply|failure|error)|temporary (name|dns|lookup)")),
    (
        Cause.FULL,
        _words(
            r"(mail|in)?box (is |was |are )?(too )?full|full mailbox|over ?quota|over (the |its |their |his |disk "
            r"|storage )*(quota|limit)",
            r"quota.{0,20}(exceed|violat|reached|usage)|exceed\w*.{0,30}(quota|storage|mailbox size|space limit)|mailfolder is full",
            r"(disk|storage|mailbox) (space|limit|size).{0,20}(exceed|limit|full)|would exceed.{0,30}storage|no space left"
            r"|out of storage",
            r"insufficient (disk|system) (space|storage)|not enough (disk |storage )?space|has reached .{0,20}(disk )?quota"
            r"|out_of_storage",
            r"postfach .{0,20}voll|postbus .{0,12}vol\b|mailbox .{0,12}vol\b|bo[iî]te .{0,30}pleine|casella.{0,20}piena"
            r"|buz[oó]n.{0,20}lleno",
        ),
    ),
    (
        Cause.REFUSED,
        _words(
            r"after mail from|in reply to mail from|my name was rejected|you may not have permission|sender (address |domain "
            r"|id |ip )*(is )?(rejected|denied|refused|blocked|verif|unknown|not|invalid|has)|(mail"
            r"|message) from .{0,60}refused",
            r"(bad|invalid|unknown|unverified|no such) sender|sender (\.{3} )?(is )?not (allowed|authori|permitted)"
            r"|sender.{0,20}does not exist",
            r"client host|helo (command|name)|reverse (dns|hostname|lookup)|ptr record|blocked using|black ?list|block ?list"
            r"|blocklist|denylist|\bd?n?s?[rb]bl\b",
            r"\bspam(?! ?cop\.example)|unsolicited|junk mail|reputation|bulk mail|\bdmarc\b|\bdkim\b|\bspf\b|unauthenticated"
            r"|authentication (is )?required",
            r"virus|malware|phish|prohibited (content|attachment)|content (was )?(rejected|denied|blocked)"
            r"|relay(ing)? (access )?(is )?(denied|not)",
            r"unable to relay|not permitted to relay|rate.{0,30}(exceed|limit|prevent)|receiving (mail|too many).{0,40}(rate"
            r"|quickly)|too many (messages|connections|recipients)",
            r"grey ?list|try (again )?later|temporarily|complaints|loop detected|too many (hops|received)|mail loop|mail forwarding loop",
            r"your (ip|network|host|server|domain).{0,60}(block|list|reject|denied|bann)|\bip .{0,60}(is blocked|banned"
            r"|on our block)|access denied.{0,20}\bip\b",
        ),
    ),
    (
        Cause.CLOSED,
        _words(
            r"(mailbox|account|user|address|recipient|e-?mail)\W.{0,60}\b(disabled|suspended|inactive|deactivated|deleted"
            r"|terminated|expired|closed|locked|archived|frozen)\b",
            r"(disabled|inactive|suspended|deactivated|expired|closed) (mailbox|account|user|recipient|address|e-?mail)"
            r"|no longer (active|valid|available|in use|on server|accept)",
            r"not (an )?active (user|address|account)|user not active|has (been )?(left|moved|retired)"
            r"|mailbox (currently )?suspended|account.{0,20}on hold",
            r"niet meer (actief|in gebruik)|nicht mehr (aktiv|g[uü]ltig|verf[uü]gbar)|n'est plus (actif|valide|utilis)",
        ),
    ),
    (
        Cause.NO_SUCH_DOMAIN,
        _words(
            r"(host|domain)( name)?( or domain)?( name)?( is|'s)? ?(not found(?!, try)|unknown|does(n't| not) exist)|unknown (host"
            r"|domain)|no such (domain|host)\b",
            r"name service error.{0,200}host not found(?!, try)|couldn't find a mail exchanger|nxdomain"
            r"|host .{0,80}not found(?!, try)|domain .{0,80}(does(n't| not) exist|not found"
            r"|could not be found|couldn't be found)|unrouteable (mail )?domain",
            r"couldn't find any host|no (valid )?(mx|a) record|bad destination (host|system)|all relevant mx records point"
            r"|null ?mx|does not accept (any )?mail|no mail is accepted",
            r"illegal host/domain|invalid domain|no route to host name|dns (lookup|error).{0,40}(not found|nxdomain|does not exist)",
        ),
    ),
    (
        Cause.NO_SUCH_ADDRESS,
        _words(
            r"(user|recipient|address|mailbox|account|local[ -]?part|destination|alias)s?\W{0,4}(is |was |are |were "
            r"|name )?(currently )?(unknown|unavailable|undeliverable)",
            r"unknown (local|user|recipient|address|mailbox|account|e-?mail|destination)|unrouteable address"
            r"|undeliverable address|not a known user|user not known",
            r"#5\.1\.0 address rejected|no such (user|recipient|mailbox|address|account|person|local|email|alias)"
            r"|no (mail ?box|account|user|one"
            r"|recipient|mail box) (here|by|at|found|available|with|of)",
            r"no mailbox|there is no (user|one|such)|nobody here|no valid recipient|(not|isn't|is not) (a )?(valid|known|local"
            r"|active) (user|recipient|mailbox|address|account)",
            r"(user|recipient|address|mailbox|account|e-?mail|name|rcpt|>|\)|\.{3}) ?.{0,90}(does(n't| not) (exist|have an? )"
            r"|not exist|(not|n't|never) (be )?found|not (be )?recognized|not present)",
            r"(invalid|bad|wrong|illegal|incorrect|nonexistent|non-existent|nonexisting) (final |delivery |destination "
            r"|forward )*(user|recipient|address|mailbox|account|local|e-?mail)",
            r"recipient ?(not ?found|address rejected: invalid|not ok|is not accepted|is not local)|resolver\.adr"
            r"|not listed in (the )?(public )?.{0,30}(name|address|directory)",
            r"(mailbox|user|account|address) (invalid|unavaiable|not available|missing)|badrcptto|validrcptto"
            r"|name is not found|requested action not taken: mailbox unavailable",
            r"onbekende? (gebruiker|adres|ontvanger|mailbox)|(gebruiker|adres|ontvanger|mailbox) .{0,40}(bestaat niet|onbekend"
            r"|niet gevonden)|onbekende gebruiker",
            r"(empf[aä]nger|benutzer|adresse|postfach|konto) .{0,60}(unbekannt|existiert nicht|nicht gefunden|nicht vorhanden)"
            r"|unbekannte[rs]? (empf|benutz|adress)",
            r"(utilisateur|destinataire|adresse) .{0,30}(inconnu|invalide|n'existe)|no existe|nessun utente|utente sconosciuto"
            r"|usuario desconocido|destinatario sconosciuto",
        ),
    ),
    (
        Cause.TOO_LARGE,
        _words(
            r"(message|mail|size|file).{0,40}(too (big|large)|exceeds|exceeded)|too large|size limit|maximum (message )?size"
            r"|zu gro(ss|ß)|te groot"
        ),
    ),
    (
        Cause.UNREACHABLE,
        _words(
            r"timed? ?out|retry time(out)?|could not be delivered for|connection (refused|reset|dropped|lost|died)|connect to"
            r"|unreachable|no route to host",
            r"expired|retries|queue(d)? too long|gave up|unable to (connect|contact)|establish an smtp|cannot connect"
            r"|lost connection|not respond|i'm not going to try again",
        ),
    ),
    (Cause.REFUSED, _words(r"policy|blocked|banned|refused|not (allowed|permitted|authori)|access denied|prohibited|rejected|denied")),
)
_NOT_THERE_BY_EDGE = re.compile(r"recipient address rejected: access denied")  # Exchange Online, of addresses that it does not have


def fate(action: str, status: str, words: str, address: str | None = None) -> Fate:
    """What a report says of a recipient, by its action ("" is taken from the codes), its status and the server's words."""
    enhanced = _best_status(status, words)
    kind = _action(action, enhanced or _class(words))
    detail = _detail(words)
    if kind in ("delivered", "relayed", "expanded"):
        return Fate(Verdict.DELIVERED, None, kind, enhanced, detail, address)
    cause = cause_of(enhanced, words)
    if kind == "delayed":
        return Fate(Verdict.DELAYED, cause, kind, enhanced, detail, address)
    passing = enhanced.startswith("4") or (not enhanced and _class(words) == "4")
    verdict = Verdict.HARD if cause in HARD and not passing else Verdict.SOFT
    return Fate(verdict, cause, action and kind, enhanced, detail, address)


def cause_of(status: str, words: str) -> Cause:
    """Why a message did not arrive."""
    said = _LINK.sub("", " ".join(words[:_MOST_WORDS].lower().split()))
    said = _WRAPPED.sub("", _ADDRESS.sub("<x>", said))
    if _NOT_THERE_BY_EDGE.search(said):
        return Cause.NO_SUCH_ADDRESS
    for cause, pattern in _BY_WORDS[:-1]:
        if pattern.search(said):
            return cause
    return _of_status(status) or (_BY_WORDS[-1][0] if _BY_WORDS[-1][1].search(said) else Cause.OTHER)


def _of_status(status: str) -> Cause | None:
    known = _BY_STATUS.get(status) or _BY_DETAIL.get(status[2:])
    if known is None and status[2:4] == "7.":
        return Cause.REFUSED
    return Cause.UNREACHABLE if known is None and status[2:4] == "4." else known


def status_in(words: str) -> str:
    """The first enhanced status code in some words, or ""."""
    found = _ENHANCED.search(words)
    return found[0] if found else ""


def has_code(words: str) -> bool:
    """Whether a server's answer is in these words."""
    return bool(_ENHANCED.search(words) or _REPLY.search(words))


def _best_status(status: str, words: str) -> str:
    """The report's status, or the remote server's own where the report's says nothing."""
    own, remote = status_in(status), status_in(words)
    return remote if remote and (not own or own.endswith(".0.0")) else own


def _action(action: str, status: str) -> str:
    """The action in its proper spelling; some servers add a comment, or say ``error``."""
    said = action.strip().lower()
    for known in ("delayed", "delivered", "relayed", "expanded"):
        if said.startswith(known):
            return known
    return "delivered" if not said and status.startswith("2") else "failed"


def _class(words: str) -> str:
    found = _REPLY.search(words)
    return found[1][0] if found else ""


def _detail(words: str) -> str:
    return " ".join(_ADDRESS.sub("...", words[:_MOST_WORDS]).split())[:_MOST_DETAIL]
